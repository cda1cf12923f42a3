"""The likelihood of choices between pairs, Bradley-Terry's and Davidson's, climbed for many tables at once.

Tables have the shape (rounds, k, k); parameters (rounds, k - 1), the last system's strength being 0, and with
ties one more: log nu.
"""

import numpy as np

from studio.listening.matrices import Floats

STEPS, FARTHEST, CLOSE = 200, 4.0, 1e-12  # of the climb to the maximum, in logits


def climbed(won: Floats, tied: Floats, with_ties: bool) -> Floats:
    """The maxima by Newton's method: log likelihoods are concave, and a step that overshoots is halved."""
    best = np.zeros((won.shape[0], won.shape[1] - 1 + with_ties))
    height = _heights(won, tied, best, with_ties)
    for _ in range(STEPS):
        gradient, information = derivatives(won, tied, best, with_ties)
        step = np.linalg.solve(information, gradient[..., None])[..., 0]
        step *= np.minimum(1.0, FARTHEST / np.maximum(np.abs(step).max(axis=1, keepdims=True), FARTHEST))
        risen = _heights(won, tied, best + step, with_ties)
        while (fallen := risen < height - 1e-9 * np.abs(height)).any() and np.abs(step[fallen]).max() > CLOSE:
            step[fallen] /= 2
            risen = _heights(won, tied, best + step, with_ties)
        best, height = best + step, risen
        if np.abs(step).max() < CLOSE:
            break
    return best


def probabilities(parameters: Floats, with_ties: bool) -> tuple[Floats, Floats]:
    """P(i beats j) and P(tie)."""
    free = parameters.shape[1] - with_ties
    strengths = np.pad(parameters[:, :free], ((0, 0), (0, 1)))
    nu = np.exp(parameters[:, free:])[..., None] if with_ties else 0.0
    difference = strengths[:, :, None] - strengths[:, None, :]
    # Divided through by sqrt(p_i p_j): exp(d/2) against exp(-d/2) and nu, which never overflows early.
    up, down = np.exp(difference / 2), np.exp(-difference / 2)
    total = up + down + nu
    return up / total, nu / total


def _heights(won: Floats, tied: Floats, parameters: Floats, with_ties: bool) -> Floats:
    beats, draws = probabilities(parameters, with_ties)
    total = (won * np.log(beats)).sum(axis=(1, 2))
    if with_ties:
        total = total + (np.triu(tied, 1) * np.log(draws)).sum(axis=(1, 2))
    return np.asarray(total)


def derivatives(won: Floats, tied: Floats, parameters: Floats, with_ties: bool) -> tuple[Floats, Floats]:
    """Gradient of the log likelihood and the observed information (equal to the expected one here)."""
    beats, draws = probabilities(parameters, with_ties)
    met = won + won.transpose(0, 2, 1) + tied
    free = parameters.shape[1] - with_ties
    # In d = s_i - s_j a pair's score is (win_i - win_j) / 2 - n (P_i - P_j) / 2.
    lead = beats - beats.transpose(0, 2, 1)
    gradient = ((won - won.transpose(0, 2, 1)) - met * lead).sum(axis=2)[:, :free] / 2
    spread = met * ((beats + beats.transpose(0, 2, 1)) - lead**2) / 4
    information = spread.sum(axis=2)[:, :, None] * np.eye(won.shape[1]) - spread
    information = information[:, :free, :free]
    if not with_ties:
        return gradient, information
    tie_score = np.triu(tied - met * draws, 1).sum(axis=(1, 2))
    tie_information = np.triu(met * draws * (1 - draws), 1).sum(axis=(1, 2))
    cross = -(met * draws * lead / 2).sum(axis=2)[:, :free, None]
    above = np.concatenate([information, cross], axis=2)
    below = np.concatenate([cross.transpose(0, 2, 1), tie_information[:, None, None]], axis=2)
    return np.append(gradient, tie_score[:, None], axis=1), np.concatenate([above, below], axis=1)
