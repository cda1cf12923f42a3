"""The nouns of the studio as tables (SQLAlchemy mapped dataclasses); times are UTC, ISO 8601 text."""

import secrets
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, MappedAsDataclass, mapped_column


def now() -> str:
    """The time in UTC to the millisecond; sorts as text."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def new_id(prefix: str) -> str:
    """An opaque identifier of 96 random bits, e.g. ``voc_3f...``: never a name, never a counter."""
    return f"{prefix}_{secrets.token_hex(12)}"


class Base(MappedAsDataclass, DeclarativeBase, kw_only=True):
    """The base of all tables: keyword-only dataclasses."""


class Account(Base, kw_only=True):
    """Somebody who signs in."""

    __tablename__ = "account"
    id: Mapped[str] = mapped_column(String, primary_key=True, default_factory=lambda: new_id("acc"))
    name: Mapped[str] = mapped_column(String, unique=True)
    role: Mapped[str] = mapped_column(String)
    language: Mapped[str] = mapped_column(String, default="")
    preferences: Mapped[dict[str, Any]] = mapped_column(JSON, default_factory=dict)
    created_at: Mapped[str] = mapped_column(String, default_factory=now)
    disabled_at: Mapped[str | None] = mapped_column(String, default=None)


class SignInLink(Base, kw_only=True):
    """A one-time link; only the token's hash is kept."""

    __tablename__ = "sign_in_link"
    token_hash: Mapped[str] = mapped_column(String, primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"))
    expires_at: Mapped[str] = mapped_column(String)
    used_at: Mapped[str | None] = mapped_column(String, default=None)
    revoked_at: Mapped[str | None] = mapped_column(String, default=None)


class SignInSession(Base, kw_only=True):
    """A browser that is signed in; only the cookie's hash is kept."""

    __tablename__ = "sign_in_session"
    token_hash: Mapped[str] = mapped_column(String, primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"))
    expires_at: Mapped[str] = mapped_column(String)
    created_at: Mapped[str] = mapped_column(String, default_factory=now)


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
    """One immutable version of a speaker's consent; a change is a new version."""

    __tablename__ = "consent_record"
    __table_args__ = (UniqueConstraint("speaker_id", "version"),)
    id: Mapped[str] = mapped_column(String, primary_key=True, default_factory=lambda: new_id("con"))
    speaker_id: Mapped[str] = mapped_column(ForeignKey("speaker.id"), index=True)
    version: Mapped[int] = mapped_column(Integer)
    category: Mapped[str] = mapped_column(String)
    purposes: Mapped[list[str]] = mapped_column(JSON)
    lawful_basis: Mapped[str] = mapped_column(String)
    attestations: Mapped[list[str]] = mapped_column(JSON)
    language: Mapped[str] = mapped_column(String)
    notice_version: Mapped[str] = mapped_column(String)
    notice_hash: Mapped[str] = mapped_column(String)
    statement: Mapped[str] = mapped_column(Text)
    recording_asset_id: Mapped[str] = mapped_column(ForeignKey("asset.id"))
    transcript: Mapped[str] = mapped_column(Text)
    statement_wer: Mapped[float | None] = mapped_column(Float)
    speaker_score: Mapped[float | None] = mapped_column(Float)
    judged_by: Mapped[str] = mapped_column(String)  # models and thresholds
    status: Mapped[str] = mapped_column(String)  # granted / review / refused
    granted_by: Mapped[str] = mapped_column(String)  # account that recorded it
    granted_at: Mapped[str] = mapped_column(String)
    expires_at: Mapped[str] = mapped_column(String)
    reviewer_id: Mapped[str | None] = mapped_column(String, default=None)
    review_note: Mapped[str | None] = mapped_column(String, default=None)
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
    language: Mapped[str] = mapped_column(String)
    text: Mapped[str] = mapped_column(Text)
    normalised_text: Mapped[str] = mapped_column(Text)
    chunks: Mapped[list[str]] = mapped_column(JSON)
    options: Mapped[dict[str, Any]] = mapped_column(JSON)
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


class LicenceAcceptance(Base, kw_only=True):
    """Who accepted which model's licence, and when."""

    __tablename__ = "licence_acceptance"
    __table_args__ = (UniqueConstraint("model_id", "licence"),)
    id: Mapped[str] = mapped_column(String, primary_key=True, default_factory=lambda: new_id("lic"))
    model_id: Mapped[str] = mapped_column(String)
    licence: Mapped[str] = mapped_column(String)
    accepted_by: Mapped[str] = mapped_column(ForeignKey("account.id"))
    accepted_at: Mapped[str] = mapped_column(String, default_factory=now)


class AuditEntry(Base, kw_only=True):
    """One link of the audit chain; never updated, never deleted (triggers see to it)."""

    __tablename__ = "audit_entry"
    seq: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    prev: Mapped[str] = mapped_column(String, unique=True)
    hash: Mapped[str] = mapped_column(String, unique=True)
    body: Mapped[str] = mapped_column(Text)  # canonical JSON (RFC 8785)


class ListeningTest(Base, kw_only=True):
    """A blind listening test. `settings` and `config_hash` are fixed when it is made; names are not in them,
    so that a speaker's withdrawal leaves them whole.
    """

    __tablename__ = "listening_test"
    id: Mapped[str] = mapped_column(String, primary_key=True, default_factory=lambda: new_id("lst"))
    owner_id: Mapped[str] = mapped_column(ForeignKey("account.id"), index=True)
    name: Mapped[str] = mapped_column(String)  # the owner's; never shown to listeners
    kind: Mapped[str] = mapped_column(String)  # mos / ab / cmos / smos / abx / mushra
    settings: Mapped[dict[str, Any]] = mapped_column(JSON)
    config_hash: Mapped[str] = mapped_column(String)
    seed: Mapped[int] = mapped_column(Integer)
    secret: Mapped[bytes] = mapped_column(LargeBinary)  # sealed; every token of the test is made from it
    preview_hash: Mapped[str] = mapped_column(String, unique=True)
    link_hash: Mapped[str | None] = mapped_column(String, unique=True, default=None)
    link_number: Mapped[int] = mapped_column(Integer, default=0)  # counts up when the link is renewed
    expires_at: Mapped[str | None] = mapped_column(String, default=None)
    revoked_at: Mapped[str | None] = mapped_column(String, default=None)
    quota: Mapped[int] = mapped_column(Integer, default=0)  # most listeners
    for_accounts: Mapped[bool] = mapped_column(Boolean, default=False)  # offered to whoever signs in
    status: Mapped[str] = mapped_column(String, default="making")  # making / ready / open / closed
    revealed: Mapped[bool] = mapped_column(Boolean, default=False)
    created_at: Mapped[str] = mapped_column(String, default_factory=now)
    opened_at: Mapped[str | None] = mapped_column(String, default=None)
    closed_at: Mapped[str | None] = mapped_column(String, default=None)


class System(Base, kw_only=True):
    """What is under test: a voice with an engine, uploaded clips, real recordings, or an anchor made of them.

    When the voice is erased the database itself forgets the name (trigger of revision 0003).
    """

    __tablename__ = "listening_system"
    id: Mapped[str] = mapped_column(String, primary_key=True, default_factory=lambda: new_id("sys"))
    test_id: Mapped[str] = mapped_column(ForeignKey("listening_test.id", ondelete="CASCADE"), index=True)
    position: Mapped[int] = mapped_column(Integer)
    name: Mapped[str] = mapped_column(String)
    role: Mapped[str] = mapped_column(String)  # system / reference / anchor_3500 / anchor_7000
    source: Mapped[dict[str, Any]] = mapped_column(JSON)
    voice_id: Mapped[str | None] = mapped_column(ForeignKey("voice.id", ondelete="SET NULL"), index=True)


class Stimulus(Base, kw_only=True):
    """A sound that listeners hear. `asset_id` is empty once its speaker has withdrawn."""

    __tablename__ = "listening_stimulus"
    id: Mapped[str] = mapped_column(String, primary_key=True, default_factory=lambda: new_id("sti"))
    test_id: Mapped[str] = mapped_column(ForeignKey("listening_test.id", ondelete="CASCADE"), index=True)
    system_id: Mapped[str | None] = mapped_column(ForeignKey("listening_system.id", ondelete="CASCADE"))
    item: Mapped[int] = mapped_column(Integer)
    asset_id: Mapped[str | None] = mapped_column(ForeignKey("asset.id", ondelete="SET NULL"), index=True)
    synthesis_id: Mapped[str | None] = mapped_column(
        ForeignKey("synthesis.id", ondelete="SET NULL"), index=True
    )
    duration_s: Mapped[float] = mapped_column(Float)
    sample_rate_hz: Mapped[int] = mapped_column(Integer)
    gain_db: Mapped[float] = mapped_column(Float)


class Trial(Base, kw_only=True):
    """One question: one stimulus, or two for a choice; `reference_id` is heard beside them.

    Trials with the same `page` are asked together (MUSHRA). `expected` is the right answer of a trap or gold
    question, on the scale of the ratings.
    """

    __tablename__ = "listening_trial"
    id: Mapped[str] = mapped_column(String, primary_key=True, default_factory=lambda: new_id("tri"))
    test_id: Mapped[str] = mapped_column(ForeignKey("listening_test.id", ondelete="CASCADE"), index=True)
    role: Mapped[str] = mapped_column(String)  # rated / training / trap / gold
    page: Mapped[int] = mapped_column(Integer)
    item: Mapped[int] = mapped_column(Integer)
    condition: Mapped[int] = mapped_column(Integer)  # which system or pair, counted from 0
    stimulus_id: Mapped[str] = mapped_column(ForeignKey("listening_stimulus.id", ondelete="CASCADE"))
    second_id: Mapped[str | None] = mapped_column(ForeignKey("listening_stimulus.id", ondelete="CASCADE"))
    reference_id: Mapped[str | None] = mapped_column(ForeignKey("listening_stimulus.id", ondelete="CASCADE"))
    expected: Mapped[float | None] = mapped_column(Float, default=None)


class Listener(Base, kw_only=True):
    """Somebody who takes part, under a pseudonym. `number` decides the order of trials and the sides."""

    __tablename__ = "listening_listener"
    __table_args__ = (
        UniqueConstraint("test_id", "account_id", "preview"),
        Index("ix_listening_listener_number", "test_id", "number"),
    )
    id: Mapped[str] = mapped_column(String, primary_key=True, default_factory=lambda: new_id("lsn"))
    test_id: Mapped[str] = mapped_column(ForeignKey("listening_test.id", ondelete="CASCADE"), index=True)
    number: Mapped[int] = mapped_column(Integer)
    pseudonym: Mapped[str] = mapped_column(String)
    cookie_hash: Mapped[str] = mapped_column(String, unique=True)
    account_id: Mapped[str | None] = mapped_column(ForeignKey("account.id", ondelete="SET NULL"))
    preview: Mapped[bool] = mapped_column(Boolean, default=False)  # the owner looking; never counted
    language: Mapped[str] = mapped_column(String)
    consent: Mapped[str] = mapped_column(String)  # version of the text that was agreed to
    headphones: Mapped[bool | None] = mapped_column(Boolean, default=None)  # None: not asked, or not yet
    created_at: Mapped[str] = mapped_column(String, default_factory=now)
    finished_at: Mapped[str | None] = mapped_column(String, default=None)


class Rating(Base, kw_only=True):
    """One answer of one listener to one trial; never changed.

    `score` is on the test's scale; of a choice it is how the trial's first system fared: A/B 1, 0.5 or 0,
    CMOS -3..3 (positive: the first is better), ABX 1 when X was recognised.
    """

    __tablename__ = "listening_rating"
    __table_args__ = (UniqueConstraint("trial_id", "listener_id"),)
    id: Mapped[str] = mapped_column(String, primary_key=True, default_factory=lambda: new_id("rat"))
    trial_id: Mapped[str] = mapped_column(ForeignKey("listening_trial.id", ondelete="CASCADE"))
    listener_id: Mapped[str] = mapped_column(
        ForeignKey("listening_listener.id", ondelete="CASCADE"), index=True
    )
    score: Mapped[float] = mapped_column(Float)
    position: Mapped[int] = mapped_column(Integer)  # place in the listener's order, from 0
    side: Mapped[str] = mapped_column(
        String
    )  # where the first system stood: A or B; a number on MUSHRA pages
    replays: Mapped[int] = mapped_column(Integer)  # plays beyond the first, all sounds of the trial
    response_ms: Mapped[int] = mapped_column(Integer)  # from the last first hearing's end to the answer
    heard_to_end: Mapped[bool] = mapped_column(Boolean)
    config_hash: Mapped[str] = mapped_column(String)
    created_at: Mapped[str] = mapped_column(String, default_factory=now)
