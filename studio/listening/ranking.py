"""Rankings from pairwise choices: Bradley-Terry, Davidson for ties, intervals clustered by listener."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from scipy import stats as distributions

from studio.errors import InputRefused
from studio.listening.matrices import Floats, numbers
from studio.listening.pairwise import climbed, derivatives, probabilities

PRIOR = 0.5  # votes added in each direction of each compared pair when a side never loses
SLIGHT = 1e-3  # ties added to each compared pair of a draw without any: nu has no maximum at none
ROUNDS = 1000
_Z = float(distributions.norm.ppf(0.975))


@dataclass(frozen=True)
class BradleyTerry:
    """Strengths as logits, the last system at 0, with standard errors (the last one's is 0).

    `deviance` is the residual deviance 2 sum(observed log(observed / expected)) over the pairs' outcomes;
    `tie_strength` is Davidson's nu (0 without ties); `method` names a prior where one was needed.
    """

    strengths: tuple[float, ...]
    standard_errors: tuple[float, ...]
    deviance: float
    tie_strength: float
    method: str


@dataclass(frozen=True)
class Interval:
    """A 95 % interval."""

    low: float
    high: float


def bradley_terry(wins: ArrayLike, ties: ArrayLike | None = None) -> BradleyTerry:
    """Fit P(i beats j) = 1 / (1 + exp(s_j - s_i)) by maximum likelihood (Bradley and Terry 1952).

    `wins[i][j]` counts how often i beat j; `ties` (symmetric) brings in Davidson's model (1970): P(tie)
    proportional to nu sqrt(p_i p_j). Standard errors come from the inverse information matrix. Where a
    side never loses the likelihood has no maximum: PRIOR votes are added each way and `method` says so.
    Raises InputRefused for a matrix that is not square, negative counts, or systems never compared.
    """
    won = _counts(wins)
    tied = _ties(ties, won)
    met = _met(won, tied)
    method = "maximum likelihood"
    if _unbounded(won[None])[0]:
        won, method = won + PRIOR * met, f"a side never loses: {PRIOR:g} votes added each way"
    return _fitted(won, tied, method)


def _counts(matrix: ArrayLike, size: int | None = None) -> Floats:
    found = numbers(matrix).copy()
    square = found.ndim == 2 and found.shape[0] == found.shape[1] and found.shape[0] >= 2
    if not square or (size and found.shape[0] != size) or not np.isfinite(found).all() or (found < 0).any():
        raise InputRefused("listening.wins")
    np.fill_diagonal(found, 0.0)
    return found


def _ties(ties: ArrayLike | None, won: Floats) -> Floats:
    tied = np.zeros_like(won) if ties is None else _counts(ties, won.shape[0])
    if not np.allclose(tied, tied.T):
        raise InputRefused("listening.ties_symmetric")
    return tied


def _met(won: Floats, tied: Floats) -> NDArray[np.bool_]:
    """Which pairs were compared; InputRefused when that falls into groups."""
    met = np.asarray((won + won.T + tied) > 0)
    if sparse.csgraph.connected_components(sparse.csr_matrix(met), directed=False)[0] > 1:
        raise InputRefused("listening.never_met")
    return met


def _unbounded(won: Floats) -> NDArray[np.bool_]:
    """For each table of wins (rounds, k, k) whether a side never loses.

    The likelihood has a maximum where from each system a chain of wins leads to each other one (Ford 1957).
    Ties make no such chain: Davidson's nu can grow with the strength of a side that wins or ties, never loses.
    """
    reach = (won > 0) | np.eye(won.shape[1], dtype=bool)
    for _ in range(math.ceil(math.log2(won.shape[1]))):
        reach = np.matmul(reach, reach)
    return np.asarray(~reach.all(axis=(1, 2)))


def _fitted(won: Floats, tied: Floats, method: str) -> BradleyTerry:
    free, with_ties = won.shape[0] - 1, bool(tied.any())
    best = climbed(won[None], tied[None], with_ties)
    information = derivatives(won[None], tied[None], best, with_ties)[1][0]
    errors = np.sqrt(np.diag(np.linalg.inv(information)))
    return BradleyTerry(
        strengths=(*map(float, best[0, :free]), 0.0),
        standard_errors=(*map(float, errors[:free]), 0.0),
        deviance=_deviance(won, tied, best, with_ties),
        tie_strength=float(np.exp(best[0, free])) if with_ties else 0.0,
        method=method + (", Davidson ties" if with_ties else ""),
    )


def _deviance(won: Floats, tied: Floats, best: Floats, with_ties: bool) -> float:
    beats, draws = (np.squeeze(one) for one in probabilities(best, with_ties))
    met = won + won.T + tied
    total = _surprise(won, met * beats)
    return total + (_surprise(np.triu(tied, 1), np.triu(met * draws, 1)) if with_ties else 0.0)


def _surprise(observed: Floats, expected: Floats) -> float:
    seen = observed > 0
    return float(2 * (observed[seen] * np.log(observed[seen] / expected[seen])).sum())


def clustered_intervals(
    wins_by_listener: Sequence[ArrayLike],
    ties_by_listener: Sequence[ArrayLike] | None = None,
    *,
    rounds: int = ROUNDS,
    seed: int = 0,
) -> tuple[Interval, ...]:
    """95 % intervals of the strengths `bradley_terry` gives, by bootstrap of whole listeners.

    One matrix of wins (and of ties) a listener. A draw gets the prior votes when the fit did, or when a side
    never loses in that draw. Both ends stand off from the estimate t(0.975, n - 1) / 1.96 sqrt(n / (n - 1))
    times as far as the draws say, for few listeners vary too little when drawn again. What was never seen no
    draw can show: where a side never loses, or all draws coincide, the interval also holds the normal one
    (`_by_information`). Raises InputRefused for fewer than two listeners or systems never compared.
    """
    won, tied = _stacked(wins_by_listener, ties_by_listener)
    met = _met(won.sum(axis=0), tied.sum(axis=0))
    fit = bradley_terry(won.sum(axis=0), tied.sum(axis=0))
    never_loses = bool(_unbounded(won.sum(axis=0)[None])[0])
    strengths = _drawn(won, tied, np.where(met, PRIOR, 0.0), never_loses, rounds, seed)
    low, high = _spread_out(np.array(fit.strengths), strengths, len(won))
    if never_loses or np.ptp(strengths, axis=0)[:-1].min() < 1e-6:
        normal = _by_information(won, tied, never_loses)
        low, high = np.minimum(low, normal[0]), np.maximum(high, normal[1])
    return tuple(Interval(float(a), float(b)) for a, b in zip(low, high, strict=True))


def _stacked(wins: Sequence[ArrayLike], ties: Sequence[ArrayLike] | None) -> tuple[Floats, Floats]:
    if len(wins) < 2:
        raise InputRefused("listening.one_listener", listeners=len(wins), stimuli=0)
    first = _counts(wins[0])
    won = np.stack([_counts(one, len(first)) for one in wins])
    if ties is None:
        return won, np.zeros_like(won)
    if len(ties) != len(wins):
        raise InputRefused("listening.wins")
    return won, np.stack([_ties(one, first) for one in ties])


def _drawn(won: Floats, tied: Floats, prior: Floats, always: bool, rounds: int, seed: int) -> Floats:
    """Strengths (rounds, k) of draws; `prior` votes are added to all (`always`) or where they are needed."""
    generator = np.random.default_rng(seed)
    # Drawing with replacement is weighting: how often each listener came up, times their votes.
    times = generator.multinomial(len(won), np.full(len(won), 1 / len(won)), rounds)
    wins, ties = (np.einsum("rl,lij->rij", times, stack) for stack in (won, tied))
    needy = np.full(rounds, True) if always else _unbounded(wins)
    wins = wins + needy[:, None, None] * prior
    with_ties = bool(tied.any())
    if with_ties:
        ties = ties + (ties.sum(axis=(1, 2)) == 0)[:, None, None] * (prior > 0) * SLIGHT
    best = climbed(wins, ties, with_ties)[:, : won.shape[1] - 1]
    return np.pad(best, ((0, 0), (0, 1)))


def _spread_out(estimate: Floats, drawn: Floats, listeners: int) -> tuple[Floats, Floats]:
    """Ends of the middle 95 % of draws, moved away from the estimate, which they hold."""
    freedom = listeners - 1
    factor = float(distributions.t.ppf(0.975, freedom)) / _Z * math.sqrt(listeners / freedom)
    low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
    return (
        estimate - factor * np.maximum(0, estimate - low),
        estimate + factor * np.maximum(0, high - estimate),
    )


def _by_information(won: Floats, tied: Floats, never_loses: bool) -> tuple[Floats, Floats]:
    """Strength -+ 1.96 standard errors; where a side never loses each listener's votes count for one a pair."""
    if never_loses:
        votes = np.maximum(won + won.transpose(0, 2, 1) + tied, 1)
        won, tied = won / votes, tied / votes
    fit = bradley_terry(won.sum(axis=0), tied.sum(axis=0))
    strengths, errors = np.array(fit.strengths), np.array(fit.standard_errors)
    return strengths - _Z * errors, strengths + _Z * errors
