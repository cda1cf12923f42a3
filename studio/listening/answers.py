"""From what a listener pressed to the scores that are stored, and back."""

from dataclasses import dataclass

from studio.errors import InputRefused
from studio.listening.kinds import Kind
from studio.listening.sessions import Page

_STEPS = {
    Kind.MOS: {1, 2, 3, 4, 5},
    Kind.SMOS: {1, 2, 3, 4, 5},
    Kind.CMOS: {-3, -2, -1, 0, 1, 2, 3},
    Kind.MUSHRA: set(range(101)),
    Kind.ABX: {0, 1},
}


@dataclass(frozen=True)
class Ballot:
    """An answer as the page sends it: one value a trial shown.

    MOS, SMOS 1..5; A/B 1 for A, 0 for B, 0.5 for no difference; ABX 1 for "X is A"; CMOS how much better B
    is than A, -3..3; MUSHRA 0..100 for each sound in the order shown.
    """

    page: str
    values: tuple[float, ...]
    replays: tuple[int, ...] = ()  # one a trial shown, or one for all
    response_ms: int = 0
    heard: bool = False


def scores(kind: Kind, page: Page, values: tuple[float, ...], *, ties: bool) -> tuple[float, ...]:
    """The values turned to the trials' own orientation; InputRefused when one is not on the scale."""
    allowed = {0, 1, 0.5} if kind is Kind.AB and ties else _STEPS.get(kind, {0, 1})
    if len(values) != len(page.trials) or any(value not in allowed for value in values):
        raise InputRefused("listening.answer")
    return tuple(_turned(kind, page, float(value)) for value in values)


def _turned(kind: Kind, page: Page, value: float) -> float:
    match kind:
        case Kind.AB:
            return 1 - value if page.swapped else value
        case Kind.CMOS:  # asked of B, stored of the first
            return (value if page.swapped else -value) or 0.0
        case Kind.ABX:
            return float((value == 1) == (page.x_is_first != page.swapped))
        case _:
            return value


def shown(kind: Kind, page: Page, score: float) -> float:
    """A stored score as it was answered: for A, or B against A. ABX keeps 1 for right, 0 for wrong."""
    return score if kind is Kind.ABX else _turned(kind, page, score)


def sides(kind: Kind, page: Page) -> tuple[str, ...]:
    """Where each trial's first sound stood."""
    if kind.facts.pairs:
        return ("B" if page.swapped else "A",)
    return tuple(str(place) for place in range(1, len(page.trials) + 1))


def labels(kind: Kind, page: Page, slots: int) -> tuple[str, ...]:
    """What the sounds of a page are called: A, B, X; R for the reference; numbers on a MUSHRA page."""
    if kind.facts.pairs:
        return ("A", "B", "X")[:slots]
    beside = ("R",) if slots > len(page.trials) else ()
    if kind is Kind.MUSHRA:
        return beside + tuple(str(place) for place in range(1, len(page.trials) + 1))
    return (*beside, "S")
