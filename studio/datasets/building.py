"""A dataset on its way: opened, decoded, cut or compared, written down, judged. All of it, or nothing."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.orm import Session

from studio.audio.clip import AudioClip
from studio.audio.decode import DecodeLimits, decode, shown_name
from studio.audio.windows import WINDOW_S, decode_windows
from studio.consent.evidence import Detector
from studio.consent.gate import permits
from studio.consent.purposes import Purpose
from studio.datasets.bundles import Bundle
from studio.datasets.checks import bytes_of_recordings, refuse_full_disk, refuse_generated, refuse_too_few
from studio.datasets.corpora import choose, pseudonyms
from studio.datasets.edges import part
from studio.datasets.forms import READY, RECORDINGS, Basis, BuildRequest, DatasetEvent
from studio.datasets.importers.base import SOUNDS, Corpus, Row
from studio.datasets.importers.registry import importer_for
from studio.datasets.recordings import StoredRecording, store_window
from studio.datasets.rights import Crowd, Rights, claim, refuse_unlike
from studio.datasets.rows import counts, rows_of, settle
from studio.datasets.segmentation import segments
from studio.datasets.transcription import Ear
from studio.datasets.writing import Place, Prepared, from_segment, prepared, store
from studio.db.database import Database
from studio.db.tables import Dataset, Voice, now
from studio.errors import AudioRefused, InputRefused, NotFound, StudioError
from studio.evaluation.judges import Judges
from studio.evaluation.speech_recognition import Word
from studio.privacy import audit
from studio.privacy.access import Actor
from studio.privacy.vault import Vault
from studio.voices.service import VoiceService
from studio.work.live import Live

BATCH = 16  # clips a transaction: long enough to be quick, short enough for others to write meanwhile
LISTEN_TO_AT_MOST_S = 30.0
CLIP_LIMITS = DecodeLimits()


@dataclass(frozen=True)
class Rooms:
    """What building works with."""

    database: Database
    vault: Vault
    voices: VoiceService
    judges: Judges
    scratch: Path
    detector: Detector | None = None


class Building:
    """One dataset, made once by `go`; raises what ends it early. Whoever calls removes what is half-made."""

    def __init__(
        self,
        rooms: Rooms,
        live: Live[DatasetEvent],
        actor: Actor,
        dataset_id: str,
        request: BuildRequest,
        bundle: Bundle | None,
    ) -> None:
        self._rooms, self._live, self._actor, self._request = rooms, live, actor, request
        self._id, self._bundle = dataset_id, bundle
        self._position = 0
        self._waiting: list[Prepared] = []
        self._skipped: Counter[str] = Counter()
        self._crowd = Crowd(rooms.judges.embed)
        with self._gated() as (session, voice):
            self._language = session.get_one(Dataset, dataset_id).language
            self._voice_id = voice.id

    def go(self) -> None:
        self._tell("opening", 0, 1, 0.0)
        importer = importer_for(self._bundle, self._request.format) if self._bundle else None
        if importer is None or self._bundle is None:
            self._describe(Corpus(RECORDINGS, "", ""))
            self._cut()
        else:
            rows = importer.rows(self._bundle)
            self._describe(importer.origin(rows))
            self._import(self._bundle, rows)
        self._flush()
        self._finish()

    def _describe(self, corpus: Corpus) -> None:
        """Note what it is made of, and by what right: a consent by its id, or a licence by its name."""
        claimed = claim(self._request, corpus)
        with self._gated() as (session, voice):
            dataset, request = session.get_one(Dataset, self._id), self._request
            dataset.format = corpus.format
            dataset.source = (
                request.source.strip() or corpus.source or (self._bundle.name if self._bundle else "")
            )
            consent = permits(session, voice, {Purpose.FINE_TUNE}, language=dataset.language)
            dataset.rights, dataset.licence = claimed.rights.value, claimed.licence or f"consent {consent.id}"
            if claimed.rights is Rights.AWAITING:
                dataset.attested_by, dataset.attested_at = self._actor.account_id, now()
                audit.append(
                    session, self._actor.account_id, "dataset.licence_attested", dataset.id,
                    licence=dataset.licence, source=dataset.source,
                )  # fmt: skip

    # Telling and writing

    def _tell(self, stage: str, done: float, total: float, fraction: float) -> None:
        self._live.check(self._request.name)
        event = DatasetEvent(self._id, stage, int(done), int(total), min(1.0, fraction))
        self._live.publish(event)

    @contextmanager
    def _gated(self) -> Iterator[tuple[Session, Voice]]:
        """A transaction in which the gate was asked; NotFound once the dataset or its voice is gone."""
        with self._rooms.database.write() as session:
            dataset = session.get(Dataset, self._id)
            if dataset is None:
                raise NotFound("datasets.unknown")
            voice = self._rooms.voices.find(session, self._actor, dataset.voice_id)
            permits(session, voice, {Purpose.FINE_TUNE})
            yield session, voice

    def _keep(self, one: Prepared) -> None:
        self._waiting.append(one)
        if len(self._waiting) >= BATCH:
            self._flush()

    def _flush(self) -> None:
        if not self._waiting:
            return
        with self._gated() as (session, voice):
            keyset = self._rooms.vault.keyring.find(session, voice.speaker_id)
            for one in self._waiting:
                store(session, self._rooms.vault, keyset, voice.speaker_id, self._id, self._position, one)
                self._position += 1
        self._waiting.clear()

    # Long recordings

    def _cut(self) -> None:
        """Store every recording window by window, then listen and cut."""
        refuse_full_disk(self._rooms.scratch, bytes_of_recordings(self._bundle, self._request.files))
        self._ear = self._listening(listens=True)
        lengths = [*self._take_in()]
        if not lengths:
            raise InputRefused("datasets.no_recordings")
        total, before = sum(lengths), 0.0
        for recording, length_s in enumerate(lengths):
            for one in self._clips_of(recording):
                self._keep(one)
                done_s = before + one.place.end_s
                self._tell("listening", done_s, total, 0.1 + 0.85 * done_s / total)
            before += length_s

    def _clips_of(self, recording: int) -> Iterator[Prepared]:
        ear, spoken = self._ear, ""

        def hear(block: AudioClip) -> Sequence[Word]:
            nonlocal spoken
            spoken = ear.spoken_language(block)
            return ear.words(block, self._language)

        source = StoredRecording(self._rooms.database, self._rooms.vault, self._id, recording)
        speaker = "" if self._own else "S001"
        for one in segments(source, hear, self._language):
            self._meet(one.clip)
            yield from_segment(one, recording, self._language, speaker, ear.likeness(one.clip), spoken)

    def _take_in(self) -> Iterator[float]:
        for recording, (name, windows) in enumerate(self._recordings()):
            start_s, rate = 0.0, 0
            for window in windows:
                if rate and window.sample_rate_hz != rate:
                    raise AudioRefused("audio.changing_format", file=shown_name(name))
                rate = window.sample_rate_hz
                refuse_generated(self._rooms.detector, window, name)
                with self._gated() as (session, voice):
                    store_window(
                        session, voice.speaker_id, self._rooms.vault, self._id, recording, start_s, window
                    )
                start_s += window.duration_s
                self._tell("reading", start_s, 0, 0.05)
            if start_s:
                yield start_s

    def _recordings(self) -> Iterator[tuple[str, Iterator[AudioClip]]]:
        """Name and windows of every recording: the bundle's, those that were brought, or the voice's own."""
        if self._bundle is not None:
            for name in [n for n in self._bundle.names if n.lower().endswith(SOUNDS)]:
                yield name, self._unpacked(self._bundle, name)
        elif self._request.files:
            for file in self._request.files:
                yield file.name, decode_windows(file.path, file.name)
        else:
            with self._rooms.database.read() as session:
                voice = self._rooms.voices.find(session, self._actor, self._voice_id)
                clips = self._rooms.voices.clips(session, voice)
            for number, clip in enumerate(clips, 1):
                yield str(number), _windows_of(clip)

    def _unpacked(self, bundle: Bundle, name: str) -> Iterator[AudioClip]:
        """Decoded from a file of its own, which is gone afterwards."""
        file = self._rooms.scratch / f"{self._id}.part"
        try:
            bundle.copy(name, file)
            yield from decode_windows(file, name)
        finally:
            file.unlink(missing_ok=True)

    # Corpora and tables

    def _import(self, bundle: Bundle, rows: Sequence[Row]) -> None:
        chosen = choose(rows, self._request, self._language)
        self._skipped.update(chosen.left_out)
        incoming = sum(bundle.sizes[name] for name in {row.sound for row in chosen.rows})
        refuse_full_disk(self._rooms.scratch, incoming)
        self._ear = self._listening(listens=self._request.listen)
        names, total = pseudonyms(chosen.rows, self._request.basis), len(chosen.rows)
        for number, (row, speaker) in enumerate(zip(chosen.rows, names, strict=True), 1):
            if (clip := self._decoded(bundle, row)) is not None:
                self._meet(clip)
                self._keep(self._compared(clip, row, speaker))
            self._tell("comparing", number, total, 0.02 + 0.93 * number / total)

    def _decoded(self, bundle: Bundle, row: Row) -> AudioClip | None:
        """The row's sound; None where it is unreadable and such rows are to be left out."""
        try:
            clip = decode(bundle.read(row.sound, CLIP_LIMITS.max_bytes), row.sound, CLIP_LIMITS)
            refuse_generated(self._rooms.detector, clip, row.sound)
            return clip
        except StudioError as error:
            generated = error.key == "datasets.generated"
            if generated and not self._request.skip_unusable:
                raise
            if not self._request.skip_unusable:
                reason = error.text(self._actor.language)
                raise InputRefused(
                    "datasets.unreadable", file=shown_name(row.sound), reason=reason
                ) from error
            self._skipped["generated" if generated else "unreadable"] += 1
            return None

    def _compared(self, clip: AudioClip, row: Row, speaker: str) -> Prepared:
        listens = clip.duration_s <= LISTEN_TO_AT_MOST_S
        impression = self._ear.impression(clip, row.language, listens=listens)
        place = Place(None, 0.0, clip.duration_s)
        return prepared(clip, place, row.text, row.language, speaker, impression)

    # Both

    @property
    def _own(self) -> bool:
        """Whether every clip is to be the voice's own speaker's."""
        return self._request.basis is Basis.CONSENT

    def _meet(self, clip: AudioClip) -> None:
        """Licensed recordings have to be of many people: who speaks is noted, whatever the table says."""
        if not self._own:
            self._crowd.hear(clip)

    def _listening(self, listens: bool) -> Ear:
        """With the voice's recordings to compare with, where the clips are to be its speaker's."""
        clips: list[AudioClip] = []
        if self._own:
            with self._rooms.database.read() as session:
                voice = self._rooms.voices.find(session, self._actor, self._voice_id)
                clips = self._rooms.voices.clips(session, voice)
        references = [self._rooms.judges.embed(clip) for clip in clips]
        return Ear(self._rooms.judges, references, listens=listens)

    def _finish(self) -> None:
        """Judge and split everything, refuse what is not enough, and show it."""
        self._tell("checking", 0, 1, 0.97)
        with self._gated() as (session, voice):
            dataset = session.get_one(Dataset, self._id)
            dataset.skipped = {name: n for name, n in self._skipped.items() if n}
            settle(session, dataset, self._rooms.vault.keyring.find(session, voice.speaker_id))
            refuse_too_few(session, dataset)
            if self._own:
                refuse_unlike([row.likeness for row in rows_of(session, dataset.id) if row.kept])
            else:
                self._crowd.refuse_one_voice(voice.name)
            dataset.state = READY
            audit.append(
                session, self._actor.account_id, "dataset.made", dataset.id, voice=voice.id,
                format=dataset.format, basis=dataset.basis, rights=dataset.rights, kept=counts(session, dataset).kept,
            )  # fmt: skip
        folder = self._request.folder
        self._live.publish(DatasetEvent(self._id, "done", 1, 1, 1.0, folder=folder))


def _windows_of(clip: AudioClip) -> Iterator[AudioClip]:
    """A clip in memory, as windows."""
    start_s = 0.0
    while start_s < clip.duration_s:
        window = part(clip, start_s, min(clip.duration_s, start_s + WINDOW_S))
        if not window.duration_s:
            return
        yield window
        start_s += WINDOW_S
