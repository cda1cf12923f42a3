"""Listeners in their seats, and what their page shows. Nothing here names a system before the test is closed."""

from dataclasses import dataclass, replace

from studio.listening.answers import labels, shown
from studio.listening.kinds import Kind
from studio.listening.lookups import Chair
from studio.listening.plan import Plan
from studio.listening.sessions import Page
from studio.listening.tokens import token
from studio.privacy.access import Actor


@dataclass(frozen=True)
class Visitor:
    """Who is at the door: the link's token, the cookies of tests taken part in, and who is signed in, if anybody."""

    token: str
    cookies: tuple[str, ...] = ()
    actor: Actor | None = None


@dataclass(frozen=True)
class Slot:
    """A sound that can be played: its label and the token of its address."""

    label: str
    sound: str


@dataclass(frozen=True)
class Asking:
    """The page to answer now."""

    page: str
    training: bool
    slots: tuple[Slot, ...]


@dataclass(frozen=True)
class Told:
    """After the end: what stood where on a page, and what this listener answered."""

    names: tuple[str, ...]
    labels: tuple[str, ...]
    scores: tuple[float, ...]


@dataclass(frozen=True)
class BoothState:
    """What the listener's page shows. `phase`: welcome, headphones, trial, done, closed."""

    phase: str
    kind: Kind
    title: str
    instructions: str
    ties: bool
    headphones: bool
    preview: bool
    done: int = 0
    total: int = 0
    language: str = ""
    asking: Asking | None = None
    tones: tuple[str, ...] = ()
    told: tuple[Told, ...] = ()


@dataclass(frozen=True)
class Seat:
    """A listener who has agreed, with their pages and what they have answered."""

    plan: Plan
    preview: bool
    listener: Chair
    pages: tuple[Page, ...]
    rated: frozenset[str]

    @property
    def open_pages(self) -> list[Page]:
        return [page for page in self.pages if not self.rated.issuperset(page.trials)]

    def page_token(self, page: Page) -> str:
        return token(self.plan.secret, "page", self.listener.id, page.position)

    def sound_token(self, page: Page, slot: int) -> str:
        return token(self.plan.secret, "sound", self.listener.id, page.position, slot)

    def tone_token(self, number: int) -> str:
        return token(self.plan.secret, "tone", self.listener.id, number)

    @property
    def wants_headphones(self) -> bool:
        return self.plan.configuration.headphones and self.listener.headphones is None


def state_of(phase: str, plan: Plan, preview: bool, seat: Seat | None = None, **more: object) -> BoothState:
    """What the page shows in this phase; `more` are BoothState's other fields."""
    configuration = plan.configuration
    total = len(seat.pages) if seat else 0
    plain = BoothState(
        phase, plan.kind, configuration.title, configuration.instructions, configuration.tie_rule != "none",
        configuration.headphones, preview, total - len(seat.open_pages) if seat else 0, total,
        seat.listener.language if seat else "",
    )  # fmt: skip
    return replace(plain, **more)  # type: ignore[arg-type]


def told_of(plan: Plan, page: Page, given: dict[str, float], names: dict[str, str]) -> Told:
    """A page after the end: `given` are scores by trial, `names` systems' names by stimulus."""
    stimuli = plan.stimuli(page)
    values = tuple(shown(plan.kind, page, given[trial]) for trial in page.trials)
    heard = tuple(names.get(stimulus, "") for stimulus in stimuli)
    return Told(heard, labels(plan.kind, page, len(stimuli)), values)
