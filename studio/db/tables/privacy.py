"""What stands around consent: challenges, speakers' links, signed documents, notices, retention, receipts."""

from sqlalchemy import JSON, Float, ForeignKey, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from studio.db.tables.base import Base, new_id, now


class ConsentChallenge(Base, kw_only=True):
    """A statement to read within minutes, once; only the token's hash is kept.

    `subject` is who may answer it: an account, or a speaker by the speaker's own link.
    """

    __tablename__ = "consent_challenge"
    token_hash: Mapped[str] = mapped_column(String, primary_key=True)
    subject: Mapped[str] = mapped_column(String, index=True)
    language: Mapped[str] = mapped_column(String)
    purposes: Mapped[list[str]] = mapped_column(JSON)
    statement: Mapped[str] = mapped_column(Text)
    words: Mapped[list[str]] = mapped_column(JSON)
    notice_hash: Mapped[str] = mapped_column(String)
    expires_at: Mapped[str] = mapped_column(String, index=True)
    tries_left: Mapped[int] = mapped_column(Integer)
    used_at: Mapped[str | None] = mapped_column(String, default=None)
    created_at: Mapped[str] = mapped_column(String, default_factory=now)


class ConsentSample(Base, kw_only=True):
    """A consent bound to a sample by the SHA-256 of its samples, and how well the voices matched."""

    __tablename__ = "consent_sample"
    consent_id: Mapped[str] = mapped_column(
        ForeignKey("consent_record.id", ondelete="CASCADE"), primary_key=True
    )
    content_id: Mapped[str] = mapped_column(String, primary_key=True)
    score: Mapped[float | None] = mapped_column(Float)  # lowest cosine; None for records from before 0006
    windows: Mapped[int] = mapped_column(Integer)  # stretches within the sample that were compared, too


class ConsentLink(Base, kw_only=True):
    """A speaker's own link; only the token's hash is kept. It outlives the erasure to show the receipt."""

    __tablename__ = "consent_link"
    id: Mapped[str] = mapped_column(String, primary_key=True, default_factory=lambda: new_id("lnk"))
    token_hash: Mapped[str] = mapped_column(String, unique=True)
    speaker_id: Mapped[str] = mapped_column(ForeignKey("speaker.id"), index=True)
    owner_id: Mapped[str] = mapped_column(ForeignKey("account.id"), index=True)
    voice_name: Mapped[str] = mapped_column(String)  # of the voice to be made; emptied on erasure
    language: Mapped[str] = mapped_column(String)
    expires_at: Mapped[str] = mapped_column(String)
    opened_at: Mapped[str | None] = mapped_column(String, default=None)
    revoked_at: Mapped[str | None] = mapped_column(String, default=None)
    created_at: Mapped[str] = mapped_column(String, default_factory=now)


class ConsentDocument(Base, kw_only=True):
    """A signed document of a speaker, sealed with the speaker's keyset."""

    __tablename__ = "consent_document"
    id: Mapped[str] = mapped_column(String, primary_key=True, default_factory=lambda: new_id("doc"))
    speaker_id: Mapped[str] = mapped_column(ForeignKey("speaker.id"), index=True)
    asset_id: Mapped[str] = mapped_column(ForeignKey("asset.id"))
    media_type: Mapped[str] = mapped_column(String)
    sha256: Mapped[str] = mapped_column(String)
    size_bytes: Mapped[int] = mapped_column(Integer)
    uploaded_by: Mapped[str] = mapped_column(String)
    created_at: Mapped[str] = mapped_column(String, default_factory=now)


class NoticeVersion(Base, kw_only=True):
    """A privacy notice as somebody wrote it; never changed, so that every consent's text can be found again."""

    __tablename__ = "notice_version"
    __table_args__ = (UniqueConstraint("language", "number"),)
    id: Mapped[str] = mapped_column(String, primary_key=True, default_factory=lambda: new_id("ntc"))
    language: Mapped[str] = mapped_column(String)
    number: Mapped[int] = mapped_column(Integer)
    text: Mapped[str] = mapped_column(Text)
    hash: Mapped[str] = mapped_column(String, index=True)
    created_by: Mapped[str] = mapped_column(String)
    created_at: Mapped[str] = mapped_column(String, default_factory=now)


class RetentionRule(Base, kw_only=True):
    """How long something is kept; `days` None keeps it as long as its consent."""

    __tablename__ = "retention_rule"
    kind: Mapped[str] = mapped_column(String, primary_key=True)
    days: Mapped[int | None] = mapped_column(Integer)
    changed_by: Mapped[str] = mapped_column(String)
    changed_at: Mapped[str] = mapped_column(String, default_factory=now)


class ErasureReceipt(Base, kw_only=True):
    """What an erasure removed, in numbers: with the speaker's tombstone, all that stays."""

    __tablename__ = "erasure_receipt"
    speaker_id: Mapped[str] = mapped_column(ForeignKey("speaker.id"), primary_key=True)
    erased: Mapped[dict[str, int]] = mapped_column(JSON)
    erased_by: Mapped[str] = mapped_column(String)
    erased_at: Mapped[str] = mapped_column(String)
