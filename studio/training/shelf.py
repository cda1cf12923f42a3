"""Adapters in the vault and checkpoints in run folders: listed, applied to a voice, made, deleted."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from studio.consent.gate import permits
from studio.db.database import Database
from studio.db.tables import Adapter, Asset, Checkpoint, TrainingJob, Voice
from studio.engines.base import Engine, EngineSpec, VoiceState
from studio.errors import EngineTrouble, InputRefused, NotFound
from studio.privacy import audit
from studio.privacy.access import Actor, Permission
from studio.privacy.vault import Vault
from studio.synthesis.trained import ADAPTER, CHECKPOINT, TrainedChoice
from studio.training.cards import with_card
from studio.training.checkpoints import Checkpoints
from studio.training.forms import AdapterView
from studio.training.permission import PURPOSES
from studio.training.plan import Method
from studio.training.run_folder import RunFolder
from studio.voices.service import VoiceService


class AdapterShelf:
    """What was trained, by id: ``adp_...`` in the vault, ``ckp_...`` in the folder of its run."""

    def __init__(self, database: Database, vault: Vault, voices: VoiceService, runs: Path) -> None:
        self._database = database
        self._vault = vault
        self._voices = voices
        self.runs = runs

    # What synthesis asks (studio.synthesis.trained.Trained)

    def choices(
        self, actor: Actor, voice_id: str, engine_id: str = "", *, checkpoints: bool = False
    ) -> Sequence[TrainedChoice]:
        with self._database.read() as session:
            self._voices.find(session, actor, voice_id)
            found = [*self._adapters(session, voice_id), *self._checkpoints(session, voice_id, checkpoints)]
        return [one for one in found if not engine_id or one.engine_id == engine_id]

    def choice(self, actor: Actor, trained_id: str) -> TrainedChoice:
        with self._database.read() as session:
            row, job = self._row(session, trained_id)
            voice_id = row.voice_id if isinstance(row, Adapter) else _of(job).voice_id
            self._voices.find(session, actor, voice_id)
            return (
                _adapter_choice(row, job) if isinstance(row, Adapter) else _checkpoint_choice(row, _of(job))
            )

    def check(self, session: Session, actor: Actor, trained_id: str, voice: Voice, spec: EngineSpec) -> None:
        row, job = self._row(session, trained_id)
        owner = row if isinstance(row, Adapter) else _of(job)
        if owner.voice_id != voice.id or owner.engine_id != spec.id:
            raise NotFound("synthesis.adapter_unknown")
        permits(session, voice, PURPOSES, spec)

    def applied(self, trained_id: str, voice: Voice, engine: Engine, state: VoiceState) -> VoiceState:
        adapt = getattr(engine, "adapt", None)
        if adapt is None:
            raise EngineTrouble("training.engine_adapts_not", engine=engine.spec.name)
        adapted: VoiceState = adapt(state, trained_id, lambda: self.weights(trained_id))
        return adapted

    # Weights

    def weights(self, trained_id: str) -> bytes:
        """The trained weights, opened; StorageTrouble or NotFound once they are gone."""
        with self._database.read() as session:
            row, job = self._row(session, trained_id)
            if isinstance(row, Adapter):
                return self._vault.read(session, row.asset_id)
            return Checkpoints(self.run(session, _of(job))).weights(row.step)

    def run(self, session: Session, job: TrainingJob) -> RunFolder:
        """The job's run folder, with its key out of the vault; NotFound when the run is gone."""
        if job.key_asset_id is None or not (self.runs / job.id).is_dir():
            raise NotFound("training.run_gone")
        return RunFolder(self.runs / job.id, self._vault.read(session, job.key_asset_id))

    def kept(self, job_id: str, checkpoint: Checkpoint) -> bool:
        """Whether a checkpoint's weights are still there."""
        return checkpoint.step > 0 and (self._folder(job_id, checkpoint) / "weights").exists()

    def _folder(self, job_id: str, checkpoint: Checkpoint) -> Path:
        return self.runs / job_id / "checkpoints" / checkpoint.folder

    # Making and ending

    def store(
        self, session: Session, job: TrainingJob, checkpoint: Checkpoint, card: dict[str, Any]
    ) -> Adapter:
        """Seal a checkpoint's weights into the vault as an adapter, in the caller's transaction."""
        voice = session.get_one(Voice, job.voice_id)
        weights = Checkpoints(self.run(session, job)).weights(checkpoint.step)
        asset_id = self._vault.write(session, voice.speaker_id, "adapter", with_card(weights, card))
        adapter = Adapter(
            voice_id=voice.id, job_id=job.id, name=self._name(session, voice, job), engine_id=job.engine_id,
            method=job.plan["method"], step=checkpoint.step, asset_id=asset_id, card=card,
            scores=dict(checkpoint.scores),
        )  # fmt: skip
        session.add(adapter)
        session.flush()
        return adapter

    @staticmethod
    def _name(session: Session, voice: Voice, job: TrainingJob) -> str:
        count = len(session.scalars(select(Adapter.id).where(Adapter.voice_id == voice.id)).all())
        return f"{voice.name} {job.plan['method']} {count + 1}"

    def of_voice(self, actor: Actor, voice_id: str) -> list[AdapterView]:
        """A voice's adapters, newest first."""
        with self._database.read() as session:
            self._voices.find(session, actor, voice_id)
            query = select(Adapter).where(Adapter.voice_id == voice_id).order_by(Adapter.created_at.desc())
            return [_adapter_view(session, row) for row in session.scalars(query)]

    def mine(self, actor: Actor) -> list[AdapterView]:
        """The adapters of all voices of the actor, newest first."""
        with self._database.read() as session:
            rows = session.execute(
                select(Adapter, Voice).join(Voice).order_by(Adapter.created_at.desc())
            ).all()
            return [_adapter_view(session, row) for row, voice in rows if actor.owns(voice.owner_id)]

    def view(self, actor: Actor, adapter_id: str) -> AdapterView:
        with self._database.read() as session:
            return _adapter_view(session, self.find(session, actor, adapter_id))

    def rename(self, actor: Actor, adapter_id: str, name: str) -> AdapterView:
        """InputRefused for a name that is empty or too long."""
        actor.require(Permission.VOICES)
        if not 1 <= len(name.strip()) <= 60:
            raise InputRefused("training.no_name")
        with self._database.write() as session:
            row = self.find(session, actor, adapter_id)
            row.name = name.strip()
            audit.append(session, actor.account_id, "adapter.renamed", adapter_id)
            return _adapter_view(session, row)

    def delete(self, actor: Actor, adapter_id: str) -> None:
        actor.require(Permission.VOICES)
        with self._database.write() as session:
            row = self.find(session, actor, adapter_id)
            session.delete(row)
            session.flush()
            self._vault.delete(session, row.asset_id)
            audit.append(session, actor.account_id, "adapter.deleted", adapter_id)

    def find(self, session: Session, actor: Actor, adapter_id: str) -> Adapter:
        """The actor's adapter; NotFound for an unknown one and for somebody else's."""
        row = session.get(Adapter, adapter_id)
        if row is None:
            raise NotFound("synthesis.adapter_unknown")
        self._voices.find(session, actor, row.voice_id)
        return row

    def _row(self, session: Session, trained_id: str) -> tuple[Adapter | Checkpoint, TrainingJob | None]:
        if (adapter := session.get(Adapter, trained_id)) is not None:
            return adapter, session.get(TrainingJob, adapter.job_id) if adapter.job_id else None
        checkpoint = session.get(Checkpoint, trained_id)
        if checkpoint is None or not self.kept(checkpoint.job_id, checkpoint):
            raise NotFound("synthesis.adapter_unknown")
        return checkpoint, session.get_one(TrainingJob, checkpoint.job_id)

    @staticmethod
    def _adapters(session: Session, voice_id: str) -> list[TrainedChoice]:
        query = select(Adapter).where(Adapter.voice_id == voice_id).order_by(Adapter.created_at.desc())
        rows = [
            (row, session.get(TrainingJob, row.job_id) if row.job_id else None)
            for row in session.scalars(query)
        ]
        return [_adapter_choice(row, job) for row, job in rows]

    def _checkpoints(self, session: Session, voice_id: str, wanted: bool) -> list[TrainedChoice]:
        if not wanted:
            return []
        query = select(Checkpoint, TrainingJob).join(TrainingJob).where(TrainingJob.voice_id == voice_id)
        rows = session.execute(query.order_by(TrainingJob.created_at.desc(), Checkpoint.step.desc())).all()
        return [_checkpoint_choice(row, job) for row, job in rows if self.kept(job.id, row)]


def _of(job: TrainingJob | None) -> TrainingJob:
    assert job is not None, "a checkpoint goes with its job"
    return job


def _adapter_choice(row: Adapter, job: TrainingJob | None) -> TrainedChoice:
    return TrainedChoice(
        row.id, ADAPTER, row.name, row.voice_id, row.engine_id, row.method, row.step, True, row.created_at,
        job.seconds if job else row.card.get("training_s"), job.peak_bytes if job else None, row.scores,
    )  # fmt: skip


def _checkpoint_choice(row: Checkpoint, job: TrainingJob) -> TrainedChoice:
    return TrainedChoice(
        row.id, CHECKPOINT, f"{job.plan['method']} {job.created_at[:10]} · {row.step}", job.voice_id, job.engine_id,
        job.plan["method"], row.step, row.best, row.created_at, job.seconds, job.peak_bytes, row.scores,
    )  # fmt: skip


def _adapter_view(session: Session, row: Adapter) -> AdapterView:
    size = session.get_one(Asset, row.asset_id).size_bytes
    return AdapterView(
        row.id, row.voice_id, row.job_id, row.name, row.engine_id, Method(row.method), row.step, size, row.card,
        row.scores, row.created_at,
    )  # fmt: skip
