"""Rankings from pairwise choices: Bradley-Terry, Davidson for ties, intervals clustered by listener."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from studio.errors import InputRefused
from studio.listening.matrices import Floats, numbers

STEPS, FARTHEST, CLOSE = 200, 4.0, 1e-12  # of the climb to the maximum, in logits
SLIGHT = 1e-3  # votes added each way in draws
PRIOR = 0.5  # votes added in each direction of each compared pair when a side never loses


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
    tied = np.zeros_like(won) if ties is None else _counts(ties, won.shape[0])
    if not np.allclose(tied, tied.T):
        raise InputRefused("listening.ties_symmetric")
    met = (won + won.T + tied) > 0
    if _components(met, directed=False) > 1:
        raise InputRefused("listening.never_met")
    method = "maximum likelihood"
    if _components((won + tied) > 0, directed=True) > 1 or not won.any():
        won, method = won + PRIOR * met, f"a side never loses: {PRIOR:g} votes added each way"
    return _fitted(won, tied, method)


def _counts(matrix: ArrayLike, size: int | None = None) -> Floats:
    found = numbers(matrix).copy()
    square = found.ndim == 2 and found.shape[0] == found.shape[1] and found.shape[0] >= 2
    if not square or (size and found.shape[0] != size) or not np.isfinite(found).all() or (found < 0).any():
        raise InputRefused("listening.wins")
    np.fill_diagonal(found, 0.0)
    return found


def _components(links: NDArray[np.bool_], directed: bool) -> int:
    graph = sparse.csr_matrix(links)
    kind = "strong" if directed else "weak"
    return int(sparse.csgraph.connected_components(graph, directed=True, connection=kind)[0])


def _fitted(won: Floats, tied: Floats, method: str) -> BradleyTerry:
    free, with_ties = won.shape[0] - 1, bool(tied.any())
    best = _climbed(won, tied, with_ties)
    covariance = np.linalg.inv(_derivatives(won, tied, best, with_ties)[1])
    errors = np.sqrt(np.diag(covariance))
    return BradleyTerry(
        strengths=(*map(float, best[:free]), 0.0),
        standard_errors=(*map(float, errors[:free]), 0.0),
        deviance=_deviance(won, tied, best, with_ties),
        tie_strength=float(np.exp(best[free])) if with_ties else 0.0,
        method=method + (", Davidson ties" if with_ties else ""),
    )


def _climbed(won: Floats, tied: Floats, with_ties: bool) -> Floats:
    """The maximum by Newton's method: the log likelihood is concave, and a step that overshoots is halved."""
    best = np.zeros(won.shape[0] - 1 + with_ties)
    height = _log_likelihood(won, tied, best, with_ties)
    for _ in range(STEPS):
        gradient, information = _derivatives(won, tied, best, with_ties)
        step = np.linalg.solve(information, gradient)
        step *= min(1.0, FARTHEST / max(np.abs(step).max(), FARTHEST))
        risen = _log_likelihood(won, tied, best + step, with_ties)
        while risen < height - 1e-9 * abs(height) and np.abs(step).max() > CLOSE:
            step /= 2
            risen = _log_likelihood(won, tied, best + step, with_ties)
        best, height = best + step, risen
        if np.abs(step).max() < CLOSE:
            break
    return best


def _probabilities(strengths: Floats, nu: float) -> tuple[Floats, Floats]:
    """P(i beats j) and P(tie), each of shape (k, k)."""
    difference = strengths[:, None] - strengths[None, :]
    # Divided through by sqrt(p_i p_j): exp(d/2) against exp(-d/2) and nu, which never overflows early.
    up, down = np.exp(difference / 2), np.exp(-difference / 2)
    total = up + down + nu
    return up / total, nu / total


def _unpack(parameters: Floats, with_ties: bool) -> tuple[Floats, float]:
    free = parameters.size - with_ties
    nu = float(np.exp(parameters[free])) if with_ties else 0.0
    return np.append(parameters[:free], 0.0), nu


def _log_likelihood(won: Floats, tied: Floats, parameters: Floats, with_ties: bool) -> float:
    beats, draws = _probabilities(*_unpack(parameters, with_ties))
    total = float((won * np.log(beats)).sum())
    if with_ties:
        total += float((np.triu(tied, 1) * np.log(draws)).sum())
    return total


def _derivatives(won: Floats, tied: Floats, parameters: Floats, with_ties: bool) -> tuple[Floats, Floats]:
    """Gradient of the log likelihood and the observed information (equal to the expected one here)."""
    beats, draws = _probabilities(*_unpack(parameters, with_ties))
    met = won + won.T + tied
    free = parameters.size - with_ties
    # In d = s_i - s_j a pair's score is (win_i - win_j) / 2 - n (P_i - P_j) / 2.
    lead = beats - beats.T
    score = ((won - won.T) - met * lead) / 2
    gradient = score.sum(axis=1)[:free]
    spread = met * ((beats + beats.T) - lead**2) / 4
    information = np.diag(spread.sum(axis=1))[:free, :free] - spread[:free, :free]
    if not with_ties:
        return gradient, information
    tie_score = float((np.triu(tied, 1) - np.triu(met * draws, 1)).sum())
    tie_information = float(np.triu(met * draws * (1 - draws), 1).sum())
    cross = -(met * draws * lead / 2).sum(axis=1)[:free]
    full = np.block([[information, cross[:, None]], [cross[None, :], np.array([[tie_information]])]])
    return np.append(gradient, tie_score), full


def _deviance(won: Floats, tied: Floats, parameters: Floats, with_ties: bool) -> float:
    beats, draws = _probabilities(*_unpack(parameters, with_ties))
    met = won + won.T + tied
    total = _surprise(won, met * beats)
    return total + (_surprise(np.triu(tied, 1), np.triu(met * draws, 1)) if with_ties else 0.0)


def _surprise(observed: Floats, expected: Floats) -> float:
    seen = observed > 0
    return float(2 * (observed[seen] * np.log(observed[seen] / expected[seen])).sum())


def clustered_intervals(
    wins_by_listener: Sequence[ArrayLike], *, rounds: int = 1000, seed: int = 0
) -> tuple[Interval, ...]:
    """95 % percentile intervals of the strengths by drawing whole listeners, not single votes.

    One matrix of wins a listener. SLIGHT votes are added each way, so that a draw in which a side never loses
    has a maximum too. Raises InputRefused for fewer than two listeners or systems never compared.
    """
    if len(wins_by_listener) < 2:
        raise InputRefused("listening.one_listener", listeners=len(wins_by_listener), stimuli=0)
    stack = np.stack([_counts(wins) for wins in wins_by_listener])
    met = (stack.sum(axis=0) + stack.sum(axis=0).T) > 0
    if _components(met, directed=False) > 1:
        raise InputRefused("listening.never_met")
    generator = np.random.default_rng(seed)
    # Drawing with replacement is weighting: how often each listener came up, times their wins.
    drawn = generator.multinomial(len(stack), np.full(len(stack), 1 / len(stack)), rounds)
    strengths = _climbed_together(np.einsum("rl,lij->rij", drawn, stack) + SLIGHT * met)
    low, high = np.quantile(strengths, [0.025, 0.975], axis=0)
    return tuple(Interval(float(a), float(b)) for a, b in zip(low, high, strict=True))


def _climbed_together(won: Floats) -> Floats:
    """Strengths (rounds, k) of many tables of wins (rounds, k, k) at once, by Newton's method as above."""
    rounds, systems, _ = won.shape
    best, met = np.zeros((rounds, systems)), won + won.transpose(0, 2, 1)
    height = _heights(won, best)
    for _ in range(STEPS):
        chance = 1 / (1 + np.exp(best[:, None, :] - best[:, :, None]))
        gradient = (won - met * chance).sum(axis=2)[:, :-1]
        spread = met * chance * (1 - chance)
        information = spread.sum(axis=2)[:, :, None] * np.eye(systems) - spread
        step = np.zeros((rounds, systems))
        step[:, :-1] = np.linalg.solve(information[:, :-1, :-1], gradient[..., None])[..., 0]
        step *= np.minimum(1.0, FARTHEST / np.maximum(np.abs(step).max(axis=1, keepdims=True), FARTHEST))
        risen = _heights(won, best + step)
        while (fallen := risen < height - 1e-9 * np.abs(height)).any() and np.abs(step[fallen]).max() > CLOSE:
            step[fallen] /= 2
            risen = _heights(won, best + step)
        best, height = best + step, risen
        if np.abs(step).max() < 1e-9:
            break
    return best


def _heights(won: Floats, strengths: Floats) -> Floats:
    """Log likelihood of each table: -log(1 + exp(s_j - s_i)) a win."""
    return np.asarray(
        -(won * np.logaddexp(0, strengths[:, None, :] - strengths[:, :, None])).sum(axis=(1, 2))
    )
