"""Speakers, their consent, their voices and their sealed assets."""

from typing import Any

from sqlalchemy import JSON, Boolean, Float, ForeignKey, Integer, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from studio.db.tables.base import Base, new_id, now


class Speaker(Base, kw_only=True):
    """A person, under a pseudonym. After withdrawal the row stays as a tombstone without content."""

    __tablename__ = "speaker"
    id: Mapped[str] = mapped_column(String, primary_key=True, default_factory=lambda: new_id("spk"))
    category: Mapped[str] = mapped_column(String)  # self / employee / customer
    owner_id: Mapped[str] = mapped_column(ForeignKey("account.id"))
    created_at: Mapped[str] = mapped_column(String, default_factory=now)
    withdrawn_at: Mapped[str | None] = mapped_column(String, default=None)


class SpeakerKeyset(Base, kw_only=True):
    """The speaker's keyset, wrapped by the key-encryption key; deleting it makes every asset unreadable."""

    __tablename__ = "speaker_keyset"
    speaker_id: Mapped[str] = mapped_column(String, primary_key=True)  # or "studio" for preset takes
    wrapped: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[str] = mapped_column(String, default_factory=now)


class SpeakerIdentity(Base, kw_only=True):
    """Real name and contact, encrypted with the speaker's keyset."""

    __tablename__ = "speaker_identity"
    speaker_id: Mapped[str] = mapped_column(ForeignKey("speaker.id", ondelete="CASCADE"), primary_key=True)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)


class Asset(Base, kw_only=True):
    """An encrypted file of storage/assets."""

    __tablename__ = "asset"
    id: Mapped[str] = mapped_column(String, primary_key=True)
    keyset_id: Mapped[str] = mapped_column(ForeignKey("speaker_keyset.speaker_id"), index=True)
    kind: Mapped[str] = mapped_column(String)  # reference_clip / consent_recording / voice_state / take
    size_bytes: Mapped[int] = mapped_column(Integer)  # of the plaintext
    version: Mapped[int] = mapped_column(Integer, default=1)
    created_at: Mapped[str] = mapped_column(String, default_factory=now)


class ConsentRecord(Base, kw_only=True):
    """One immutable version of a speaker's consent; a change is a new version.

    The database itself refuses to widen one (triggers of revisions 0006, 0009 and 0014): only a review's outcome, a
    withdrawal or an earlier end may be written into it, and what was refused or withdrawn stays so.
    """

    __tablename__ = "consent_record"
    __table_args__ = (UniqueConstraint("speaker_id", "version"),)
    id: Mapped[str] = mapped_column(String, primary_key=True, default_factory=lambda: new_id("con"))
    speaker_id: Mapped[str] = mapped_column(ForeignKey("speaker.id"), index=True)
    version: Mapped[int] = mapped_column(Integer)
    category: Mapped[str] = mapped_column(String)
    purposes: Mapped[list[str]] = mapped_column(JSON)
    engines: Mapped[list[str]] = mapped_column(JSON)  # ids; none named: any whose licence allows the purposes
    languages: Mapped[list[str]] = mapped_column(JSON)  # that the voice may speak; none named: any
    lawful_basis: Mapped[str] = mapped_column(String)
    attestations: Mapped[list[str]] = mapped_column(JSON)
    language: Mapped[str] = mapped_column(String)
    notice_version: Mapped[str] = mapped_column(String)
    notice_hash: Mapped[str] = mapped_column(String)
    statement: Mapped[str] = mapped_column(Text)
    recording_asset_id: Mapped[str] = mapped_column(ForeignKey("asset.id"))
    recording_hash: Mapped[str] = mapped_column(String, index=True)  # no recording is accepted twice
    transcript: Mapped[str] = mapped_column(Text)
    statement_wer: Mapped[float | None] = mapped_column(Float)
    speaker_score: Mapped[float | None] = mapped_column(Float)
    judged_by: Mapped[str] = mapped_column(String)  # models and thresholds
    doubts: Mapped[list[str]] = mapped_column(JSON)  # why a person has to listen
    status: Mapped[str] = mapped_column(String)  # granted / review / refused
    granted_by: Mapped[str] = mapped_column(String)  # account that recorded it
    granted_at: Mapped[str] = mapped_column(String)
    expires_at: Mapped[str] = mapped_column(String)
    reviewer_id: Mapped[str | None] = mapped_column(String, default=None)
    review_note: Mapped[str | None] = mapped_column(String, default=None)
    decided_at: Mapped[str | None] = mapped_column(String, default=None)  # by the reviewer, once
    withdrawn_at: Mapped[str | None] = mapped_column(String, default=None)
    withdrawal_reason: Mapped[str | None] = mapped_column(String, default=None)


class Voice(Base, kw_only=True):
    """A voice of a speaker, made of reference clips."""

    __tablename__ = "voice"
    id: Mapped[str] = mapped_column(String, primary_key=True, default_factory=lambda: new_id("voc"))
    speaker_id: Mapped[str] = mapped_column(ForeignKey("speaker.id"), index=True)
    owner_id: Mapped[str] = mapped_column(ForeignKey("account.id"), index=True)
    name: Mapped[str] = mapped_column(String)
    language: Mapped[str] = mapped_column(String)
    created_at: Mapped[str] = mapped_column(String, default_factory=now)


class ReferenceClip(Base, kw_only=True):
    """A recording of the speaker."""

    __tablename__ = "reference_clip"
    id: Mapped[str] = mapped_column(String, primary_key=True, default_factory=lambda: new_id("clp"))
    voice_id: Mapped[str] = mapped_column(ForeignKey("voice.id"), index=True)
    asset_id: Mapped[str] = mapped_column(ForeignKey("asset.id"))
    content_id: Mapped[str] = mapped_column(String)  # SHA-256 of the samples
    consent_id: Mapped[str] = mapped_column(ForeignKey("consent_record.id"))
    source: Mapped[str] = mapped_column(String)  # upload / microphone
    duration_s: Mapped[float] = mapped_column(Float)
    sample_rate_hz: Mapped[int] = mapped_column(Integer)
    report: Mapped[dict[str, Any]] = mapped_column(JSON)
    created_at: Mapped[str] = mapped_column(String, default_factory=now)


class EncodedVoice(Base, kw_only=True):
    """A voice as one engine speaks it: the cache of encode_voice, keyed by the clips' content."""

    __tablename__ = "encoded_voice"
    __table_args__ = (UniqueConstraint("voice_id", "engine_id", "clips_id"),)
    id: Mapped[str] = mapped_column(String, primary_key=True, default_factory=lambda: new_id("enc"))
    voice_id: Mapped[str] = mapped_column(ForeignKey("voice.id"), index=True)
    engine_id: Mapped[str] = mapped_column(String)
    clips_id: Mapped[str] = mapped_column(String)  # hash of the clips' content ids and the engine's version
    asset_id: Mapped[str] = mapped_column(ForeignKey("asset.id"))
    content_id: Mapped[str] = mapped_column(String)
    facts: Mapped[dict[str, Any]] = mapped_column(JSON)
    complete: Mapped[bool] = mapped_column(Boolean, default=True)  # False: stopped early, may be refined
    created_at: Mapped[str] = mapped_column(String, default_factory=now)
