"""What every judge asks of a clip before it judges it."""

import numpy as np
from numpy.typing import NDArray

from studio.audio.clip import AudioClip
from studio.audio.resample import resample
from studio.errors import AudioRefused

QUIETEST_PEAK = 1e-4  # -80 dBFS: below this there is only the converter's noise


def check_clip(clip: AudioClip, shortest_s: float) -> None:
    """Refuse sound no metric can score: not finite, shorter than `shortest_s`, or silent (AudioRefused)."""
    if not np.isfinite(clip.samples).all():
        raise AudioRefused("evaluation.not_finite")
    if clip.duration_s < shortest_s:
        raise AudioRefused(
            "evaluation.too_short", duration_s=round(clip.duration_s, 2), shortest_s=shortest_s
        )
    if np.abs(clip.samples).max() < QUIETEST_PEAK:
        raise AudioRefused("evaluation.silent")


def at_rate(clip: AudioClip, sample_rate_hz: int) -> NDArray[np.float32]:
    """The clip's samples, shape (n,), at another rate."""
    return resample(clip, sample_rate_hz).samples


def same_band(clip: AudioClip, sample_rate_hz: int) -> NDArray[np.float32]:
    """As `at_rate`, with the same low-pass for every clip, whatever rate it came at.

    A clip already at `sample_rate_hz` still has its topmost band, which a resampled one lost to the
    filter; a judge that hears that difference takes it for one between speakers or voices.
    """
    if clip.sample_rate_hz != sample_rate_hz:
        return at_rate(clip, sample_rate_hz)
    twice = at_rate(clip, 2 * sample_rate_hz)
    return at_rate(AudioClip(twice, 2 * sample_rate_hz), sample_rate_hz)
