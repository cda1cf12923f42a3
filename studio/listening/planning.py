"""The planner: how many ratings, pairs or listeners a wanted certainty needs."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats as distributions

from studio.errors import InputRefused
from studio.listening.matrices import Floats, real, table

MOST = 1_000_000


@dataclass(frozen=True)
class Variances:
    """Variance components of a rating; the defaults are typical of MOS tests."""

    listener: float = 0.30
    stimulus: float = 0.15
    error: float = 0.55

    @property
    def total(self) -> float:
        return self.listener + self.stimulus + self.error

    @property
    def icc(self) -> float:
        """How alike one listener's ratings are: their share of the variance; 0 where nothing varies."""
        return self.listener / self.total if self.total else 0.0

    def times(self, factor: float) -> "Variances":
        return Variances(self.listener * factor, self.stimulus * factor, self.error * factor)

    def blended(self, other: "Variances", weight: float) -> "Variances":
        """These, with `weight` (0..1) of the other ones."""
        mine, theirs = self.times(1 - weight), other.times(weight)
        return Variances(
            mine.listener + theirs.listener, mine.stimulus + theirs.stimulus, mine.error + theirs.error
        )


def choice_variances(latent: Variances = Variances()) -> Variances:
    """Components of a choice of 0 or 1 near one half, where what is chosen by has these.

    Cut in the middle, normal scores that correlate by r choose alike by 2 asin(r) / pi (Sheppard 1899).
    """
    listener, stimulus = (
        math.asin(part / latent.total) / (2 * math.pi) for part in (latent.listener, latent.stimulus)
    )
    return Variances(listener, stimulus, 0.25 - listener - stimulus)


def variance_components(matrix: ArrayLike) -> Variances:
    """Components of a table (rows listeners, columns stimuli, NaN gaps), floored at 0.

    Three sums of squares, within listeners, within stimuli and over all, set equal to what they are expected
    to be (Gao and Owen 2017); of a complete table these are the ANOVA estimates. Raises InputRefused where
    nobody rated two stimuli or no stimulus was rated twice: then the components cannot be told apart.
    """
    found = table(matrix)
    seen = ~np.isnan(found)
    listeners, stimuli, n = seen.sum(axis=1), seen.sum(axis=0), int(seen.sum())
    within = [np.nansum((found - np.nanmean(found, axis=axis, keepdims=True)) ** 2) for axis in (1, 0)]
    over_all = n * np.nansum((found - np.nanmean(found)) ** 2)
    expected = np.array([
        [0, n - listeners.size, n - listeners.size],
        [n - stimuli.size, 0, n - stimuli.size],
        [n**2 - (listeners**2).sum(), n**2 - (stimuli**2).sum(), n**2 - n],
    ])  # fmt: skip
    if np.linalg.matrix_rank(expected) < 3:
        raise InputRefused("listening.components")
    parts = np.linalg.solve(expected, [*within, over_all])
    return Variances(*(max(0.0, float(part)) for part in parts))


def expected_half_width(
    listeners: int, stimuli: int, variances: Variances = Variances(), each: float | None = None
) -> float:
    """Half-width of the crossed 95 % interval to expect: t(df) sqrt(vL/a + vS/b + vE/N).

    `each`: how many of the stimuli one listener rates (None: all of them). Fewer than one on average: so many
    fewer listeners rate at all.
    """
    each = float(stimuli) if each is None else each
    if not (
        real(listeners) and real(stimuli) and real(each) and listeners >= 2 and stimuli >= 2 and each > 0
    ):
        raise InputRefused("listening.one_listener", listeners=str(listeners), stimuli=str(stimuli))
    rated = min(float(each), stimuli)
    people, rated = max(2.0, listeners * min(1.0, rated)), max(1.0, rated)
    a_stimulus = people * rated / stimuli  # ratings of each stimulus
    by_listener = rated * variances.listener + variances.error
    by_stimulus = a_stimulus * variances.stimulus + variances.error
    squares = np.array([by_listener, by_stimulus, variances.error])
    left = max(people * rated - people - stimuli + 1, min(people, stimuli) - 1)
    freedoms = np.array([people - 1, stimuli - 1, left])
    numerator = by_listener + by_stimulus - variances.error
    if numerator <= 0:  # nothing varies: every further rating would say the same
        return 0.0
    df = max(1.0, numerator**2 / (squares**2 / freedoms).sum())
    return float(distributions.t.ppf(0.975, df) * math.sqrt(numerator / (people * rated)))


def listeners_needed(
    half_width: float, stimuli: int, variances: Variances = Variances(), each: float | None = None
) -> int | None:
    """Fewest listeners for the wanted half-width; None when the stimuli alone already spread more than that.

    `each` as in `expected_half_width`.
    """
    if not real(half_width) or half_width <= 0:
        raise InputRefused("listening.half_width")
    return _fewest(lambda n: expected_half_width(n, stimuli, variances, each) <= half_width)


def _fewest(enough: Callable[[int], bool]) -> int | None:
    """The smallest n from 2 that is enough, where more never are too few; None if MOST are not."""
    low, high = 2, 2
    while not enough(high):
        low, high = high, high * 2
        if high > MOST:
            return None
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle + 1, high)
    return high


def ratings_needed(difference: float = 0.2, sd: float = 0.8, power: float = 0.8, alpha: float = 0.05) -> int:
    """Pairs of ratings for a paired t test to find a mean difference, by the noncentral t distribution."""
    if not _possible(power, alpha) or not (real(difference) and real(sd)) or difference == 0 or sd <= 0:
        raise InputRefused("listening.planning")
    effect = abs(difference) / sd
    needed = _fewest(lambda n: _paired_power(n, effect, alpha) >= power)
    if needed is None:
        raise InputRefused("listening.planning")
    return needed


def _possible(power: float, alpha: float) -> bool:
    return real(power) and real(alpha) and 0 < power < 1 and 0 < alpha < 1


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
    if not _possible(power, alpha) or not (real(share) and real(most)) or not 0.5 < share < 1:
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
    if not (real(ratings_per_listener) and real(icc)) or ratings_per_listener < 1 or not -1 <= icc <= 1:
        raise InputRefused("listening.planning")
    return 1 + (ratings_per_listener - 1) * icc
