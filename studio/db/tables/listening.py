"""Listening tests and their ratings."""

from typing import Any

from sqlalchemy import JSON, Boolean, Float, ForeignKey, Index, Integer, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from studio.db.tables.base import Base, new_id, now


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
    """A sound that listeners hear. `asset_id` is empty once its speaker has withdrawn.

    `voice_id`: the enrolled voice that is heard, if any; emptied when it is erased. `held_by_ceiling`: its peaks
    kept it under the test's level. `word_errors`: share of wrong words against the sentence it stands for; None
    where nobody checked.
    """

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
    voice_id: Mapped[str | None] = mapped_column(String, index=True, default=None)
    held_by_ceiling: Mapped[bool] = mapped_column(Boolean, default=False)
    word_errors: Mapped[float | None] = mapped_column(Float, default=None)


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
