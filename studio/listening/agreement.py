"""Agreement between listeners: Krippendorff's alpha and the intraclass correlations."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from studio.errors import InputRefused
from studio.listening.matrices import Floats, numbers, table, two_way_squares

Level = Literal["nominal", "ordinal", "interval"]


@dataclass(frozen=True)
class Agreement:
    """Krippendorff's alpha: 1 perfect, 0 as by chance; `pairable` counts values that have a partner."""

    alpha: float
    level: str
    pairable: int


@dataclass(frozen=True)
class IntraclassCorrelation:
    """ICC in six forms (McGraw and Wong 1996; Shrout and Fleiss 1979 in brackets).

    One rater: `icc1` one-way (1,1), `icca1` absolute agreement (2,1), `iccc1` consistency (3,1); the mean of
    all raters: `icc1k` (1,k), `iccak` (2,k), `iccck` (3,k).
    """

    icc1: float
    icca1: float
    iccc1: float
    icc1k: float
    iccak: float
    iccck: float


def krippendorff_alpha(matrix: ArrayLike, level: Level) -> Agreement:
    """alpha = 1 - D_observed / D_expected over the coincidence matrix (Krippendorff 2011).

    Rows are raters, columns units, NaN where a rater did not rate. Units with fewer than two values do
    not count. Raises InputRefused when nothing can be paired or the level is unknown; when all values are
    equal there is no disagreement to explain and alpha is 1.
    """
    found = table(matrix)
    if not isinstance(level, str) or level not in ("nominal", "ordinal", "interval"):
        raise InputRefused("listening.level", level=str(level))
    values = np.unique(found[~np.isnan(found)])
    counts = np.stack([(found == value).sum(axis=0) for value in values]).astype(
        np.float64
    )  # (values, units)
    counts = counts[:, counts.sum(axis=0) >= 2]
    if counts.shape[1] == 0:
        raise InputRefused("listening.unpaired")
    raters = counts.sum(axis=0)
    coincidences = (counts / (raters - 1)) @ counts.T - np.diag((counts / (raters - 1)).sum(axis=1))
    totals = coincidences.sum(axis=1)
    distance = _distance(values, totals, level)
    n = totals.sum()
    expected = (np.outer(totals, totals) * distance).sum() / (n - 1)
    observed = (coincidences * distance).sum()
    return Agreement(1.0 if expected == 0 else float(1 - observed / expected), level, int(n))


def _distance(values: Floats, totals: Floats, level: Level) -> Floats:
    """Squared difference of each two values at the level of measurement."""
    if level == "nominal":
        return (values[:, None] != values[None, :]).astype(np.float64)
    if level == "interval":
        return np.asarray((values[:, None] - values[None, :]) ** 2)
    reach = np.cumsum(totals)
    between = np.abs(reach[:, None] - reach[None, :])  # ranks between, one end included
    low_end = np.where(reach[:, None] >= reach[None, :], totals[:, None] - totals[None, :], 0)
    high_end = np.where(reach[:, None] < reach[None, :], totals[None, :] - totals[:, None], 0)
    return np.asarray((between - (low_end + high_end) / 2) ** 2)


def icc(matrix: ArrayLike) -> IntraclassCorrelation:
    """Intraclass correlations of a complete table: rows are targets, columns raters.

    Raises InputRefused for missing values, fewer than two targets or raters, or a table without any spread.
    """
    found = numbers(matrix)
    if found.ndim != 2 or min(found.shape, default=0) < 2:
        raise InputRefused("listening.icc_shape", shape=str(found.shape))
    if not np.isfinite(found).all():
        raise InputRefused("listening.icc_missing")
    if np.ptp(found) == 0:
        raise InputRefused("listening.no_spread")
    n, k = found.shape
    targets, raters, error = two_way_squares(found)
    within = ((found - found.mean(axis=1, keepdims=True)) ** 2).sum() / (n * (k - 1))
    return IntraclassCorrelation(
        icc1=_ratio(targets - within, targets + (k - 1) * within),
        icca1=_ratio(targets - error, targets + (k - 1) * error + k * (raters - error) / n),
        iccc1=_ratio(targets - error, targets + (k - 1) * error),
        icc1k=_ratio(targets - within, targets),
        iccak=_ratio(targets - error, targets + (raters - error) / n),
        iccck=_ratio(targets - error, targets),
    )


def _ratio(above: float, below: float) -> float:
    """A form that divides by nothing has no value: refused, never NaN."""
    if abs(below) < 1e-12:
        raise InputRefused("listening.no_spread")
    return float(above / below)
