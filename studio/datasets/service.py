"""Datasets: made in the background, listed, handed to training, deleted. The review has its own file."""

from collections.abc import Callable

from sqlalchemy import select
from sqlalchemy.orm import Session

from studio.audio.clip import AudioClip
from studio.audio.encode import AudioFormat, encode
from studio.consent.gate import permits
from studio.consent.purposes import Purpose
from studio.datasets.forms import DatasetView, TrainingSet, TrainingUtterance
from studio.datasets.rows import assets_of, counts, open_texts, rows_of
from studio.db.database import Database
from studio.db.tables import ConsentRecord, Dataset, DatasetUtterance, Voice
from studio.errors import InputRefused, NotFound, NotPermitted
from studio.privacy import audit
from studio.privacy.access import Actor, Permission
from studio.privacy.vault import Vault
from studio.voices.service import VoiceService, decode_own

READY = "ready"
BUILDING = "building"
PURPOSES = frozenset({Purpose.FINE_TUNE})


class DatasetService:
    """The datasets of an actor's voices. The gate is asked at every use."""

    def __init__(self, database: Database, vault: Vault, voices: VoiceService) -> None:
        self._database = database
        self._vault = vault
        self._voices = voices

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
        return voice, permits(session, voice, PURPOSES)

    def list(self, actor: Actor, voice_id: str = "") -> list[DatasetView]:
        """The actor's finished datasets, newest first; only a voice's where one is named."""
        query = select(Dataset).where(Dataset.state == READY).order_by(Dataset.created_at.desc(), Dataset.id)
        if voice_id:
            query = query.where(Dataset.voice_id == voice_id)
        with self._database.read() as session:
            found = [one for one in session.scalars(query) if actor.owns(one.owner_id)]
            return [self._view(session, one) for one in found]

    def view(self, actor: Actor, dataset_id: str) -> DatasetView:
        with self._database.read() as session:
            return self._view(session, self.find(session, actor, dataset_id))

    def clip_audio(self, actor: Actor, utterance_id: str) -> tuple[bytes, str, str]:
        """An utterance's sound as (bytes, media type, file name), for its owner only."""
        with self._database.read() as session:
            row = self.utterance(session, actor, utterance_id)
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
        """What is kept, with its texts; the gate is asked for training.

        Raises NotFound, ConsentMissing, and InputRefused where nothing is left to train on or to hold out.
        """
        actor.require(Permission.VOICES)
        with self._database.read() as session:
            dataset = self.find(session, actor, dataset_id)
            voice, _consent = self.permitted(session, actor, dataset)
            count = counts(session, dataset)
            if not count.train or not count.held_out:
                raise InputRefused("datasets.too_few_kept", kept=count.kept, dropped=count.dropped)
            keyset = self._vault.keyring.find(session, voice.speaker_id)
            kept = [row for row in rows_of(session, dataset.id) if row.kept]
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
        with self._database.write() as session:
            dataset = self.find(session, actor, dataset_id)
            dataset.name = checked_name(name)
            return self._view(session, dataset)

    def delete(self, actor: Actor, dataset_id: str) -> None:
        """Remove a dataset with all its sounds and texts."""
        actor.require(Permission.VOICES)
        with self._database.write() as session:
            dataset = self.find(session, actor, dataset_id)
            remove(session, self._vault, dataset)
            audit.append(session, actor.account_id, "dataset.deleted", dataset_id)
        self._database.checkpoint()

    def _view(self, session: Session, dataset: Dataset) -> DatasetView:
        count = counts(session, dataset)
        voice = session.get_one(Voice, dataset.voice_id)
        return DatasetView(
            dataset.id, dataset.name, voice.id, voice.name, dataset.language, dataset.format, dataset.basis,
            dataset.source, dataset.licence, dataset.seed, dataset.held_out_share, dataset.created_at,
            dataset.content_hash, count.kept, count.kept_s, count.train, count.held_out, count.dropped,
            count.dropped_by_reason, _holds(lambda: permits(session, voice, PURPOSES)), dataset.owner_id,
        )  # fmt: skip


def _holds(ask: Callable[[], object]) -> bool:
    try:
        ask()
    except (NotPermitted, NotFound):
        return False
    return True


def checked_name(name: str) -> str:
    """1 to 60 characters; InputRefused otherwise."""
    if not 1 <= len(name.strip()) <= 60:
        raise InputRefused("datasets.no_name")
    return name.strip()


def remove(session: Session, vault: Vault, dataset: Dataset) -> None:
    """Delete a dataset's rows and files in the caller's transaction."""
    assets = [*assets_of(session, dataset.id)]
    session.delete(dataset)
    session.flush()
    for asset_id in assets:
        vault.delete(session, asset_id)


def sweep_unfinished(database: Database, vault: Vault) -> int:
    """Remove datasets that a crash left half-made; returns how many. Called at start by whoever is alone."""
    with database.read() as session:
        unfinished = [*session.scalars(select(Dataset.id).where(Dataset.state == BUILDING))]
    for dataset_id in unfinished:
        with database.write() as session:
            if (dataset := session.get(Dataset, dataset_id)) is not None:
                remove(session, vault, dataset)
    return len(unfinished)
