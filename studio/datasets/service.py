"""Datasets: made in the background, listed, handed to training, deleted. The review has its own file."""

import builtins
from dataclasses import replace
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from studio.audio.clip import AudioClip
from studio.audio.encode import AudioFormat, encode
from studio.consent.gate import permits
from studio.datasets.approval import LicenceDesk, refuse_unapproved
from studio.datasets.building import Building, Rooms
from studio.datasets.bundles import Bundle, ImportRoot, ZipBundle, free_bytes
from studio.datasets.forms import (
    READY,
    BuildRequest,
    DatasetEvent,
    DatasetView,
    TrainingSet,
    TrainingUtterance,
)
from studio.datasets.owners import Owners
from studio.datasets.removal import BUILDING, Leftovers, discard, remove
from studio.datasets.requests import TakenFiles, check_language, check_request, checked_name
from studio.datasets.rights import PURPOSES
from studio.datasets.rows import counts, open_texts, rows_of
from studio.datasets.views import view
from studio.db.tables import ConsentRecord, Dataset, DatasetUtterance, Voice
from studio.errors import InputRefused, NotFound, NotPermitted, StudioError
from studio.privacy import audit
from studio.privacy.access import Actor, Permission
from studio.privacy.erasure import Erased
from studio.voices.service import decode_own
from studio.work.live import Live, LiveBoard
from studio.work.turns import Turns


class DatasetService:
    """The datasets of an actor's voices. The gate is asked at every use."""

    def __init__(self, rooms: Rooms, import_root: Path) -> None:
        self._rooms = rooms
        self._database = rooms.database
        self._vault = rooms.vault
        self._voices = rooms.voices
        self._root = ImportRoot(import_root)
        self.licences = LicenceDesk(rooms.database, rooms.vault)
        self.leftovers = Leftovers(rooms.database, self._root)
        self._owners = Owners(rooms.vault, rooms.judges)
        self._turns = Turns()
        self._board: LiveBoard[DatasetEvent] = LiveBoard()
        self._at_work: dict[str, Live[DatasetEvent]] = {}  # by the dataset being made

    # Making

    def folders(self, actor: Actor) -> builtins.list[tuple[str, int]]:
        """What can be imported from the server: names below the import root, and bytes."""
        actor.require(Permission.VOICES)
        return self._root.entries()

    def build(self, actor: Actor, request: BuildRequest, bundle: Bundle | None = None) -> Live[DatasetEvent]:
        """Make a dataset in the background; `bundle` is what the terminal opened itself.

        Raises at once what can be told at once (NotFound, ConsentMissing, InputRefused); the rest comes through
        the events. Whatever fails or is cancelled leaves nothing behind.
        """
        self._check(actor, request)
        taken = TakenFiles(self._rooms.scratch, request.files)
        try:
            opened = bundle or self._opened(request, taken)
            dataset_id = self._begin(actor, request)
        except BaseException:
            taken.remove()
            raise
        asked = replace(request, files=() if opened else taken.files)
        live = self._at_work[dataset_id] = self._board.add(Live[DatasetEvent](actor.account_id))
        return live.start(lambda work: self._work(work, actor, dataset_id, asked, opened, taken), dataset_id)

    def refusal(self, actor: Actor, voice_id: str) -> StudioError | None:
        """Why this voice may not be trained now; None when it may."""
        try:
            with self._database.read() as session:
                permits(session, self._voices.find(session, actor, voice_id), PURPOSES)
        except (NotPermitted, NotFound) as error:
            return error
        return None

    def free_bytes(self) -> int:
        """Free room on the disk of the studio's data."""
        return free_bytes(self._rooms.scratch)

    def find_work(self, actor: Actor, token: str) -> Live[DatasetEvent]:
        return self._board.find(actor.account_id, token)

    def running(self, actor: Actor) -> builtins.list[Live[DatasetEvent]]:
        """The actor's datasets on their way, oldest first."""
        return self._board.running(actor.account_id)

    def _opened(self, request: BuildRequest, taken: TakenFiles) -> Bundle | None:
        """The one zip that was brought, or the folder that was named; None for sounds and a voice's own."""
        if request.folder and request.files:
            raise InputRefused("datasets.one_source")
        if request.folder:
            return self._root.open(request.folder)
        zips = [file for file in taken.files if file.name.lower().endswith(".zip")]
        if not zips:
            return None
        if len(taken.files) > 1:
            raise InputRefused("datasets.one_zip")
        return ZipBundle(zips[0].path, zips[0].name)

    def _check(self, actor: Actor, request: BuildRequest) -> None:
        """Everything that can be told before the files are touched: they can be sent again as they are."""
        actor.require(Permission.VOICES)
        check_request(request)
        with self._database.read() as session:
            voice = self._voices.find(session, actor, request.voice_id)
            language = request.language or voice.language
            permits(session, voice, PURPOSES, language=language)
            check_language(language)

    def _begin(self, actor: Actor, request: BuildRequest) -> str:
        with self._database.write() as session:
            voice = self._voices.find(session, actor, request.voice_id)
            permits(session, voice, PURPOSES)
            dataset = Dataset(
                owner_id=actor.account_id, voice_id=voice.id, name=checked_name(request.name),
                language=request.language or voice.language, format="", basis=request.basis.value, source="",
                licence="", seed=request.seed, held_out_share=request.held_out_share,
            )  # fmt: skip
            session.add(dataset)
            session.flush()
            audit.append(session, actor.account_id, "dataset.begun", dataset.id, voice=voice.id)
            return dataset.id

    def _work(
        self, live: Live[DatasetEvent], actor: Actor, dataset_id: str, request: BuildRequest,
        bundle: Bundle | None, taken: TakenFiles,
    ) -> None:  # fmt: skip
        def waiting(ahead: int) -> None:
            live.publish(DatasetEvent(dataset_id, "queued", 0, 0, 0.0, ahead))

        try:
            with self._turns.turn(live.should_stop, waiting):
                Building(self._rooms, live, actor, dataset_id, request, bundle).go()
        except BaseException:
            discard(self._database, self._vault, dataset_id)
            raise
        finally:
            self._at_work.pop(dataset_id, None)
            if bundle:
                bundle.close()
            taken.remove()

    # Reading

    def find(self, session: Session, actor: Actor, dataset_id: str) -> Dataset:
        """The finished dataset if the actor may see it; NotFound otherwise."""
        dataset = session.get(Dataset, dataset_id)
        if dataset is None or dataset.state != READY or not actor.owns(dataset.owner_id):
            raise NotFound("datasets.unknown")
        self._voices.find(session, actor, dataset.voice_id)
        return dataset

    def permitted(self, session: Session, actor: Actor, dataset: Dataset) -> tuple[Voice, ConsentRecord]:
        """The dataset's voice and the consent that covers training with it now; see `permits`."""
        voice = self._voices.find(session, actor, dataset.voice_id)
        return voice, permits(session, voice, PURPOSES, language=dataset.language)

    def list(self, actor: Actor, voice_id: str = "") -> builtins.list[DatasetView]:
        """The actor's finished datasets, newest first; only a voice's where one is named."""
        query = select(Dataset).where(Dataset.state == READY).order_by(Dataset.created_at.desc(), Dataset.id)
        if voice_id:
            query = query.where(Dataset.voice_id == voice_id)
        with self._database.read() as session:
            found = [one for one in session.scalars(query) if actor.owns(one.owner_id)]
            return [view(session, one) for one in found]

    def view(self, actor: Actor, dataset_id: str) -> DatasetView:
        with self._database.read() as session:
            return view(session, self.find(session, actor, dataset_id))

    def clip_audio(self, actor: Actor, utterance_id: str) -> tuple[bytes, str, str]:
        """An utterance's sound as (bytes, media type, file name), for its owner, while the gate permits."""
        with self._database.read() as session:
            row = self.utterance(session, actor, utterance_id)
            self.permitted(session, actor, session.get_one(Dataset, row.dataset_id))
            clip = decode_own(self._vault.read(session, row.asset_id))
        return encode(clip, AudioFormat.WAV), AudioFormat.WAV.media_type, f"{utterance_id}.wav"

    def utterance(self, session: Session, actor: Actor, utterance_id: str) -> DatasetUtterance:
        row = session.get(DatasetUtterance, utterance_id)
        if row is None:
            raise NotFound("datasets.utterance_unknown")
        self.find(session, actor, row.dataset_id)
        return row

    # For training

    def training_set(self, actor: Actor, dataset_id: str) -> TrainingSet:
        """What is kept, with its texts; the gate is asked for training, and by what right.

        Raises NotFound, ConsentMissing, NotPermitted while a licence waits for its reviewer, and InputRefused
        where nothing is left to train on or to hold out, or where it is not whose it should be: the voice's own
        speaker's by consent, many people's by licence.
        """
        actor.require(Permission.VOICES)
        with self._database.read() as session:
            dataset = self.find(session, actor, dataset_id)
            voice, _consent = self.permitted(session, actor, dataset)
            refuse_unapproved(dataset)
            count = counts(session, dataset)
            if not count.train or not count.held_out:
                raise InputRefused("datasets.too_few_kept", kept=count.kept, dropped=count.dropped)
            keyset = self._vault.keyring.find(session, voice.speaker_id)
            kept = [row for row in rows_of(session, dataset.id) if row.kept]
            self._owners.refuse_others(session, dataset, voice, kept)
            utterances = tuple(
                TrainingUtterance(
                    row.id, open_texts(keyset, row).text, row.language, row.split, row.duration_s,
                    row.asset_id, row.speaker,
                )
                for row in kept
            )  # fmt: skip
            return TrainingSet(
                dataset.id, voice.id, voice.speaker_id, dataset.language, dataset.licence,
                dataset.content_hash, utterances, count.kept, count.dropped_by_reason,
            )  # fmt: skip

    def clip(self, session: Session, utterance: TrainingUtterance) -> AudioClip:
        """The utterance's sound, opened; StorageTrouble once its speaker has withdrawn."""
        return decode_own(self._vault.read(session, utterance.asset_id))

    # Ending

    def rename(self, actor: Actor, dataset_id: str, name: str) -> DatasetView:
        actor.require(Permission.VOICES)
        with self._database.write() as session:
            dataset = self.find(session, actor, dataset_id)
            dataset.name = checked_name(name)
            return view(session, dataset)

    def delete(self, actor: Actor, dataset_id: str) -> None:
        """Remove a dataset with all its sounds and texts."""
        actor.require(Permission.VOICES)
        with self._database.write() as session:
            dataset = self.find(session, actor, dataset_id)
            remove(session, self._vault, dataset)
            audit.append(session, actor.account_id, "dataset.deleted", dataset_id)
        self._database.checkpoint()

    # A speaker's withdrawal

    def stop_speaker(self, speaker_id: str) -> None:
        """Stop the making of a speaker's datasets."""
        query = (
            select(Dataset.id).join(Voice).where(Voice.speaker_id == speaker_id, Dataset.state == BUILDING)
        )
        with self._database.read() as session:
            unfinished = [*session.scalars(query)]
        for dataset_id in unfinished:
            if live := self._at_work.get(dataset_id):
                live.cancel()

    def erase_speaker(self, session: Session, speaker_id: str) -> Erased:
        """Their datasets' rows, texts with them; the sounds are assets and counted as such."""
        rows = [*session.scalars(select(Dataset).join(Voice).where(Voice.speaker_id == speaker_id))]
        for row in rows:
            session.delete(row)
        session.flush()
        return Erased({"dataset": len(rows)})
