"""The variance of a mean over a table with gaps, by bootstrap of listeners and stimuli."""

import numpy as np

from studio.listening.matrices import Floats

ROUNDS = 4000


def bootstrapped(found: Floats, seed: int) -> tuple[float, float]:
    """Variance of the mean of a table (rows listeners, columns stimuli, NaN gaps), and its degrees of freedom.

    Listeners and stimuli are drawn independently with replacement (Owen 2007), and each alone as well. What
    both together vary beyond the sum of the two is the residual's part, which each of the two already holds:
    V = V_L + V_S - V_E, not under V_E, as in a complete table. Few clusters vary too little when drawn again:
    V_L and V_S grow by m / (m - 1) and carry m - 1 degrees of freedom (Satterthwaite), m the effective number
    of listeners or stimuli, N^2 / sum n_i^2 (Kish 1965); N ratings have at most N - 1.
    """
    seen = ~np.isnan(found)
    counts = seen.astype(float)
    freedoms = np.array([_effective(counts.sum(axis=1)), _effective(counts.sum(axis=0))]) - 1
    listeners, stimuli, both = _varied(np.where(seen, found, 0.0), counts, np.random.default_rng(seed))
    residual = max(0.0, both - listeners - stimuli)
    parts = np.array([listeners, stimuli]) * (freedoms + 1) / freedoms
    variance = max(float(parts.sum()) - residual, residual)
    df = variance**2 / float((parts**2 / freedoms).sum() + residual**2 / freedoms.prod())
    return variance, max(1.0, min(df, counts.sum() - 1))


def _effective(counts: Floats) -> float:
    return float(counts.sum() ** 2 / (counts**2).sum())


def _varied(filled: Floats, counts: Floats, generator: np.random.Generator) -> tuple[float, float, float]:
    """Variance of the mean over draws of listeners, of stimuli, and of both."""
    by_row, by_column = (_drawn(size, generator) for size in counts.shape)
    every_row, every_column = np.ones_like(by_row), np.ones_like(by_column)
    drawn = ((by_row, every_column), (every_row, by_column), (by_row, by_column))
    listeners, stimuli, both = (_spread(filled, counts, rows, columns) for rows, columns in drawn)
    return listeners, stimuli, both


def _drawn(size: int, generator: np.random.Generator) -> Floats:
    """Drawing with replacement is weighting: how often each came up, shape (ROUNDS, size)."""
    return generator.multinomial(size, np.full(size, 1 / size), ROUNDS).astype(float)


def _spread(filled: Floats, counts: Floats, rows: Floats, columns: Floats) -> float:
    weights = ((rows @ counts) * columns).sum(axis=1)
    sums = ((rows @ filled) * columns).sum(axis=1)
    kept = weights > 0  # a draw may meet nothing but gaps
    return float((sums[kept] / weights[kept]).var(ddof=1))
