"""What goes into the training room and what comes out: wishes, jobs, checkpoints, adapters."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from studio.engines.base import EngineSpec
from studio.errors import StudioError
from studio.training.plan import Method, TrainingPlan

Trainable = EngineSpec  # an engine that can be trained, as pages see it


class JobState(StrEnum):
    """`interrupted`: its process died; `paused` and `interrupted` go on from the last checkpoint."""

    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"
    FAILED = "failed"
    DONE = "done"

    @property
    def live(self) -> bool:
        return self in (JobState.QUEUED, JobState.RUNNING)

    @property
    def resumable(self) -> bool:
        return self in (JobState.PAUSED, JobState.INTERRUPTED, JobState.FAILED)


class Wish(StrEnum):
    """What somebody asked of a job that runs."""

    NONE = ""
    PAUSE = "pause"
    CANCEL = "cancel"


@dataclass(frozen=True)
class ReplayNote:
    """A dataset of another language, whose `clips` take turns in training so that the language is not forgotten."""

    dataset_id: str
    voice_id: str
    name: str
    content_hash: str
    licence: str
    language: str
    clips: int


@dataclass(frozen=True)
class DatasetNote:
    """What a job was trained on, without a word of what was said. `dropped` counts by reason (message key)."""

    name: str
    content_hash: str
    licence: str
    language: str
    train: int
    held_out: int
    seconds: float
    dropped: Mapping[str, int] = field(default_factory=dict)
    replay: tuple[ReplayNote, ...] = ()


@dataclass(frozen=True)
class JobView:
    """A job as people see it; `ahead` counts jobs before it in the queue."""

    id: str
    owner_id: str
    voice_id: str
    voice_name: str
    dataset_id: str
    dataset: DatasetNote
    engine_id: str
    plan: TrainingPlan
    state: JobState
    wish: Wish
    stage: str
    progress: float
    step: int
    steps: int
    epoch: int
    epochs: int
    best_step: int | None
    device: str
    seconds: float
    clips_per_s: float | None
    peak_bytes: int | None
    reason: tuple[str, Mapping[str, Any]] | None
    created_at: str
    started_at: str | None
    heard_at: str | None
    ended_at: str | None
    ahead: int
    adapter_id: str  # "" until it has one

    def trouble(self, language: str) -> str:
        """Why it stands where it stands, as one paragraph; "" when there is nothing to say."""
        return StudioError(self.reason[0], **self.reason[1]).text(language) if self.reason else ""


@dataclass(frozen=True)
class CheckpointView:
    """A row of the checkpoint table. `there`: its weights are still kept and can be used."""

    id: str
    job_id: str
    step: int
    scores: Mapping[str, float]
    samples: int
    size_bytes: int
    best: bool
    there: bool
    created_at: str


@dataclass(frozen=True)
class AdapterView:
    """A trained adapter (or full fine-tuning) of a voice."""

    id: str
    voice_id: str
    job_id: str | None
    name: str
    engine_id: str
    method: Method
    step: int
    size_bytes: int
    card: Mapping[str, Any]
    scores: Mapping[str, float]
    created_at: str


@dataclass(frozen=True)
class Point:
    step: int
    value: float


@dataclass(frozen=True)
class Curves:
    """What a job's events tell. Losses in order of steps; `refused` are (utterance, reason)."""

    train: tuple[Point, ...] = ()
    held_out: tuple[Point, ...] = ()
    refused: tuple[tuple[str, str], ...] = ()
    stage: str = ""
    stage_fraction: float = 0.0
    memory_bytes: int | None = None
    gpu_share: float | None = None
    parameters: int | None = None
    loss: float | None = None
    learning_rate: float | None = None
    seconds_per_step: float | None = None


@dataclass(frozen=True)
class Progress:
    """A job with everything its page shows."""

    job: JobView
    curves: Curves
    checkpoints: tuple[CheckpointView, ...]
    log: str
    eta_s: float | None


@dataclass(frozen=True)
class LaunchRequest:
    """A job to submit. `replay_ids` are further datasets of the same owner, in other languages than the plan's."""

    voice_id: str
    dataset_id: str
    plan: TrainingPlan
    replay_ids: tuple[str, ...] = ()
