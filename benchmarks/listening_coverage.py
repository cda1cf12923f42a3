"""How often 95 % intervals of a mean opinion score hold the true mean, on simulated listeners.

Listener variance 0.30, stimulus 0.15, error 0.55, rounded to 1..5. The truth is the mean of the rounded
ratings themselves, by numerical integration over the whole population, not the unrounded centre.
Complete tables first, then tables with gaps: the last listener stopped half way, or each hears half.
"""

import argparse
import math
import time
from collections.abc import Callable

import numpy as np
from scipy import stats as distributions

from studio.listening.stats import bounded_mos, crossed_mos, mos

LISTENER, STIMULUS, ERROR, CENTRE = 0.30, 0.15, 0.55, 3.4
SHAPES = ((10, 5), (20, 10), (30, 20))
GAPPED = ((3, 10), (5, 10), (10, 5), (20, 10))
BAR = (0.93, 0.98)


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


def unfinished(table: np.ndarray) -> np.ndarray:
    """The last listener left half way."""
    table[-1, table.shape[1] // 2 :] = np.nan
    return table


def shared_out(table: np.ndarray) -> np.ndarray:
    """Each listener hears half of the stimuli, the next one a stimulus further."""
    listeners, stimuli = table.shape
    places = (np.arange(stimuli)[None, :] - np.arange(listeners)[:, None]) % stimuli
    return np.where(places < stimuli // 2, table, np.nan)


def complete(table: np.ndarray) -> np.ndarray:
    return table


def intervals(table: np.ndarray) -> dict[str, tuple[float, float]]:
    """By name; the crossed one is the headline."""
    given = table[~np.isnan(table)]
    crossed, student, bounded = crossed_mos(table), mos(given), bounded_mos(given)
    half = 1.96 * given.std(ddof=1) / math.sqrt(given.size)
    return {
        "crossed": (crossed.ci_low, crossed.ci_high),
        "t": (student.ci_low, student.ci_high),
        "z": (given.mean() - half, given.mean() + half),
        "bounded": (bounded.ci_low, bounded.ci_high),
    }


Design = Callable[[np.ndarray], np.ndarray]


def coverage(
    shape: tuple[int, int], design: Design, rounds: int, seed: int
) -> tuple[dict[str, float], float]:
    """The share of rounds in which each interval holds the truth, and the headline's half-width."""
    generator, true_mean = np.random.default_rng(seed), truth()
    held, width = dict.fromkeys(("crossed", "t", "z", "bounded"), 0), 0.0
    for _ in range(rounds):
        found = intervals(design(rated(*shape, generator)))
        width += (found["crossed"][1] - found["crossed"][0]) / 2
        for name, (low, high) in found.items():
            held[name] += low <= true_mean <= high
    return {name: count / rounds for name, count in held.items()}, width / rounds


def told(shape: tuple[int, int], design: Design, rounds: int, seed: int) -> bool:
    """Print one line; whether the headline interval holds what it says."""
    began = time.perf_counter()
    found, width = coverage(shape, design, rounds, seed)
    shown = "".join(f"{found[name]:9.3f}" for name in ("crossed", "t", "z", "bounded"))
    name = f"{shape[0]} x {shape[1]} {design.__name__}"
    print(f"{name:>20}{shown}{width:8.2f}   ({time.perf_counter() - began:.0f} s)", flush=True)
    return BAR[0] <= found["crossed"] <= BAR[1]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=4000)
    parser.add_argument("--gapped-rounds", type=int, default=1000, help="a bootstrap each")
    parser.add_argument("--seed", type=int, default=20)
    given = parser.parse_args()
    print(
        f"true mean {truth():.4f}; {given.rounds} rounds, {given.gapped_rounds} of tables with gaps; in how many"
    )
    print("95 % intervals hold it; and the half-width of the crossed one")
    print(f"{'listeners x stimuli':>20}" + "".join(f"{n:>9}" for n in ("crossed", "t", "z", "bounded", "+-")))
    kept = [told(shape, complete, given.rounds, given.seed) for shape in SHAPES]
    for design in (unfinished, shared_out):
        kept += [told(shape, design, given.gapped_rounds, given.seed) for shape in GAPPED]
    if not all(kept):
        raise SystemExit(f"a headline interval holds the truth outside {BAR[0]} to {BAR[1]}")


if __name__ == "__main__":
    main()
