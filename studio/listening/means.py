"""Means with intervals: t, bounded, crossed, and paired differences."""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats as distributions

from studio.errors import InputRefused
from studio.listening.matrices import Floats, numbers, scores, table, two_way_squares

LEVEL = 0.95
BOOTSTRAP_ROUNDS = 4000


@dataclass(frozen=True)
class MeanScore:
    """A mean with its 95 % interval; `n` counts ratings; `method` says how the interval was made."""

    mean: float
    ci_low: float
    ci_high: float
    n: int
    method: str


@dataclass(frozen=True)
class PairedDifference(MeanScore):
    """Mean difference a - b over listeners, with Student's t and Wilcoxon's signed rank; `n` counts listeners."""

    t: float
    df: int
    p_value: float
    wilcoxon_p: float


def mos(ratings: ArrayLike, low: float = 1, high: float = 5) -> MeanScore:
    """Mean opinion score with Student's t interval: mean +- t(0.975, n-1) s / sqrt(n).

    One rating says nothing of the spread: the interval is then the whole scale. The interval treats
    ratings as independent and can leave the scale; `crossed_mos` is the one to report.
    """
    found = scores(ratings, low, high)
    mean, n = float(found.mean()), found.size
    if n == 1:
        return MeanScore(mean, float(low), float(high), 1, "one rating: the whole scale")
    half = float(distributions.t.ppf(0.5 + LEVEL / 2, n - 1) * found.std(ddof=1) / math.sqrt(n))
    return MeanScore(mean, mean - half, mean + half, n, "t")


def bounded_mos(ratings: ArrayLike, low: float = 1, high: float = 5) -> MeanScore:
    """Mean with an interval that stays on the scale (Hossfeld et al. 2018, arXiv 1806.01126).

    The sum of (x - low) is read as successes out of (high - low) n; Clopper-Pearson on that share.
    """
    found = scores(ratings, low, high)
    if high <= low:
        raise InputRefused("listening.off_scale", value=f"{high:g}", low=f"{low:g}", high=f"{high:g}")
    trials = (high - low) * found.size
    successes = float((found - low).sum())
    tail = (1 - LEVEL) / 2
    below = distributions.beta.ppf(tail, successes, trials - successes + 1) if successes > 0 else 0.0
    above = distributions.beta.ppf(1 - tail, successes + 1, trials - successes) if successes < trials else 1.0
    span = high - low
    return MeanScore(
        float(found.mean()),
        float(low + span * below),
        float(low + span * above),
        found.size,
        "Clopper-Pearson",
    )


def crossed_mos(matrix: ArrayLike, low: float = 1, high: float = 5, *, seed: int = 0) -> MeanScore:
    """The headline interval: listeners (rows) and stimuli (columns) are both random samples.

    Complete tables: SE^2 = (MS_L + MS_S - MS_E) / (a b), floored at MS_E / (a b), with Satterthwaite's
    degrees of freedom (crossed two-way random effects; Searle, Casella and McCulloch 1992). With NaN in
    the table: percentile bootstrap of listeners and stimuli, drawn independently (Owen 2007), seeded.
    Ratings that are all equal show no spread, which is not to say that there is none: the bounded interval
    of as many ratings as there are listeners, or stimuli where those are fewer. Raises InputRefused for
    fewer than two listeners or two stimuli: their spread cannot be known.
    """
    found = table(matrix, low, high)
    if min(found.shape) < 2:
        raise InputRefused("listening.one_listener", listeners=found.shape[0], stimuli=found.shape[1])
    if np.nanmin(found) == np.nanmax(found):
        cautious = bounded_mos(np.full(min(found.shape), np.nanmin(found)), low, high)
        return replace(cautious, n=int((~np.isnan(found)).sum()), method="all ratings equal: Clopper-Pearson")
    if np.isnan(found).any():
        return _bootstrapped(found, seed)
    rows, columns = found.shape
    squares = np.array(two_way_squares(found))
    freedoms = np.array([rows - 1, columns - 1, (rows - 1) * (columns - 1)])
    signed = squares * (1, 1, -1)
    numerator, df = _satterthwaite(signed, squares, freedoms)
    mean = float(found.mean())
    half = float(distributions.t.ppf(0.5 + LEVEL / 2, df) * math.sqrt(numerator / (rows * columns)))
    return MeanScore(mean, mean - half, mean + half, found.size, "crossed")


def _satterthwaite(signed: Floats, squares: Floats, freedoms: Floats) -> tuple[float, float]:
    """The variance estimate times (a b), floored at the residual's, and its degrees of freedom."""
    numerator = float(signed.sum())
    if numerator <= squares[2]:  # neither factor varies beyond the residual
        return float(squares[2]), float(freedoms[2])
    return numerator, float(numerator**2 / (squares**2 / freedoms).sum())


def _bootstrapped(found: Floats, seed: int) -> MeanScore:
    generator = np.random.default_rng(seed)
    rows, columns = found.shape
    seen = ~np.isnan(found)
    filled = np.where(seen, found, 0.0)
    # Drawing with replacement is weighting: counts of each listener times counts of each stimulus.
    by_row = generator.multinomial(rows, np.full(rows, 1 / rows), BOOTSTRAP_ROUNDS).astype(float)
    by_column = generator.multinomial(columns, np.full(columns, 1 / columns), BOOTSTRAP_ROUNDS).astype(float)
    weights = np.einsum("kr,rc,kc->k", by_row, seen.astype(float), by_column)
    sums = np.einsum("kr,rc,kc->k", by_row, filled, by_column)
    means = sums[weights > 0] / weights[weights > 0]
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return MeanScore(float(found[seen].mean()), float(low), float(high), int(seen.sum()), "bootstrap")


def paired_difference(a: ArrayLike, b: ArrayLike) -> PairedDifference:
    """Two systems rated by the same listeners (rows) on the same stimuli (columns); NaN where missing.

    Each listener's mean difference is one observation: paired t over listeners, and Wilcoxon's signed
    rank with Pratt's treatment of zeros beside it. Raises InputRefused for unequal shapes or fewer than
    two listeners who rated both.
    """
    first, second = numbers(a), numbers(b)
    if first.shape != second.shape or first.ndim != 2:
        raise InputRefused("listening.shapes", first=str(first.shape), second=str(second.shape))
    if np.isinf(first).any() or np.isinf(second).any():
        raise InputRefused("listening.not_a_number")
    pairs = table(first - second)
    differences = np.nanmean(pairs, axis=1)
    if differences.size < 2:
        raise InputRefused("listening.one_listener", listeners=differences.size, stimuli=pairs.shape[1])
    return _student(differences)


def _student(differences: Floats) -> PairedDifference:
    n, mean = differences.size, float(differences.mean())
    error = float(differences.std(ddof=1)) / math.sqrt(n)
    if error < 1e-12:  # every listener says the same: t has no finite value
        t = 0.0 if abs(mean) < 1e-12 else math.copysign(math.inf, mean)
        p, half, method = (1.0 if t == 0 else 0.0), 0.0, "paired t over listeners: no spread between them"
    else:
        t = mean / error
        p = float(2 * distributions.t.sf(abs(t), n - 1))
        half = float(distributions.t.ppf(0.5 + LEVEL / 2, n - 1)) * error
        method = "paired t over listeners"
    return PairedDifference(mean, mean - half, mean + half, n, method, t, n - 1, p, _wilcoxon(differences))


def _wilcoxon(differences: Floats) -> float:
    # Means of the same ratings summed in another order differ in the last bit: ranks must see them as tied.
    ranked = np.round(differences, 9)
    if not ranked.any():
        return 1.0
    return float(distributions.wilcoxon(ranked, zero_method="pratt").pvalue)
