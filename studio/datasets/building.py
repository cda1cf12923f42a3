"""A dataset on its way: opened, decoded, cut or compared, written down, judged. All of it, or nothing."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.orm import Session

from studio.audio.clip import AudioClip
from studio.audio.decode import DecodeLimits, decode, shown_name
from studio.audio.windows import WINDOW_S, decode_windows
from studio.consent.gate import permits
from studio.consent.purposes import Purpose
from studio.datasets.bundles import Bundle, free_bytes
from studio.datasets.corpora import choose, pseudonyms
from studio.datasets.edges import part
from studio.datasets.forms import FEWEST, RECORDINGS, Basis, BuildRequest, DatasetEvent
from studio.datasets.importers.base import SOUNDS, Corpus, Importer, Row
from studio.datasets.importers.registry import importer_for
from studio.datasets.recordings import StoredRecording, store_window
from studio.datasets.rows import counts, rows_of, settle
from studio.datasets.segmentation import segments
from studio.datasets.transcription import Ear
from studio.datasets.writing import Place, Prepared, from_segment, prepared, store
from studio.db.database import Database
from studio.db.tables import Dataset, Voice
from studio.errors import AudioRefused, InputRefused, NotFound, StudioError
from studio.evaluation.judges import Judges
from studio.privacy import audit
from studio.privacy.access import Actor
from studio.privacy.vault import Vault
from studio.voices.service import VoiceService
from studio.work.live import Live

BATCH = 16  # clips a transaction: long enough to be quick, short enough for others to write meanwhile
LISTEN_TO_AT_MOST_S = 30.0
ROOM_TO_SPARE = 500_000_000
CLIP_LIMITS = DecodeLimits()
READY = "ready"
# Reasons for which a whole dataset is refused in words of its own.
TOLD_REASONS = ("too_short", "too_long", "no_text", "silence", "other_script", "other_voice", "other_words")


@dataclass(frozen=True)
class Rooms:
    """What building works with."""

    database: Database
    vault: Vault
    voices: VoiceService
    judges: Judges
    scratch: Path


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
        with self._gated() as (session, voice):
            self._language = session.get_one(Dataset, dataset_id).language
            self._voice_id = voice.id

    def go(self) -> None:
        self._tell("opening", 0, 1, 0.0)
        importer = importer_for(self._bundle, self._request.format) if self._bundle else None
        self._describe(importer.corpus if importer else Corpus(RECORDINGS, "", ""))
        if importer is None:
            self._cut()
        else:
            self._import(importer)
        self._flush()
        self._finish()

    def _describe(self, corpus: Corpus) -> None:
        """Note what it is made of, and why it may be used: a consent by its id, or a licence by its name."""
        with self._gated() as (session, voice):
            dataset, request = session.get_one(Dataset, self._id), self._request
            dataset.format = corpus.format
            dataset.source = (
                request.source.strip() or corpus.source or (self._bundle.name if self._bundle else "")
            )
            if request.basis is Basis.CONSENT:
                dataset.licence = f"consent {permits(session, voice, {Purpose.FINE_TUNE}).id}"
                return
            dataset.licence = request.licence.strip() or corpus.licence
            if not dataset.licence:
                raise InputRefused("datasets.no_licence")

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
        lengths = [*self._take_in()]
        if not lengths:
            raise InputRefused("datasets.no_recordings")
        ear = self._ear(listens=True)
        total, before = sum(lengths), 0.0
        for recording, length_s in enumerate(lengths):
            source = StoredRecording(self._rooms.database, self._rooms.vault, self._id, recording)
            for one in segments(source, ear.words, self._language):
                speaker = "" if self._request.basis is Basis.CONSENT else "S001"
                self._keep(from_segment(one, recording, self._language, speaker, ear.likeness(one.clip)))
                done_s = before + one.end_s
                self._tell("listening", done_s, total, 0.1 + 0.85 * done_s / total)
            before += length_s

    def _take_in(self) -> Iterator[float]:
        for recording, (name, windows) in enumerate(self._recordings()):
            start_s, rate = 0.0, 0
            for window in windows:
                if rate and window.sample_rate_hz != rate:
                    raise AudioRefused("audio.changing_format", file=shown_name(name))
                rate = window.sample_rate_hz
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

    def _import(self, importer: Importer) -> None:
        assert self._bundle is not None
        chosen = choose(importer.rows(self._bundle), self._request, self._language)
        self._skipped["missing_sound"] += chosen.missing
        self._refuse_too_large(self._bundle, chosen.rows)
        ear = self._ear(listens=self._request.listen)
        names = pseudonyms(chosen.rows, self._request.basis)
        for number, (row, speaker) in enumerate(zip(chosen.rows, names, strict=True), 1):
            if (clip := self._decoded(self._bundle, row)) is not None:
                self._keep(self._compared(ear, clip, row, speaker))
            total = len(chosen.rows)
            self._tell("comparing", number, total, 0.02 + 0.93 * number / total)

    def _refuse_too_large(self, bundle: Bundle, rows: tuple[Row, ...]) -> None:
        needed = sum(bundle.sizes[name] for name in {row.sound for row in rows}) + ROOM_TO_SPARE
        free = free_bytes(self._rooms.scratch)
        if needed > free:
            raise InputRefused("datasets.disk", needed_mb=needed // 10**6, free_mb=free // 10**6)

    def _decoded(self, bundle: Bundle, row: Row) -> AudioClip | None:
        """The row's sound; None where it is unreadable and such rows are to be left out."""
        try:
            return decode(bundle.read(row.sound, CLIP_LIMITS.max_bytes), row.sound, CLIP_LIMITS)
        except StudioError as error:
            if not self._request.skip_unusable:
                reason = error.text(self._actor.language)
                raise InputRefused(
                    "datasets.unreadable", file=shown_name(row.sound), reason=reason
                ) from error
            self._skipped["unreadable"] += 1
            return None

    def _compared(self, ear: Ear, clip: AudioClip, row: Row, speaker: str) -> Prepared:
        impression = ear.impression(clip, listens=clip.duration_s <= LISTEN_TO_AT_MOST_S)
        return prepared(
            clip, Place(None, 0.0, clip.duration_s), row.text, self._language, speaker, impression
        )

    # Both

    def _ear(self, listens: bool) -> Ear:
        """With the voice's recordings to compare with, where the clips are to be its speaker's."""
        clips: list[AudioClip] = []
        if self._request.basis is Basis.CONSENT:
            with self._rooms.database.read() as session:
                voice = self._rooms.voices.find(session, self._actor, self._voice_id)
                clips = self._rooms.voices.clips(session, voice)
        references = [self._rooms.judges.embed(clip) for clip in clips]
        return Ear(self._rooms.judges, self._language, references, listens=listens)

    def _finish(self) -> None:
        """Judge and split everything, refuse what is not enough, and show it."""
        self._tell("checking", 0, 1, 0.97)
        with self._gated() as (session, voice):
            dataset = session.get_one(Dataset, self._id)
            dataset.skipped = {name: n for name, n in self._skipped.items() if n}
            settle(session, dataset, self._rooms.vault.keyring.find(session, voice.speaker_id))
            self._refuse_too_few(session, dataset)
            dataset.state = READY
            audit.append(
                session, self._actor.account_id, "dataset.made", dataset.id, voice=voice.id,
                format=dataset.format, basis=dataset.basis, kept=counts(session, dataset).kept,
            )  # fmt: skip
        self._tell("done", 1, 1, 1.0)

    @staticmethod
    def _refuse_too_few(session: Session, dataset: Dataset) -> None:
        count, clips = counts(session, dataset), len(rows_of(session, dataset.id))
        if not clips:
            raise InputRefused("datasets.nothing_heard")
        if not count.kept:
            reason = next(iter(count.dropped_by_reason))
            name = reason if reason in TOLD_REASONS else "mixed"
            raise InputRefused(f"datasets.none_{name}", clips=clips)
        if count.kept < FEWEST or not count.held_out:
            raise InputRefused("datasets.one_sentence", kept=count.kept, clips=clips)


def _windows_of(clip: AudioClip) -> Iterator[AudioClip]:
    """A clip in memory, as windows."""
    start_s = 0.0
    while start_s < clip.duration_s:
        window = part(clip, start_s, min(clip.duration_s, start_s + WINDOW_S))
        if not window.duration_s:
            return
        yield window
        start_s += WINDOW_S
