"""Reading what a statistic is given: arrays of ratings, refused when they cannot be right."""

import math
from numbers import Real

import numpy as np
from numpy.typing import ArrayLike, NDArray

from studio.errors import InputRefused

Floats = NDArray[np.float64]


def real(value: object) -> bool:
    """Whether this is a number that can be reckoned with: neither text nor True, not NaN, not infinite."""
    try:
        return _number(value) and math.isfinite(value)  # type: ignore[arg-type]
    except OverflowError:  # a whole number beyond all floats
        return False


def numbers(given: ArrayLike) -> Floats:
    """What was given as an array of floats; InputRefused for anything that is none.

    Text, True and False, ragged rows: NumPy would make "5" a five and True a one, and a rating is neither.
    """
    try:
        raw = given if isinstance(given, np.ndarray) else np.asarray(given, dtype=object)
        if raw.dtype.kind not in "iufO" or (raw.dtype.kind == "O" and not all(map(_number, raw.flat))):
            raise InputRefused("listening.no_numbers")
        return np.asarray(raw, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise InputRefused("listening.no_numbers") from error


def _number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def scores(ratings: ArrayLike, low: float, high: float) -> Floats:
    """Finite ratings on the scale, shape (n,); InputRefused when empty, not finite or off the scale, or no scale."""
    checked_scale(low, high)
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
    checked_scale(low, high)
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


def checked_scale(low: float, high: float) -> None:
    """InputRefused unless the scale has two ends, the lower one first."""
    if not (_number(low) and _number(high) and low < high):
        raise InputRefused("listening.scale", low=str(low), high=str(high))


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
