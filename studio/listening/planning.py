"""The planner: how many ratings, pairs or listeners a wanted certainty needs."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats as distributions

from studio.errors import InputRefused
from studio.listening.matrices import Floats, table, two_way_squares

MOST = 1_000_000


@dataclass(frozen=True)
class Variances:
    """Variance components of a rating; the defaults are typical of MOS tests."""

    listener: float = 0.30
    stimulus: float = 0.15
    error: float = 0.55


def variance_components(matrix: ArrayLike) -> Variances:
    """Components of a complete table (rows listeners, columns stimuli) by the ANOVA estimator, floored at 0."""
    found = table(matrix)
    if min(found.shape) < 2 or np.isnan(found).any():
        raise InputRefused("listening.icc_missing")
    rows, columns = found.shape
    listeners, stimuli, error = two_way_squares(found)
    return Variances(max(0.0, (listeners - error) / columns), max(0.0, (stimuli - error) / rows), error)


def expected_half_width(listeners: int, stimuli: int, variances: Variances = Variances()) -> float:
    """Half-width of the crossed 95 % interval to expect: t(df) sqrt(vL/a + vS/b + vE/(a b))."""
    if listeners < 2 or stimuli < 2:
        raise InputRefused("listening.one_listener", listeners=listeners, stimuli=stimuli)
    by_listener = stimuli * variances.listener + variances.error
    by_stimulus = listeners * variances.stimulus + variances.error
    squares = np.array([by_listener, by_stimulus, variances.error])
    freedoms = np.array([listeners - 1, stimuli - 1, (listeners - 1) * (stimuli - 1)])
    numerator = by_listener + by_stimulus - variances.error
    if numerator <= 0:  # nothing varies: every further rating would say the same
        return 0.0
    df = numerator**2 / (squares**2 / freedoms).sum()
    return float(distributions.t.ppf(0.975, df) * math.sqrt(numerator / (listeners * stimuli)))


def listeners_needed(half_width: float, stimuli: int, variances: Variances = Variances()) -> int | None:
    """Fewest listeners for the wanted half-width; None when the stimuli alone already spread more than that."""
    if half_width <= 0:
        raise InputRefused("listening.half_width")
    low, high = 2, 2
    while expected_half_width(high, stimuli, variances) > half_width:
        low, high = high, high * 2
        if high > MOST:
            return None
    while low < high:
        middle = (low + high) // 2
        if expected_half_width(middle, stimuli, variances) <= half_width:
            high = middle
        else:
            low = middle + 1
    return high


def ratings_needed(difference: float = 0.2, sd: float = 0.8, power: float = 0.8, alpha: float = 0.05) -> int:
    """Pairs of ratings for a paired t test to find a mean difference, by the noncentral t distribution."""
    if difference == 0 or sd <= 0 or not 0 < power < 1 or not 0 < alpha < 1:
        raise InputRefused("listening.planning")
    effect = abs(difference) / sd
    low, high = 2, 4
    while _paired_power(high, effect, alpha) < power:
        low, high = high, high * 2
        if high > MOST:
            raise InputRefused("listening.planning")
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if _paired_power(middle, effect, alpha) >= power else (middle + 1, high)
    return high


def _paired_power(n: int, effect: float, alpha: float) -> float:
    critical = distributions.t.ppf(1 - alpha / 2, n - 1)
    shift = effect * math.sqrt(n)
    return float(
        distributions.nct.sf(critical, n - 1, shift) + distributions.nct.cdf(-critical, n - 1, shift)
    )


def pairs_needed(share: float = 0.6, power: float = 0.8, alpha: float = 0.05, most: int = 5000) -> int:
    """Fewest A/B votes from which on the exact two-sided binomial test always has the wanted power.

    The power of an exact test goes up and down with n: the answer is where it stays above for good.
    """
    if not 0.5 < share < 1 or not 0 < power < 1 or not 0 < alpha < 1:
        raise InputRefused("listening.planning")
    ceiling = min(most, math.ceil(4 * (distributions.norm.ppf(power) + 3) ** 2 / (2 * share - 1) ** 2))
    weak = np.flatnonzero(_binomial_power(np.arange(1, ceiling + 1), share, alpha) < power)
    if weak.size and weak[-1] == ceiling - 1:
        raise InputRefused("listening.planning")
    return int(weak[-1]) + 2 if weak.size else 1


def _binomial_power(n: NDArray[np.int_], share: float, alpha: float) -> Floats:
    """Power of the exact two-sided test at each n."""
    reject = distributions.binom.ppf(alpha / 2, n, 0.5) - 1  # largest k with P(X <= k) <= alpha / 2
    reject += distributions.binom.cdf(reject + 1, n, 0.5) <= alpha / 2
    found = distributions.binom.cdf(reject, n, share) + distributions.binom.sf(n - reject - 1, n, share)
    return np.where(reject < 0, 0.0, found)


def design_effect(ratings_per_listener: float, icc: float) -> float:
    """1 + (m - 1) ICC: how many times more ratings are needed because a listener's own are alike (Kish 1965)."""
    if ratings_per_listener < 1 or not -1 <= icc <= 1:
        raise InputRefused("listening.planning")
    return 1 + (ratings_per_listener - 1) * icc
