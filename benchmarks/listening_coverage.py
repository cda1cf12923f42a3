"""How often three 95 % intervals of a mean opinion score hold the true mean, on simulated listeners.

Listener variance 0.30, stimulus 0.15, error 0.55, rounded to 1..5. The truth is the mean of the rounded
ratings themselves, by numerical integration over the whole population, not the unrounded centre.
"""

import argparse
import math
import time

import numpy as np
from scipy import stats as distributions

from studio.listening.stats import bounded_mos, crossed_mos, mos

LISTENER, STIMULUS, ERROR, CENTRE = 0.30, 0.15, 0.55, 3.4
SHAPES = ((10, 5), (20, 10), (30, 20))


def truth() -> float:
    """E of a rating rounded to 1..5 when the latent score is normal with all three variances."""
    spread = math.sqrt(LISTENER + STIMULUS + ERROR)
    edges = [-math.inf, 1.5, 2.5, 3.5, 4.5, math.inf]
    shares = np.diff(distributions.norm.cdf(edges, CENTRE, spread))
    return float(shares @ np.arange(1, 6))


def rated(listeners: int, stimuli: int, generator: np.random.Generator) -> np.ndarray:
    """A table of ratings, rows listeners."""
    latent = (
        CENTRE
        + generator.normal(0, math.sqrt(LISTENER), (listeners, 1))
        + generator.normal(0, math.sqrt(STIMULUS), (1, stimuli))
        + generator.normal(0, math.sqrt(ERROR), (listeners, stimuli))
    )
    return np.clip(np.rint(latent), 1, 5)


def intervals(table: np.ndarray) -> dict[str, tuple[float, float]]:
    crossed, student, bounded = crossed_mos(table), mos(table), bounded_mos(table)
    half = 1.96 * table.std(ddof=1) / math.sqrt(table.size)
    return {
        "crossed": (crossed.ci_low, crossed.ci_high),
        "t": (student.ci_low, student.ci_high),
        "z": (table.mean() - half, table.mean() + half),
        "bounded": (bounded.ci_low, bounded.ci_high),
    }


def coverage(listeners: int, stimuli: int, rounds: int, seed: int) -> dict[str, float]:
    """The share of rounds in which each interval holds the truth."""
    generator, true_mean = np.random.default_rng(seed), truth()
    held = dict.fromkeys(("crossed", "t", "z", "bounded"), 0)
    for _ in range(rounds):
        for name, (low, high) in intervals(rated(listeners, stimuli, generator)).items():
            held[name] += low <= true_mean <= high
    return {name: count / rounds for name, count in held.items()}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=20)
    given = parser.parse_args()
    print(f"true mean {truth():.4f}; {given.rounds} rounds each; 95 % intervals hold it in")
    print(f"{'listeners x stimuli':>20} {'crossed':>9} {'t':>7} {'z':>7} {'bounded':>9}")
    for listeners, stimuli in SHAPES:
        began = time.perf_counter()
        found = coverage(listeners, stimuli, given.rounds, given.seed)
        shown = f"{found['crossed']:9.3f} {found['t']:7.3f} {found['z']:7.3f} {found['bounded']:9.3f}"
        print(f"{f'{listeners} x {stimuli}':>20} {shown}   ({time.perf_counter() - began:.0f} s)")
        assert 0.93 <= found["crossed"] <= 0.98, "the headline interval does not hold what it says"


if __name__ == "__main__":
    main()
