"""What every judge asks of a clip before it judges it."""

import numpy as np
from numpy.typing import NDArray

from studio.audio.clip import AudioClip
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
    """The clip's samples, shape (n,), at another rate (soxr, high quality)."""
    if clip.sample_rate_hz == sample_rate_hz:
        return clip.samples
    import soxr

    return soxr.resample(clip.samples, clip.sample_rate_hz, sample_rate_hz, quality="HQ").astype(np.float32)
