"""How sure a figure is: intervals over sentences, and differences of two systems on the same sentences."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from studio.errors import InputRefused

VERSION = "1"
ROUNDS = 2000
LEVEL = 0.95
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    """A figure and its 95 % interval over `n` sentences; with one sentence the interval is empty (None)."""

    value: float
    low: float | None
    high: float | None
    n: int


def mean_interval(values: Sequence[float], seed: int = 0) -> Interval:
    """The mean of `values` with a percentile bootstrap over them (Efron, 1979); InputRefused for none."""
    return ratio_interval(values, [1.0] * len(values), seed)


def ratio_interval(tops: Sequence[float], bottoms: Sequence[float], seed: int = 0) -> Interval:
    """sum(tops) / sum(bottoms), e.g. errors over words of each sentence, with a bootstrap over sentences.

    InputRefused for lists of two lengths or none, values that are not finite, and bottoms that are not above 0.
    Sentences are drawn whole: errors within one are no more independent than its words.
    """
    top, bottom = _columns(tops, bottoms)
    drawn = _drawn(len(top), seed)
    ratios = top[drawn].sum(axis=1) / bottom[drawn].sum(axis=1)
    return _interval(float(top.sum() / bottom.sum()), ratios, len(top))


def difference(
    one: tuple[Sequence[float], Sequence[float]],
    other: tuple[Sequence[float], Sequence[float]],
    seed: int = 0,
) -> Interval:
    """ratio(one) - ratio(other) over the same sentences in the same order, drawn together (paired bootstrap).

    Each side is (tops, bottoms) as in `ratio_interval`. An interval without 0 is a clear difference.
    Source: Bisani & Ney, "Bootstrap estimates for confidence intervals in ASR performance evaluation", 2004.
    """
    (a, b), (c, d) = _columns(*one), _columns(*other)
    if len(a) != len(c):
        raise InputRefused("evaluation.pairs", references=len(a), hypotheses=len(c))
    drawn = _drawn(len(a), seed)
    gaps = a[drawn].sum(axis=1) / b[drawn].sum(axis=1) - c[drawn].sum(axis=1) / d[drawn].sum(axis=1)
    return _interval(float(a.sum() / b.sum() - c.sum() / d.sum()), gaps, len(a))


def _columns(tops: Sequence[float], bottoms: Sequence[float]) -> tuple[Floats, Floats]:
    if len(tops) != len(bottoms) or not len(tops):
        raise InputRefused("evaluation.pairs", references=len(bottoms), hypotheses=len(tops))
    top, bottom = finite(tops), finite(bottoms)
    if bottom.min() <= 0:
        raise InputRefused("evaluation.nothing_to_divide", number=int(bottom.argmin()) + 1)
    return top, bottom


def finite(values: Sequence[float]) -> Floats:
    """The values, shape (n,); InputRefused where one is not a finite number."""
    found = np.asarray(values, dtype=np.float64)
    if not np.isfinite(found).all():
        raise InputRefused("evaluation.not_numbers", number=int(np.argmin(np.isfinite(found))) + 1)
    return found


def _drawn(n: int, seed: int) -> NDArray[np.int64]:
    return np.random.default_rng(seed).integers(0, n, size=(ROUNDS, n))


def _interval(value: float, drawn: Floats, n: int) -> Interval:
    if n < 2:
        return Interval(value, None, None, n)
    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(value, float(low), float(high), n)
