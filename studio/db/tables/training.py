"""Training jobs, their checkpoints, and the adapters that came out of them."""

from typing import Any

from sqlalchemy import JSON, Boolean, Float, ForeignKey, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from studio.db.tables.base import Base, new_id, now


class TrainingJob(Base, kw_only=True):
    """A voice being trained for an engine; goes with its voice.

    `plan` and `dataset` are snapshots of the moment it was submitted. `progress` is 0..1 of the whole;
    `seconds` counts the time its processes worked, over all resumes. `wish` is what somebody asked of a job
    that runs (pause, cancel, drop). Curves are in the run folder's events.jsonl, read up to `events_offset`.
    """

    __tablename__ = "training_job"
    __table_args__ = (Index("ix_training_job_state", "state", "created_at"),)
    id: Mapped[str] = mapped_column(String, primary_key=True, default_factory=lambda: new_id("job"))
    owner_id: Mapped[str] = mapped_column(ForeignKey("account.id"), index=True)
    voice_id: Mapped[str] = mapped_column(ForeignKey("voice.id", ondelete="CASCADE"), index=True)
    dataset_id: Mapped[str] = mapped_column(String)
    dataset: Mapped[dict[str, Any]] = mapped_column(JSON)  # name, hash, counts, seconds, licence; no texts
    engine_id: Mapped[str] = mapped_column(String)
    plan: Mapped[dict[str, Any]] = mapped_column(JSON)
    consent_id: Mapped[str | None] = mapped_column(ForeignKey("consent_record.id", ondelete="SET NULL"))
    key_asset_id: Mapped[str | None] = mapped_column(
        ForeignKey("asset.id", ondelete="SET NULL"), default=None
    )
    state: Mapped[str] = mapped_column(String, default="queued")
    wish: Mapped[str] = mapped_column(String, default="")
    stage: Mapped[str] = mapped_column(String, default="")
    progress: Mapped[float] = mapped_column(Float, default=0.0)
    step: Mapped[int] = mapped_column(Integer, default=0)
    steps: Mapped[int] = mapped_column(Integer, default=0)
    epoch: Mapped[int] = mapped_column(Integer, default=0)
    epochs: Mapped[int] = mapped_column(Integer, default=0)
    best_step: Mapped[int | None] = mapped_column(Integer, default=None)
    device: Mapped[str] = mapped_column(String, default="")
    seconds: Mapped[float] = mapped_column(Float, default=0.0)
    clips_per_s: Mapped[float | None] = mapped_column(Float, default=None)
    peak_bytes: Mapped[int | None] = mapped_column(Integer, default=None)
    events_offset: Mapped[int] = mapped_column(Integer, default=0)
    reason: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True), default=None)
    created_at: Mapped[str] = mapped_column(String, default_factory=now)
    started_at: Mapped[str | None] = mapped_column(String, default=None)
    heard_at: Mapped[str | None] = mapped_column(String, default=None)  # the child's last event
    ended_at: Mapped[str | None] = mapped_column(String, default=None)


class Checkpoint(Base, kw_only=True):
    """What was trained up to a step, and how it scored; step 0 is the voice before training."""

    __tablename__ = "checkpoint"
    __table_args__ = (UniqueConstraint("job_id", "step"),)
    id: Mapped[str] = mapped_column(String, primary_key=True, default_factory=lambda: new_id("ckp"))
    job_id: Mapped[str] = mapped_column(ForeignKey("training_job.id", ondelete="CASCADE"), index=True)
    step: Mapped[int] = mapped_column(Integer)
    folder: Mapped[str] = mapped_column(String)  # name below the run's checkpoints/
    scores: Mapped[dict[str, Any]] = mapped_column(JSON)
    samples: Mapped[int] = mapped_column(Integer, default=0)
    size_bytes: Mapped[int] = mapped_column(Integer, default=0)
    best: Mapped[bool] = mapped_column(Boolean, default=False)
    created_at: Mapped[str] = mapped_column(String, default_factory=now)


class Adapter(Base, kw_only=True):
    """Trained weights of a voice for an engine, sealed with the speaker's keyset; goes with its voice.

    `method` is the plan's; a full fine-tuning is kept the same way. `card` says what it was made of: base
    model, dataset hash, consent record, licence, plan, scores.
    """

    __tablename__ = "adapter"
    id: Mapped[str] = mapped_column(String, primary_key=True, default_factory=lambda: new_id("adp"))
    voice_id: Mapped[str] = mapped_column(ForeignKey("voice.id", ondelete="CASCADE"), index=True)
    job_id: Mapped[str | None] = mapped_column(
        ForeignKey("training_job.id", ondelete="SET NULL"), index=True, default=None
    )
    name: Mapped[str] = mapped_column(String)
    engine_id: Mapped[str] = mapped_column(String)
    method: Mapped[str] = mapped_column(String)
    step: Mapped[int] = mapped_column(Integer)
    asset_id: Mapped[str] = mapped_column(ForeignKey("asset.id"))
    card: Mapped[dict[str, Any]] = mapped_column(JSON)
    scores: Mapped[dict[str, Any]] = mapped_column(JSON)
    created_at: Mapped[str] = mapped_column(String, default_factory=now)
