"""Means with intervals: t, bounded, crossed."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats as distributions

from studio.errors import InputRefused
from studio.listening.gaps import bootstrapped
from studio.listening.matrices import Floats, scores, table, two_way_squares

LEVEL = 0.95
STEPS = 4  # what one rating can weigh in the bounded interval when all are equal: a five-point scale's


@dataclass(frozen=True)
class MeanScore:
    """A mean with its 95 % interval; `n` counts ratings; `method` says how the interval was made."""

    mean: float
    ci_low: float
    ci_high: float
    n: int
    method: str


def mos(ratings: ArrayLike, low: float = 1, high: float = 5) -> MeanScore:
    """Mean opinion score with Student's t interval: mean +- t(0.975, n-1) s / sqrt(n).

    One rating says nothing of the spread: the interval is then the whole scale; equal ones show none, which
    is not to say that there is none: then the bounded interval. The interval treats ratings as independent
    and can leave the scale; `crossed_mos` is the one to report.
    """
    found = scores(ratings, low, high)
    mean, n = float(found.mean()), found.size
    if n == 1:
        return MeanScore(mean, float(low), float(high), 1, "one rating: the whole scale")
    if np.ptp(found) == 0:
        return _all_equal(float(found[0]), n, n, low, high)
    half = float(distributions.t.ppf(0.5 + LEVEL / 2, n - 1) * found.std(ddof=1) / math.sqrt(n))
    return MeanScore(mean, mean - half, mean + half, n, "t")


def bounded_mos(ratings: ArrayLike, low: float = 1, high: float = 5) -> MeanScore:
    """Mean with an interval that stays on the scale (Hossfeld et al. 2018, arXiv 1806.01126).

    The sum of (x - low) is read as successes out of (high - low) n; Clopper-Pearson on that share.
    """
    found = scores(ratings, low, high)
    span, mean = float(high - low), float(found.mean())
    below, above = _clopper_pearson(float((found - low).sum()), span * found.size)
    return MeanScore(mean, low + span * below, low + span * above, found.size, "Clopper-Pearson")


def _clopper_pearson(successes: float, trials: float) -> tuple[float, float]:
    """The exact 95 % interval of a share; `successes` may be no whole number."""
    tail = (1 - LEVEL) / 2
    below = distributions.beta.ppf(tail, successes, trials - successes + 1) if successes > 0 else 0.0
    above = distributions.beta.ppf(1 - tail, successes + 1, trials - successes) if successes < trials else 1.0
    return float(below), float(above)


def _all_equal(value: float, worth: int, n: int, low: float, high: float) -> MeanScore:
    """`n` ratings of one value, which say as much as `worth` of independent ones: a wide interval by name.

    Read as votes of a hundred points each, equal ratings of a long scale would look certain: none counts
    for more steps than those of a five-point scale.
    """
    span = float(high - low)
    trials = min(span, STEPS) * worth
    below, above = _clopper_pearson((value - low) / span * trials, trials)
    method = "all ratings equal: Clopper-Pearson"
    return MeanScore(value, low + span * below, low + span * above, n, method)


def crossed_mos(matrix: ArrayLike, low: float = 1, high: float = 5, *, seed: int = 0) -> MeanScore:
    """The headline interval: listeners (rows) and stimuli (columns) are both random samples.

    Complete tables: SE^2 = (MS_L + MS_S - MS_E) / (a b), floored at MS_E / (a b), with Satterthwaite's
    degrees of freedom (crossed two-way random effects; Searle, Casella and McCulloch 1992). With NaN in
    the table: the seeded bootstrap of `studio.listening.gaps`, cut where the scale ends. Ratings that are
    all equal show no spread, which is not to say that there is none: the bounded interval of as many ratings
    as there are listeners, or stimuli where those are fewer. Raises InputRefused for fewer than two
    listeners or two stimuli: their spread cannot be known.
    """
    found = table(matrix, low, high)
    if min(found.shape) < 2:
        raise InputRefused("listening.one_listener", listeners=found.shape[0], stimuli=found.shape[1])
    if np.nanmin(found) == np.nanmax(found):
        given = int((~np.isnan(found)).sum())
        return _all_equal(float(np.nanmin(found)), min(found.shape), given, low, high)
    if np.isnan(found).any():
        return _gapped(found, low, high, seed)
    rows, columns = found.shape
    squares = np.array(two_way_squares(found))
    freedoms = np.array([rows - 1, columns - 1, (rows - 1) * (columns - 1)])
    signed = squares * (1, 1, -1)
    numerator, df = _satterthwaite(signed, squares, freedoms)
    mean = float(found.mean())
    half = float(distributions.t.ppf(0.5 + LEVEL / 2, df) * math.sqrt(numerator / (rows * columns)))
    return MeanScore(mean, mean - half, mean + half, found.size, "crossed")


def _gapped(found: Floats, low: float, high: float, seed: int) -> MeanScore:
    mean, n = float(np.nanmean(found)), int((~np.isnan(found)).sum())
    variance, df = bootstrapped(found, seed)
    half = float(distributions.t.ppf(0.5 + LEVEL / 2, df)) * math.sqrt(variance)
    return MeanScore(mean, max(float(low), mean - half), min(float(high), mean + half), n, "bootstrap")


def _satterthwaite(signed: Floats, squares: Floats, freedoms: Floats) -> tuple[float, float]:
    """The variance estimate times (a b), floored at the residual's, and its degrees of freedom."""
    numerator = float(signed.sum())
    if numerator <= squares[2]:  # neither factor varies beyond the residual
        return float(squares[2]), float(freedoms[2])
    return numerator, float(numerator**2 / (squares**2 / freedoms).sum())
