"""Screening: rules fixed before the test that flag a listener; nobody is dropped without being shown.

Defaults follow ITU-T P.808 practice and ITU-R BS.1534-3.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from studio.listening.kinds import Kind, Role, Use


@dataclass(frozen=True)
class ScreeningRule:
    """Limits fixed when the test is made.

    `traps_right`: fewest traps answered right (of those met); `gold_within`: how far from the known score a
    gold answer may lie; `least_variance` of a listener's own ratings (MOS, SMOS); `mushra_share` of pages on
    which the hidden reference may be under 90 or the 7 kHz anchor over 90; `finished`: all pages answered;
    `headphones`: the check was passed.
    """

    finished: bool = True
    traps_right: int = 1
    gold_within: float = 1.0
    least_variance: float = 0.1
    mushra_share: float = 0.15
    headphones: bool = False


@dataclass(frozen=True)
class Answer:
    """One rating with what screening and statistics need to know of its trial.

    For a choice, `system` is the trial's first and `second` the other one; `score` is the first's.
    """

    listener: str
    trial: str
    use: Use
    item: int
    system: str
    second: str
    role: Role
    score: float
    expected: float | None
    position: int
    side: str
    replays: int
    response_ms: int
    heard_to_end: bool
    at: str
    stimulus: str = ""


@dataclass(frozen=True)
class ListenerFacts:
    """A listener as screening sees one."""

    pseudonym: str
    finished: bool
    headphones: bool | None


def flags(
    kind: Kind, rule: ScreeningRule, listener: ListenerFacts, answers: Sequence[Answer]
) -> tuple[str, ...]:
    """Names of the rules this listener does not meet, in a fixed order; empty for a good one."""
    rated = [a for a in answers if a.use is Use.RATED]
    found = [
        ("unfinished", rule.finished and not listener.finished),
        ("traps", _traps_missed(rule, [a for a in answers if a.use is Use.TRAP])),
        ("gold", any(_off(a, rule.gold_within) for a in answers if a.use is Use.GOLD)),
        ("same_answer", kind in (Kind.MOS, Kind.SMOS) and _too_even(rated, rule.least_variance)),
        ("reference", kind is Kind.MUSHRA and _mushra_missed(rated, rule.mushra_share)),
        ("headphones", rule.headphones and listener.headphones is False),
    ]
    return tuple(name for name, missed in found if missed)


def _traps_missed(rule: ScreeningRule, traps: list[Answer]) -> bool:
    right = sum(a.score == a.expected for a in traps)
    return bool(traps) and right < min(rule.traps_right, len(traps))


def _off(answer: Answer, within: float) -> bool:
    return answer.expected is not None and abs(answer.score - answer.expected) > within


def _too_even(rated: list[Answer], least: float) -> bool:
    """From five ratings on: fewer may well be alike."""
    return len(rated) >= 5 and float(np.var([a.score for a in rated], ddof=1)) < least


def _mushra_missed(rated: list[Answer], share: float) -> bool:
    reference = [a.score < 90 for a in rated if a.role is Role.REFERENCE]
    anchor = [a.score > 90 for a in rated if a.role is Role.ANCHOR_7000]
    return any(len(missed) > 0 and sum(missed) / len(missed) > share for missed in (reference, anchor))
