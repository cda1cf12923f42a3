"""The figures of a listening test, each with its interval or the reason why not, and what they are made from."""

from dataclasses import dataclass

from studio.listening.found import Found
from studio.listening.kinds import Kind, Role
from studio.listening.needs import Needed
from studio.listening.screening import Answer, ListenerFacts, ScreeningRule
from studio.listening.stats import (
    Agreement,
    BradleyTerry,
    Interval,
    IntraclassCorrelation,
    MeanScore,
    PairedDifference,
    Preference,
)


@dataclass(frozen=True)
class SystemFacts:
    """A rated system."""

    id: str
    name: str
    role: Role


@dataclass(frozen=True)
class SystemResult:
    """One system's ratings. `counts`: how often each score was given (MUSHRA: in tens)."""

    system: SystemFacts
    ratings: int
    headline: Found[MeanScore]
    student: Found[MeanScore]
    bounded: Found[MeanScore]
    counts: tuple[int, ...]


@dataclass(frozen=True)
class Difference:
    """Two systems rated by the same listeners."""

    first: SystemFacts
    second: SystemFacts
    difference: Found[PairedDifference]


@dataclass(frozen=True)
class Choice:
    """Two systems chosen between. `mean`: crossed interval of the first's score (share, or CMOS)."""

    first: SystemFacts
    second: SystemFacts
    wins: int
    losses: int
    ties: int
    share: Found[Preference]
    mean: Found[MeanScore]


@dataclass(frozen=True)
class Ranking:
    """Bradley-Terry over all comparisons; intervals drawn by whole listeners.

    `ties`: drop, split (half a win each) or davidson (a model with ties), as in `ranked_ties`.
    """

    systems: tuple[SystemFacts, ...]
    fit: BradleyTerry
    intervals: tuple[Interval, ...]
    ties: str


@dataclass(frozen=True)
class Section:
    """Every figure over one set of listeners."""

    listeners: int
    ratings: int
    systems: tuple[SystemResult, ...]
    differences: tuple[Difference, ...]
    choices: tuple[Choice, ...]
    ranking: Found[Ranking]
    alpha: Found[Agreement]
    icc: Found[IntraclassCorrelation]
    needed: Needed | None


@dataclass(frozen=True)
class StimulusResult:
    """One system with one sentence; `stimulus` leads to what was measured of the same sound."""

    system: SystemFacts
    item: int
    stimulus: str
    ratings: int
    mean: float
    spread: float


@dataclass(frozen=True)
class ListenerResult:
    """One listener; `flags` are the rules not met."""

    pseudonym: str
    finished: bool
    ratings: int
    mean: float | None
    spread: float | None
    response_s: float | None
    replays: int
    flags: tuple[str, ...]


@dataclass(frozen=True)
class Report:
    """`everybody` and, where somebody is flagged, `screened` without them."""

    kind: Kind
    everybody: Section
    screened: Section | None
    stimuli: tuple[StimulusResult, ...]
    listeners: tuple[ListenerResult, ...]


@dataclass(frozen=True)
class Material:
    """What a report is made from."""

    kind: Kind
    systems: tuple[SystemFacts, ...]
    items: int
    tie_rule: str
    rule: ScreeningRule
    seed: int
    listeners: tuple[ListenerFacts, ...]
    answers: tuple[Answer, ...]
