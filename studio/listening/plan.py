"""What a test looks like from a listener's chair: its trials, kept in memory, and each listener's pages."""

import threading
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from studio.db.tables import ListeningTest, Stimulus, Trial
from studio.listening.forms import Configuration
from studio.listening.kinds import Kind, Use
from studio.listening.secrets import SecretKeeper
from studio.listening.sessions import Page, Question, session

KEPT_PLANS = 32
KEPT_SESSIONS = 2048
LOW_RATE_HZ, HIGH_RATE_HZ = 24_000, 48_000


@dataclass(frozen=True)
class PlannedTrial:
    """A trial as the booth needs it."""

    id: str
    use: Use
    stimulus: str
    second: str | None
    reference: str | None


@dataclass(frozen=True)
class PlannedSound:
    """A stimulus as the booth needs it."""

    duration_s: float
    voice_id: str | None
    asset_id: str | None  # as it was when the plan was read: a sound that was there does not change, only go


@dataclass(frozen=True)
class Plan:
    """A test that is made: nothing in here changes any more, but that sounds of a withdrawn speaker go."""

    test_id: str
    owner_id: str
    kind: Kind
    configuration: Configuration
    config_hash: str
    seed: int
    secret: bytes
    questions: tuple[Question, ...]
    trials: dict[str, PlannedTrial]
    sounds: dict[str, PlannedSound]
    rate_hz: int  # of all that is served: the rate of a file would tell the engine

    @property
    def voices(self) -> frozenset[str]:
        """Enrolled voices that are heard in it."""
        return frozenset(sound.voice_id for sound in self.sounds.values() if sound.voice_id)

    def stimuli(self, page: Page) -> tuple[str, ...]:
        """The sounds of a page in the order of its slots; the reference first, ABX's X last."""
        first = self.trials[page.trials[0]]
        if self.kind.facts.pairs:
            assert first.second is not None
            pair = (first.second, first.stimulus) if page.swapped else (first.stimulus, first.second)
            hidden = (first.stimulus if page.x_is_first else first.second,)
            return pair + (hidden if self.kind is Kind.ABX else ())
        rated = tuple(self.trials[trial].stimulus for trial in page.trials)
        return ((first.reference,) if first.reference else ()) + rated


class Plans:
    """Plans and sessions, loaded when first asked for."""

    def __init__(self, secrets: SecretKeeper) -> None:
        self._secrets = secrets
        self._plans: dict[str, Plan] = {}
        self._sessions: dict[tuple[str, int], tuple[Page, ...]] = {}
        self._lock = threading.Lock()

    def of(self, database: Session, test_id: str) -> Plan:
        """The plan of a test whose stimuli are made."""
        with self._lock:
            if (known := self._plans.get(test_id)) is not None:
                return known
        test = database.get_one(ListeningTest, test_id)
        plan = load_plan(database, test, self._secrets.of(database, test))
        with self._lock:
            if len(self._plans) >= KEPT_PLANS:
                self._plans.clear()
            self._plans[test.id] = plan
        return plan

    def pages(self, plan: Plan, listener: int) -> tuple[Page, ...]:
        """The pages of listener number `listener`."""
        key = plan.test_id, listener
        with self._lock:
            if (known := self._sessions.get(key)) is not None:
                return known
        most = plan.configuration.per_listener
        pages = session(plan.kind, plan.questions, listener, plan.seed, most)
        with self._lock:
            if len(self._sessions) >= KEPT_SESSIONS:
                self._sessions.clear()
            self._sessions[key] = pages
        return pages


def load_plan(database: Session, test: ListeningTest, secret: bytes) -> Plan:
    """Read trials, stimuli and systems."""
    query = select(Trial).where(Trial.test_id == test.id).order_by(Trial.page, Trial.condition, Trial.id)
    trials = [*database.scalars(query)]
    rows = [*database.scalars(select(Stimulus).where(Stimulus.test_id == test.id))]
    fastest = max((row.sample_rate_hz for row in rows), default=LOW_RATE_HZ)
    return Plan(
        test.id, test.owner_id, Kind(test.kind), Configuration.from_json(test.settings), test.config_hash,
        test.seed, secret,
        tuple(Question(t.id, Use(t.role), t.page, t.item, t.condition) for t in trials),
        {t.id: PlannedTrial(t.id, Use(t.role), t.stimulus_id, t.second_id, t.reference_id) for t in trials},
        {row.id: PlannedSound(row.duration_s, row.voice_id, row.asset_id) for row in rows},
        LOW_RATE_HZ if fastest <= LOW_RATE_HZ else HIGH_RATE_HZ,
    )  # fmt: skip
