"""The books of a job: what its process told is brought in, and its ending written, with the adapter it made."""

import logging
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from studio.db.tables import Adapter, Checkpoint, TrainingJob, now
from studio.engines.registry import Registry
from studio.errors import ConsentMissing, LicenceForbids, StudioError
from studio.privacy import audit
from studio.training.cards import card_of
from studio.training.events import read_events
from studio.training.forms import JobState, Wish
from studio.training.hearing import Ending, bring_in, told_last
from studio.training.launching import Ground
from studio.training.leftovers import remove_folder, remove_run, tidy
from studio.training.permission import permitted
from studio.training.run_folder import RunFolder, file_trouble
from studio.training.shelf import AdapterShelf
from studio.training.store import reason_of

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Books:
    """Written by the supervisor alone."""

    ground: Ground
    shelf: AdapterShelf
    engines: Registry

    def folder(self, job_id: str) -> Path:
        return self.ground.runs / job_id

    def hear(self, job_id: str, offset: int) -> Ending | None:
        """Bring in what was told from `offset` on; the ending, where that is what was told last."""
        told = [*read_events(self.folder(job_id) / "events.jsonl", offset)]
        if not told:
            return None
        with self.ground.database.write() as session:
            row = session.get(TrainingJob, job_id)
            return bring_in(session, row, [event for event, _ in told], told[-1][1]) if row else None

    def told_last(self, job_id: str) -> Ending | None:
        """How the process of a job that is over said it ended, read before or not."""
        with self.ground.database.write() as session:
            row = session.get(TrainingJob, job_id)
            return told_last(row, RunFolder(self.folder(job_id), b"")) if row else None

    def close(self, job_id: str, ended: StudioError) -> None:
        """End a job whose process is gone: as it said itself, or else for the reason `ended`."""
        with self.ground.database.read() as session:
            row = session.get(TrainingJob, job_id)
            if row is None:
                return
            offset, cancelled = row.events_offset, row.wish == Wish.CANCEL
        silent = Ending(JobState.CANCELLED) if cancelled else Ending(JobState.INTERRUPTED, reason_of(ended))
        self.end(job_id, self.hear(job_id, offset) or self.told_last(job_id) or silent)

    def end(self, job_id: str, ending: Ending) -> None:
        """Write how a job ended; what cannot be kept of it makes it a failed one."""
        try:
            there = self._settle(job_id, ending)
        except (ConsentMissing, LicenceForbids) as error:
            self.drop(job_id, error)
            return
        except (StudioError, OSError) as error:
            log.warning("what job %s made could not be kept", job_id, exc_info=error)
            ending = Ending(JobState.FAILED, reason_of(self._told(error)))
            there = self._settle(job_id, ending)
        if not there:
            remove_run(self.folder(job_id))
        elif ending.state in (JobState.DONE, JobState.CANCELLED):
            tidy(self.folder(job_id))

    def fail(self, job_id: str, error: Exception) -> None:
        """End a job that something unexpected befell."""
        if isinstance(error, ConsentMissing | LicenceForbids):
            self.drop(job_id, error)
            return
        self.end(job_id, Ending(JobState.FAILED, reason_of(self._told(error))))

    def drop(self, job_id: str, error: StudioError) -> None:
        """Destroy a run: its folder, its key, its checkpoints. The row stays and says why."""
        remove_folder(self.folder(job_id))
        with self.ground.database.write() as session:
            row = session.get(TrainingJob, job_id)
            if row is None:
                return
            destroy(session, self.ground, row)
            row.state, row.wish, row.ended_at = JobState.CANCELLED.value, "", now()
            row.reason = reason_of(error)
            audit.append(session, row.owner_id, "training.consent_lost", job_id, why=error.key)

    def _told(self, error: Exception) -> StudioError:
        if isinstance(error, StudioError):
            return error
        if isinstance(error, OSError):
            return file_trouble(error, self.ground.runs)
        return StudioError("training.unforeseen", kind=type(error).__name__)

    def _settle(self, job_id: str, ending: Ending) -> bool:
        """State and adapter in one transaction: a job is done when its adapter is there. False without a row."""
        with self.ground.database.write() as session:
            row = session.get(TrainingJob, job_id)
            if row is None:
                return False
            row.reason = ending.reason
            if ending.state is JobState.DONE and not self._make_adapter(session, row):
                row.reason = reason_of(StudioError("training.no_better"))
            row.state, row.wish = ending.state.value, ""
            row.ended_at = None if ending.state is JobState.QUEUED else now()
            audit.append(session, row.owner_id, f"training.{ending.state.value}", job_id, step=row.step)
            return True

    def _make_adapter(self, session: Session, row: TrainingJob) -> bool:
        """The best checkpoint into the vault, the gate asked before; False where no step was better than none."""
        spec = self.engines.spec(row.engine_id)
        consent = permitted(session, row, spec)
        query = select(Checkpoint).where(Checkpoint.job_id == row.id, Checkpoint.best.is_(True))
        best = session.scalars(query).first()
        if best is None or best.step == 0:
            return False
        there = select(Adapter.id).where(Adapter.job_id == row.id, Adapter.step == best.step)
        if session.scalars(there).first() is None:
            card = card_of(row, best, spec, consent.id, self.shelf.run(session, row).facts.base_hash)
            adapter = self.shelf.store(session, row, best, card)
            audit.append(session, row.owner_id, "adapter.made", adapter.id, job=row.id, step=best.step)
        return True


def destroy(session: Session, ground: Ground, row: TrainingJob) -> None:
    """A run's key and checkpoints, in the caller's transaction: what is left of its folder opens no more."""
    session.execute(delete(Checkpoint).where(Checkpoint.job_id == row.id))
    key_asset_id, row.key_asset_id, row.best_step = row.key_asset_id, None, None
    session.flush()
    if key_asset_id is not None:
        ground.vault.delete(session, key_asset_id)
