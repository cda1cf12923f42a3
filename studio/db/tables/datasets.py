"""Datasets: their utterances, and the long recordings they were cut from."""

from typing import Any

from sqlalchemy import JSON, Boolean, Float, ForeignKey, Index, Integer, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from studio.db.tables.base import Base, new_id, now


class Dataset(Base, kw_only=True):
    """Audio with its text, to train a voice with. It goes when the voice goes.

    `basis` says why its recordings may be used: "consent" (of the voice's own speaker, compared by voice) or
    "licence" (a corpus of many people, `licence` names its licence, its speakers are pseudonyms). `rights` says
    who answers for that: consent, known (a corpus whose licence its makers published), awaiting (somebody
    attested a licence; a reviewer has still to look), approved.
    """

    __tablename__ = "dataset"
    id: Mapped[str] = mapped_column(String, primary_key=True, default_factory=lambda: new_id("dst"))
    owner_id: Mapped[str] = mapped_column(ForeignKey("account.id"), index=True)
    voice_id: Mapped[str] = mapped_column(ForeignKey("voice.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String)
    language: Mapped[str] = mapped_column(String)
    format: Mapped[str] = mapped_column(String)  # recordings, or an importer's name
    basis: Mapped[str] = mapped_column(String)  # consent / licence
    source: Mapped[str] = mapped_column(String)  # where it comes from, in a few words
    licence: Mapped[str] = mapped_column(String)
    seed: Mapped[int] = mapped_column(Integer)
    held_out_share: Mapped[float] = mapped_column(Float)
    rights: Mapped[str] = mapped_column(String, default="")  # consent / known / awaiting / approved
    attested_by: Mapped[str | None] = mapped_column(String, default=None)  # who vouched for a licence
    attested_at: Mapped[str | None] = mapped_column(String, default=None)
    approved_by: Mapped[str | None] = mapped_column(String, default=None)  # reviewer who looked at it
    approved_at: Mapped[str | None] = mapped_column(String, default=None)
    state: Mapped[str] = mapped_column(String, default="building")  # building / ready / interrupted
    skipped: Mapped[dict[str, Any]] = mapped_column(
        JSON, default_factory=dict
    )  # rows left out: reason -> count
    content_hash: Mapped[str] = mapped_column(String, default="")  # of what is kept, and of its split
    created_at: Mapped[str] = mapped_column(String, default_factory=now)


class DatasetSource(Base, kw_only=True):
    """A window of a long recording: a dataset's utterances can be cut anew from the windows around them."""

    __tablename__ = "dataset_source"
    __table_args__ = (Index("ix_dataset_source_place", "dataset_id", "recording", "start_s"),)
    id: Mapped[str] = mapped_column(String, primary_key=True, default_factory=lambda: new_id("dsw"))
    dataset_id: Mapped[str] = mapped_column(ForeignKey("dataset.id", ondelete="CASCADE"))
    recording: Mapped[int] = mapped_column(Integer)  # which of the dataset's recordings, from 0
    start_s: Mapped[float] = mapped_column(Float)
    end_s: Mapped[float] = mapped_column(Float)
    sample_rate_hz: Mapped[int] = mapped_column(Integer)
    asset_id: Mapped[str] = mapped_column(ForeignKey("asset.id"), index=True)


class DatasetUtterance(Base, kw_only=True):
    """A clip with its text. Both are sealed with the speaker's keyset: `sealed` holds text and transcript."""

    __tablename__ = "dataset_utterance"
    __table_args__ = (Index("ix_dataset_utterance_order", "dataset_id", "suspicion"),)
    id: Mapped[str] = mapped_column(String, primary_key=True, default_factory=lambda: new_id("utt"))
    dataset_id: Mapped[str] = mapped_column(ForeignKey("dataset.id", ondelete="CASCADE"))
    position: Mapped[int] = mapped_column(Integer)  # order of arrival, from 0
    asset_id: Mapped[str] = mapped_column(ForeignKey("asset.id"), index=True)
    content_id: Mapped[str] = mapped_column(String)  # SHA-256 of the samples
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    speaker: Mapped[str] = mapped_column(String)  # pseudonym in a corpus; "" for the voice's own speaker
    language: Mapped[str] = mapped_column(String)
    recording: Mapped[int | None] = mapped_column(Integer)  # None: came as a clip of its own
    start_s: Mapped[float] = mapped_column(Float)  # within the recording
    end_s: Mapped[float] = mapped_column(Float)
    duration_s: Mapped[float] = mapped_column(Float)
    sample_rate_hz: Mapped[int] = mapped_column(Integer)
    speech_s: Mapped[float] = mapped_column(Float)  # how much of it is speech
    confidence: Mapped[float | None] = mapped_column(Float)  # the recogniser's, mean over words, 0..1
    cer: Mapped[float | None] = mapped_column(Float)  # text against what was heard
    likeness: Mapped[float | None] = mapped_column(Float)  # cosine to the voice's recordings
    chars_per_s: Mapped[float] = mapped_column(Float)
    tail_db: Mapped[float] = mapped_column(Float)  # level of the last 50 ms under that of the speech
    suspicion: Mapped[float] = mapped_column(Float)
    doubts: Mapped[list[str]] = mapped_column(JSON)  # why it is suspicious, worst first
    kept: Mapped[bool] = mapped_column(Boolean)
    reason: Mapped[str] = mapped_column(String)  # why it is not kept; "" when it is
    by_person: Mapped[bool] = mapped_column(Boolean, default=False)  # somebody decided: no rule overrides it
    edited: Mapped[bool] = mapped_column(Boolean, default=False)  # text or cut changed by hand
    spoken_language: Mapped[str] = mapped_column(String, default="")  # as heard; "" where it was not told
    split: Mapped[str] = mapped_column(String, default="")  # train / held_out; "" when not kept
