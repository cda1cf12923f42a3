"""Two systems rated by the same listeners: the mean difference, whether it could be chance."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats as distributions

from studio.errors import InputRefused
from studio.listening.matrices import Floats, numbers, table
from studio.listening.means import LEVEL, MeanScore


@dataclass(frozen=True)
class PairedDifference(MeanScore):
    """Mean difference a - b over listeners, with Student's t and Wilcoxon's signed rank; `n` counts listeners.

    `t` is infinite where all listeners differ by the same amount; `method` says so.
    """

    t: float
    df: int
    p_value: float
    wilcoxon_p: float


def paired_difference(a: ArrayLike, b: ArrayLike, low: float = 1, high: float = 5) -> PairedDifference:
    """Two systems rated by the same listeners (rows) on the same stimuli (columns); NaN where missing.

    Each listener's mean difference is one observation: paired t over listeners, and Wilcoxon's signed
    rank with Pratt's treatment of zeros beside it. `low` and `high` are the ends of the scale (CMOS: -3 and
    3). Where all listeners differ by the same amount t has no finite value: both p-values are then those of
    the exact sign-flip test, 2^(1 - n), or 1 for no difference at all (Fisher 1935), and the interval is the one
    of `_unseen`. Raises InputRefused for unequal shapes, scores off the scale, or fewer than two listeners
    who rated both.
    """
    first, second = numbers(a), numbers(b)
    if first.shape != second.shape or first.ndim != 2:
        raise InputRefused("listening.shapes", first=str(first.shape), second=str(second.shape))
    for one in (first, second):
        if not np.isnan(one).all():
            table(one, low, high)
    pairs = table(first - second)
    differences = np.nanmean(pairs, axis=1)
    if differences.size < 2:
        raise InputRefused("listening.one_listener", listeners=differences.size, stimuli=pairs.shape[1])
    # Means of the same ratings summed in another order differ in the last bit.
    if np.ptp(differences) < 1e-9:
        return _of_one_mind(float(differences.mean()), differences.size, float(high - low))
    return _student(differences)


def _student(differences: Floats) -> PairedDifference:
    n, mean = differences.size, float(differences.mean())
    error = float(differences.std(ddof=1)) / math.sqrt(n)
    t = mean / error
    p = float(2 * distributions.t.sf(abs(t), n - 1))
    half = float(distributions.t.ppf(0.5 + LEVEL / 2, n - 1)) * error
    method = "paired t over listeners"
    return PairedDifference(mean, mean - half, mean + half, n, method, t, n - 1, p, _wilcoxon(differences))


def _of_one_mind(difference: float, n: int, span: float) -> PairedDifference:
    """All `n` listeners differ by the same amount, on a scale `span` long."""
    same = abs(difference) < 1e-9
    p = 1.0 if same else 2.0 ** (1 - n)
    t = 0.0 if same else math.copysign(math.inf, difference)
    low, high = _unseen(difference, n, span)
    method = "no spread between listeners: exact sign flips, interval by the rule of the unseen"
    return PairedDifference(difference, low, high, n, method, t, n - 1, p, p)


def _unseen(difference: float, n: int, span: float) -> tuple[float, float]:
    """What the mean may be although `n` listeners said the same: a share q of all may say something else.

    q = 1 - 0.025^(1/n), the largest share of which n listeners show none with 2.5 % (Clopper-Pearson's for no
    success; Hanley and Lippman-Hand 1983), and what they say lies anywhere on -span..span. Leaves out 0 only
    where the sign-flip test finds a difference.
    """
    share = 1 - ((1 - LEVEL) / 2) ** (1 / n)
    return difference - share * (difference + span), difference + share * (span - difference)


def _wilcoxon(differences: Floats) -> float:
    # Means of the same ratings summed in another order differ in the last bit: ranks must see them as tied.
    ranked = np.round(differences, 9)
    return float(distributions.wilcoxon(ranked, zero_method="pratt").pvalue)
