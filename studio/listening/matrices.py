"""Reading what a statistic is given: arrays of ratings, refused when they cannot be right."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from studio.errors import InputRefused

Floats = NDArray[np.float64]


def numbers(given: ArrayLike) -> Floats:
    """What was given as an array of floats; InputRefused for anything that is none (text, ragged rows)."""
    try:
        return np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputRefused("listening.no_numbers") from error


def scores(ratings: ArrayLike, low: float, high: float) -> Floats:
    """Finite ratings on the scale, shape (n,); InputRefused when empty, not finite or off the scale."""
    found = numbers(ratings).ravel()
    if found.size == 0:
        raise InputRefused("listening.empty")
    if not np.isfinite(found).all():
        raise InputRefused("listening.not_a_number")
    _on_scale(found, low, high)
    return found


def table(matrix: ArrayLike, low: float = -np.inf, high: float = np.inf) -> Floats:
    """A matrix (rows, columns) with NaN for what is missing; rows and columns without any value are dropped.

    InputRefused when it is not two-dimensional, empty, infinite or off the scale.
    """
    found = numbers(matrix)
    if found.ndim != 2 or found.size == 0:
        raise InputRefused("listening.empty")
    if np.isinf(found).any():
        raise InputRefused("listening.not_a_number")
    seen = ~np.isnan(found)
    found = found[seen.any(axis=1)][:, seen.any(axis=0)]
    if found.size == 0:
        raise InputRefused("listening.empty")
    _on_scale(found[~np.isnan(found)], low, high)
    return found


def _on_scale(values: Floats, low: float, high: float) -> None:
    if values.min() < low or values.max() > high:
        worst = values.min() if values.min() < low else values.max()
        raise InputRefused("listening.off_scale", value=f"{worst:g}", low=f"{low:g}", high=f"{high:g}")


@np.errstate(invalid="ignore")
def two_way_squares(complete: Floats) -> tuple[float, float, float]:
    """Mean squares (rows, columns, residual) of a complete two-way layout with one value a cell."""
    rows, columns = complete.shape
    grand = complete.mean()
    by_row, by_column = complete.mean(axis=1), complete.mean(axis=0)
    residual = complete - by_row[:, None] - by_column[None, :] + grand
    return (
        float(columns * ((by_row - grand) ** 2).sum() / (rows - 1)),
        float(rows * ((by_column - grand) ** 2).sum() / (columns - 1)),
        float((residual**2).sum() / ((rows - 1) * (columns - 1))),
    )
