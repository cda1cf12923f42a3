"""What was generated, and how it was measured."""

from typing import Any

from sqlalchemy import JSON, Boolean, Float, ForeignKey, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from studio.db.tables.base import Base, new_id, now


class Synthesis(Base, kw_only=True):
    """A take: generated audio and everything that made it."""

    __tablename__ = "synthesis"
    __table_args__ = (Index("ix_synthesis_phrase", "owner_id", "phrase_key"),)
    id: Mapped[str] = mapped_column(String, primary_key=True)
    owner_id: Mapped[str] = mapped_column(ForeignKey("account.id"), index=True)
    voice_id: Mapped[str | None] = mapped_column(ForeignKey("voice.id"), index=True)  # None for a preset
    preset_id: Mapped[str | None] = mapped_column(String)
    voice_name: Mapped[str] = mapped_column(String)
    consent_id: Mapped[str | None] = mapped_column(ForeignKey("consent_record.id"))
    engine_id: Mapped[str] = mapped_column(String)
    voice_content_id: Mapped[str] = mapped_column(String)
    adapter_id: Mapped[str | None] = mapped_column(String, default=None)  # or checkpoint; None: zero-shot
    language: Mapped[str] = mapped_column(String)
    text: Mapped[str] = mapped_column(Text)
    normalised_text: Mapped[str] = mapped_column(Text)
    chunks: Mapped[list[str]] = mapped_column(JSON)
    options: Mapped[dict[str, Any]] = mapped_column(JSON)
    notice: Mapped[bool] = mapped_column(Boolean, default=False)  # begins with the spoken notice
    purpose: Mapped[str] = mapped_column(String)
    phrase_key: Mapped[str] = mapped_column(String)
    asset_id: Mapped[str] = mapped_column(ForeignKey("asset.id"))
    duration_s: Mapped[float] = mapped_column(Float)
    sample_rate_hz: Mapped[int] = mapped_column(Integer)
    rtf: Mapped[float] = mapped_column(Float)
    first_sound_s: Mapped[float] = mapped_column(Float)
    device: Mapped[str] = mapped_column(String)
    similarity: Mapped[float | None] = mapped_column(Float, default=None)
    predicted_mos: Mapped[float | None] = mapped_column(Float, default=None)
    wer: Mapped[float | None] = mapped_column(Float, default=None)
    transcript: Mapped[str | None] = mapped_column(Text, default=None)
    # WER of the speaker's own recordings
    asr_floor: Mapped[float | None] = mapped_column(Float, default=None)
    asr_floor_n: Mapped[int | None] = mapped_column(Integer, default=None)  # how many of them
    favourite: Mapped[bool] = mapped_column(Boolean, default=False)
    batch_id: Mapped[str | None] = mapped_column(String, index=True, default=None)
    batch_name: Mapped[str | None] = mapped_column(String, default=None)
    created_at: Mapped[str] = mapped_column(String, default_factory=now)


class EvaluationRun(Base, kw_only=True):
    """A system measured over sentences: what was measured, on what, and how it went."""

    __tablename__ = "evaluation_run"
    id: Mapped[str] = mapped_column(String, primary_key=True, default_factory=lambda: new_id("run"))
    owner_id: Mapped[str] = mapped_column(ForeignKey("account.id"), index=True)
    voice_id: Mapped[str | None] = mapped_column(ForeignKey("voice.id", ondelete="CASCADE"), index=True)
    preset_id: Mapped[str | None] = mapped_column(String)
    voice_name: Mapped[str] = mapped_column(String)
    engine_id: Mapped[str] = mapped_column(String)
    option: Mapped[str] = mapped_column(String)  # preset / zero_shot / adapter / full
    adapter_id: Mapped[str | None] = mapped_column(String, default=None)
    checkpoint_id: Mapped[str | None] = mapped_column(String, default=None)
    options: Mapped[dict[str, Any]] = mapped_column(JSON)
    language: Mapped[str] = mapped_column(String)
    set_id: Mapped[str] = mapped_column(String)
    set_titles: Mapped[dict[str, str]] = mapped_column(JSON)
    content_id: Mapped[str] = mapped_column(String)  # of the sentences: runs of one content compare
    sentences: Mapped[list[dict[str, str]]] = mapped_column(JSON)
    voice_content_id: Mapped[str] = mapped_column(String, default="")  # the voice as the engine spoke it
    seed: Mapped[int] = mapped_column(Integer)
    recogniser: Mapped[str] = mapped_column(String)
    device: Mapped[str] = mapped_column(String)
    cores: Mapped[int] = mapped_column(Integer)
    hour_price: Mapped[float] = mapped_column(Float)
    setup_s: Mapped[float | None] = mapped_column(Float, default=None)
    setup_measured: Mapped[bool] = mapped_column(Boolean, default=False)
    training_s: Mapped[float | None] = mapped_column(Float, default=None)
    peak_bytes: Mapped[int | None] = mapped_column(Integer, default=None)
    peak_gpu_bytes: Mapped[int | None] = mapped_column(Integer, default=None)
    status: Mapped[str] = mapped_column(String, default="running")
    trouble: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True), default=None)
    started_at: Mapped[str] = mapped_column(String, default_factory=now)
    ended_at: Mapped[str | None] = mapped_column(String, default=None)


class MetricScore(Base, kw_only=True):
    """One figure: of a take, of a recording, or of a whole run; goes when any of them goes."""

    __tablename__ = "metric_score"
    id: Mapped[str] = mapped_column(String, primary_key=True, default_factory=lambda: new_id("sco"))
    run_id: Mapped[str] = mapped_column(ForeignKey("evaluation_run.id", ondelete="CASCADE"), index=True)
    synthesis_id: Mapped[str | None] = mapped_column(
        ForeignKey("synthesis.id", ondelete="CASCADE"), index=True
    )
    subject: Mapped[str] = mapped_column(String)  # take / recording / run
    position: Mapped[int | None] = mapped_column(Integer)  # of the sentence; None for a whole run
    metric: Mapped[str] = mapped_column(String)
    value: Mapped[float | None] = mapped_column(Float)
    low: Mapped[float | None] = mapped_column(Float)
    high: Mapped[float | None] = mapped_column(Float)
    n: Mapped[int] = mapped_column(Integer)
    version: Mapped[str] = mapped_column(String)
    parameters: Mapped[dict[str, Any]] = mapped_column(JSON)
    models: Mapped[list[str]] = mapped_column(JSON)
    detail: Mapped[dict[str, Any]] = mapped_column(JSON)
    trouble: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    created_at: Mapped[str] = mapped_column(String, default_factory=now)
