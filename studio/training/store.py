"""Training jobs in the database: added, found, seen, changed."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from studio.db.tables import Adapter, Checkpoint, TrainingJob, Voice
from studio.errors import NotFound, StudioError
from studio.privacy.access import Actor
from studio.training.forms import CheckpointView, DatasetNote, JobState, JobView, ReplayNote, Wish
from studio.training.plan import TrainingPlan

MOST = 200


def find_job(session: Session, actor: Actor, job_id: str) -> TrainingJob:
    """The actor's job; NotFound for an unknown one and for somebody else's."""
    row = session.get(TrainingJob, job_id)
    if row is None or not actor.owns(row.owner_id):
        raise NotFound("training.unknown")
    return row


def jobs_of(session: Session, actor: Actor) -> list[JobView]:
    """The actor's jobs: running ones first, then the queue in its order, then history, newest first."""
    rows = session.scalars(select(TrainingJob).order_by(TrainingJob.created_at.desc()).limit(MOST * 5))
    views = [job_view(session, row) for row in rows if actor.owns(row.owner_id)][:MOST]
    running = [one for one in views if one.state is JobState.RUNNING]
    queued = sorted((one for one in views if one.state is JobState.QUEUED), key=lambda one: one.created_at)
    return [*running, *queued, *(one for one in views if not one.state.live)]


def job_view(session: Session, row: TrainingJob) -> JobView:
    adapter = session.scalars(select(Adapter.id).where(Adapter.job_id == row.id).limit(1)).first()
    voice = session.get(Voice, row.voice_id)
    return JobView(
        row.id, row.owner_id, row.voice_id, voice.name if voice else "", row.dataset_id, note_of(row),
        row.engine_id, plan_of(row), JobState(row.state), Wish(row.wish), row.stage, row.progress, row.step, row.steps,
        row.epoch, row.epochs, row.best_step, row.device, row.seconds, row.clips_per_s, row.peak_bytes,
        (row.reason["key"], row.reason["facts"]) if row.reason else None, row.created_at, row.started_at,
        row.heard_at, row.ended_at, _ahead(session, row), adapter or "",
    )  # fmt: skip


def note_of(row: TrainingJob) -> DatasetNote:
    """What a job is trained on, as it was noted when it was submitted."""
    replay = tuple(ReplayNote(**one) for one in row.dataset.get("replay", ()))
    return DatasetNote(**row.dataset | {"replay": replay})


def plan_of(row: TrainingJob) -> TrainingPlan:
    import json

    return TrainingPlan.from_json(json.dumps(row.plan))


def _ahead(session: Session, row: TrainingJob) -> int:
    if row.state != JobState.QUEUED:
        return 0
    before = (TrainingJob.state == JobState.QUEUED) & (TrainingJob.created_at < row.created_at)
    running = TrainingJob.state == JobState.RUNNING
    return session.scalar(select(func.count()).select_from(TrainingJob).where(before | running)) or 0


def checkpoints_of(session: Session, job_id: str) -> list[Checkpoint]:
    """In order of steps: the voice before training (step 0) first."""
    return [*session.scalars(select(Checkpoint).where(Checkpoint.job_id == job_id).order_by(Checkpoint.step))]


def checkpoint_view(row: Checkpoint, there: bool) -> CheckpointView:
    scores = {name: float(value) for name, value in row.scores.items() if isinstance(value, int | float)}
    return CheckpointView(
        row.id, row.job_id, row.step, scores, row.samples, row.size_bytes, row.best, there, row.created_at
    )


def reason_of(error: StudioError) -> dict[str, Any]:
    """An error as it is kept with a job."""
    facts = {k: v if isinstance(v, str | int | float | bool) else str(v) for k, v in error.facts.items()}
    return {"key": error.key, "facts": facts}


def in_state(session: Session, states: Iterable[JobState]) -> list[TrainingJob]:
    """Jobs of anybody in one of these states, oldest first."""
    query = select(TrainingJob).where(TrainingJob.state.in_([state.value for state in states]))
    return [*session.scalars(query.order_by(TrainingJob.created_at, TrainingJob.id))]
