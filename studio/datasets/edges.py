"""Cutting sound: slices, faded edges, and whether a tail was cut off."""

import numpy as np

from studio.audio.clip import AudioClip, Samples
from studio.audio.measures import frame_powers

_TAIL_S = 0.05
_FLOOR_DB = -90.0


def part(clip: AudioClip, start_s: float, end_s: float) -> AudioClip:
    """The sound between two moments; the clip itself is not changed."""
    first, last = round(max(0.0, start_s) * clip.sample_rate_hz), round(end_s * clip.sample_rate_hz)
    return AudioClip(clip.samples[first:last].copy(), clip.sample_rate_hz)


def faded(clip: AudioClip, fade_in_s: float, fade_out_s: float) -> AudioClip:
    """The clip with raised-cosine edges, so that no cut clicks."""
    samples = clip.samples.copy()
    for seconds, end in ((fade_in_s, False), (fade_out_s, True)):
        count = min(len(samples), int(seconds * clip.sample_rate_hz))
        ramp = _ramp(count)
        if end and count:
            samples[-count:] *= ramp[::-1]
        elif count:
            samples[:count] *= ramp
    return AudioClip(samples, clip.sample_rate_hz)


def _ramp(count: int) -> Samples:
    rise = 0.5 - 0.5 * np.cos(np.pi * (np.arange(count) + 0.5) / max(1, count))
    return np.asarray(rise, dtype=np.float32)


def tail_db(clip: AudioClip) -> float:
    """How far the last 50 ms lie under the clip's speech, in dB (negative); near 0 the tail was cut off.

    The speech's level is that of the loudest tenth of 20 ms frames.
    """
    powers = frame_powers(clip.samples, clip.sample_rate_hz)
    tail = clip.samples[-max(1, int(_TAIL_S * clip.sample_rate_hz)) :].astype(np.float64)
    speech = float(np.percentile(powers, 90)) if len(powers) else 0.0
    if speech <= 1e-12 or not len(tail):
        return _FLOOR_DB
    ratio = max(float(np.mean(tail**2)) / speech, 1e-9)
    return float(max(_FLOOR_DB, 10 * np.log10(ratio)))
