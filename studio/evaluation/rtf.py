"""Real-time factor and latency: how long speech takes to make."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from studio.errors import InputRefused

VERSION = "1"


@dataclass(frozen=True)
class Run:
    """One synthesis by a loaded model: wall seconds, seconds of sound, seconds to the first chunk."""

    wall_s: float
    audio_s: float
    first_chunk_s: float | None = None


@dataclass(frozen=True)
class Machine:
    """What a speed was measured on; a speed without it says nothing. `threads` 0: not recorded."""

    device: str
    dtype: str
    threads: int
    batch: int = 1


@dataclass(frozen=True)
class RealTimeFactor:
    """`value` is wall seconds per second of audio over all counted runs; below 1 is faster than speech."""

    value: float
    median: float
    worst: float
    first_chunk_s: float | None  # median latency
    runs: int
    machine: Machine


def rtf(wall_s: float, audio_s: float) -> float:
    """Wall seconds per second of audio; InputRefused where there is no audio or no time."""
    if not (audio_s > 0 and wall_s > 0 and audio_s < float("inf") and wall_s < float("inf")):
        raise InputRefused("evaluation.no_duration", wall_s=wall_s, audio_s=audio_s)
    return wall_s / audio_s


def real_time_factor(runs: Sequence[Run], machine: Machine, *, warm: bool = False) -> RealTimeFactor:
    """The factor over `runs` without the first, which pays for warming up (InputRefused under two runs).

    `warm` counts every run: something else had warmed the model up.
    """
    counted = list(runs)[0 if warm else 1 :]
    if not counted:
        raise InputRefused("evaluation.too_few_runs", runs=len(runs))
    factors = [rtf(run.wall_s, run.audio_s) for run in counted]
    latencies = [run.first_chunk_s for run in counted if run.first_chunk_s is not None]
    return RealTimeFactor(
        value=rtf(sum(run.wall_s for run in counted), sum(run.audio_s for run in counted)),
        median=statistics.median(factors),
        worst=max(factors),
        first_chunk_s=statistics.median(latencies) if latencies else None,
        runs=len(counted),
        machine=machine,
    )
