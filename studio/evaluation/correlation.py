"""Does predicted MOS go with what listeners said? Correlation, with its n and its interval."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from studio.errors import InputRefused
from studio.evaluation.intervals import finite

VERSION = "2"
FEWEST = 4  # Fisher's interval divides by sqrt(n - 3)
NORMAL_975 = 1.959963985


@dataclass(frozen=True)
class Correlation:
    """Pearson's r with Fisher's 95 % interval, and Spearman's rho, over `n` clips.

    All None where nothing can be said; `why_not` is then "few" (fewer than four clips) or "constant" (one side never
    changes).
    """

    n: int
    pearson: float | None = None
    low: float | None = None
    high: float | None = None
    spearman: float | None = None
    why_not: Literal["", "few", "constant"] = ""


def correlation(predicted: Sequence[float], listened: Sequence[float]) -> Correlation:
    """Predicted MOS against listeners' mean of the same clips, in the same order.

    InputRefused for lists of two lengths or values that are not finite. Source of the interval: Fisher, 1921.
    """
    if len(predicted) != len(listened):
        raise InputRefused("evaluation.two_lengths", one=len(predicted), other=len(listened))
    one, other, n = finite(predicted), finite(listened), len(predicted)
    if n < FEWEST:
        return Correlation(n, why_not="few")
    if np.ptp(one) == 0 or np.ptp(other) == 0:
        return Correlation(n, why_not="constant")
    from scipy.stats import spearmanr

    r = float(np.corrcoef(one, other)[0, 1])
    low, high = _fisher(r, n)
    return Correlation(n, r, low, high, float(spearmanr(one, other).statistic))


def _fisher(r: float, n: int) -> tuple[float, float]:
    if abs(r) >= 1.0 - 1e-12:
        return r, r
    half = NORMAL_975 / math.sqrt(n - 3)
    return math.tanh(math.atanh(r) - half), math.tanh(math.atanh(r) + half)
