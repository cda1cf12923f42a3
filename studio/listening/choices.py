"""Preference shares with exact tests; the rule for ties is fixed before the test."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from scipy import stats as distributions

from studio.errors import InputRefused
from studio.listening.matrices import numbers, real

TieRule = Literal["drop", "split", "trinomial"]
_Z = float(distributions.norm.ppf(0.975))


@dataclass(frozen=True)
class Preference:
    """A's share with its 95 % interval, and the two-sided p-value of "neither is preferred"."""

    share: float
    ci_low: float
    ci_high: float
    p_value: float
    n: int
    method: str


def preference(wins_a: int, wins_b: int, ties: int = 0, tie_rule: TieRule = "drop") -> Preference:
    """How often A was preferred to B.

    ``drop``: ties leave the sample; exact binomial test, Wilson interval (Wilson 1927).
    ``split``: half of the ties go to each side; an odd tie is counted against the leader in the test.
    ``trinomial``: ties count as ties; exact trinomial test (Bian, McAleer and Wong 2011), and the share
    (A + ties / 2) / n with the interval of Bonett and Price (2012) for a paired difference.
    Raises InputRefused for negative or no counts and for an unknown rule.
    """
    counts = (wins_a, wins_b, ties)
    if any(not _whole(count) for count in counts):
        raise InputRefused("listening.counts", counts=", ".join(map(str, counts)))
    rules = {"drop": _dropped, "split": _split, "trinomial": _trinomial}
    if not isinstance(tie_rule, str) or tie_rule not in rules:
        raise InputRefused("listening.tie_rule", rule=str(tie_rule), known=", ".join(rules))
    if wins_a + wins_b + (0 if tie_rule == "drop" else ties) == 0:
        raise InputRefused("listening.empty")
    return rules[tie_rule](int(wins_a), int(wins_b), int(ties))


def _whole(count: object) -> bool:
    """Whether this counts something: 3, 3.0 or NumPy's 3, but neither 2.5, NaN, infinity, text nor True."""
    return real(count) and float(count).is_integer() and float(count) >= 0  # type: ignore[arg-type]


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """p-values adjusted for being several, in the order given (Holm 1979): the smallest times m, the next
    times m - 1, and so on, never falling, at most 1. Raises InputRefused for what is no probability.
    """
    found = numbers(p_values).tolist()
    if any(not 0 <= p <= 1 for p in found):
        raise InputRefused("listening.not_a_number")
    adjusted, least = [0.0] * len(found), 0.0
    for place, number in enumerate(sorted(range(len(found)), key=lambda n: found[n])):
        least = max(least, min(1.0, (len(found) - place) * found[number]))
        adjusted[number] = least
    return tuple(adjusted)


def _dropped(wins_a: int, wins_b: int, ties: int) -> Preference:
    n = wins_a + wins_b
    p = float(distributions.binomtest(wins_a, n).pvalue)
    return Preference(wins_a / n, *_wilson(wins_a, n), p, n, "exact binomial, Wilson; ties dropped")


def _split(wins_a: int, wins_b: int, ties: int) -> Preference:
    n, share_count = wins_a + wins_b + ties, wins_a + ties / 2
    whole = math.floor(share_count) if share_count > n / 2 else math.ceil(share_count)
    p = float(distributions.binomtest(whole, n).pvalue)
    return Preference(share_count / n, *_wilson(share_count, n), p, n, "exact binomial, Wilson; ties split")


def _wilson(successes: float, n: int) -> tuple[float, float]:
    share = successes / n
    centre = (share + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
    half = _Z / (1 + _Z**2 / n) * math.sqrt(share * (1 - share) / n + _Z**2 / (4 * n**2))
    return max(0.0, centre - half), min(1.0, centre + half)


def _trinomial(wins_a: int, wins_b: int, ties: int) -> Preference:
    n = wins_a + wins_b + ties
    share = (wins_a + ties / 2) / n
    more, less = (wins_a + 1) / (n + 2), (wins_b + 1) / (n + 2)
    difference = more - less
    half = _Z * math.sqrt((more + less - difference**2) / (n + 2))
    low, high = max(-1.0, difference - half), min(1.0, difference + half)
    p = _trinomial_p(abs(wins_a - wins_b), n, ties / n)
    return Preference(share, (1 + low) / 2, (1 + high) / 2, p, n, "exact trinomial, Bonett-Price")


def _trinomial_p(difference: int, n: int, tie_share: float) -> float:
    """Two-sided P(|A - B| >= difference) when A and B are equally likely and ties come at `tie_share`."""
    if difference == 0:
        return 1.0
    untied = distributions.binom(n, 1 - tie_share)
    tail = 0.0
    for m in range(difference, n + 1):  # m votes that are no ties: A - B = 2A - m >= difference
        tail += float(untied.pmf(m) * distributions.binom.sf(math.ceil((m + difference) / 2) - 1, m, 0.5))
    return min(1.0, 2 * tail)
