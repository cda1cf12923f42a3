"""What a child tells, brought into its job's row; the supervisor alone does this."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from studio.db.tables import Checkpoint, TrainingJob
from studio.training.events import ENDINGS, Event, last_event
from studio.training.forms import JobState
from studio.training.run_folder import RunFolder

SMOOTH = 0.2  # how much the newest pace counts


@dataclass(frozen=True)
class Ending:
    """How a run says it ended."""

    state: JobState
    reason: dict[str, Any] | None = None


def bring_in(session: Session, row: TrainingJob, events: Sequence[Event], offset: int) -> Ending | None:
    """Apply events in order; returns the ending when one of them is one and no start follows it."""
    ending: Ending | None = None
    for event in events:
        _count_time(row, event)
        match event.kind:
            case "started":
                ending = None
                _started(row, event)
            case "stage":
                row.stage = str(event.facts.get("name", ""))
            case "step":
                _step(row, event)
            case "checkpoint":
                _checkpoint(session, row, event)
            case "done" | "stopped" | "error":
                ending = _ending(row, event)
    row.events_offset = offset
    return ending


def told_last(row: TrainingJob, run: RunFolder) -> Ending | None:
    """How the process that last worked in the folder said it ended, if it did: even where it was read before.

    A studio may die between reading an ending and acting on it. What an earlier process told does not count.
    """
    event, worker = last_event(run.events_file), run.worker()
    if event is None or worker is None or event.kind not in ENDINGS:
        return None
    recent = datetime.fromisoformat(event.at).timestamp() >= worker.started
    return _ending(row, event) if recent else None


def _count_time(row: TrainingJob, event: Event) -> None:
    """Work between two events of one process counts; the gap before a process began, told by "load", does not."""
    begins = event.kind == "stage" and event.facts.get("name") == "load"
    if not begins and row.heard_at is not None:
        passed = datetime.fromisoformat(event.at) - datetime.fromisoformat(row.heard_at)
        row.seconds += max(0.0, passed.total_seconds())
    row.heard_at = event.at


def _started(row: TrainingJob, event: Event) -> None:
    row.steps = int(event.facts.get("steps", row.steps))
    row.epochs = int(event.facts.get("epochs", row.epochs))
    row.step = int(event.facts.get("step", row.step))


def _step(row: TrainingJob, event: Event) -> None:
    facts = event.facts
    row.step, row.epoch, row.stage = int(facts["step"]), int(facts.get("epoch", row.epoch)), "train"
    row.progress = min(1.0, row.step / row.steps) if row.steps else 0.0
    if (pace := facts.get("clips_per_s")) is not None:
        row.clips_per_s = (1 - SMOOTH) * row.clips_per_s + SMOOTH * pace if row.clips_per_s else float(pace)
    if (memory := facts.get("memory_bytes")) is not None:
        row.peak_bytes = max(row.peak_bytes or 0, int(memory))


def _checkpoint(session: Session, row: TrainingJob, event: Event) -> None:
    facts = event.facts
    step = int(facts["step"])
    query = select(Checkpoint).where(Checkpoint.job_id == row.id, Checkpoint.step == step)
    kept = session.scalars(query).first()
    if kept is None:
        kept = Checkpoint(job_id=row.id, step=step, folder=str(facts["folder"]), scores={})
        session.add(kept)
    if scores := _scores(facts):  # one written at a pause is not judged: what was measured of it stays
        kept.scores = scores
    kept.samples, kept.size_bytes = int(facts.get("samples", 0)), int(facts.get("bytes", 0))
    session.flush()
    if facts.get("best"):
        session.execute(update(Checkpoint).where(Checkpoint.job_id == row.id).values(best=False))
        kept.best, row.best_step = True, step


def _scores(facts: Mapping[str, Any]) -> dict[str, float]:
    scores = dict(facts.get("scores") or {})
    loss = facts.get("held_out")
    return scores | ({"held_out_loss": float(loss)} if loss is not None else {})


def _ending(row: TrainingJob, event: Event) -> Ending:
    facts = event.facts
    if event.kind == "done":
        best = facts.get("best_step")
        row.best_step = int(best) if best is not None else row.best_step
        row.progress = 1.0
        return Ending(JobState.DONE, None)
    if event.kind == "stopped":
        paused = facts.get("reason") == "paused"
        return Ending(JobState.PAUSED if paused else JobState.CANCELLED)
    return Ending(JobState.FAILED, {"key": str(facts["message"]), "facts": dict(facts.get("facts") or {})})
