"""Loudness and true peak by ITU-R BS.1770-4, and the gain that brings speech to a target."""

from dataclasses import dataclass

import numpy as np

from studio.audio.clip import AudioClip

TARGET_LUFS = -23.0  # EBU R 128; quiet enough that speech rarely meets the ceiling
CEILING_DBTP = -1.0
_BLOCK_S = 0.4  # BS.1770's gating block: shorter clips are repeated until they fill one


@dataclass(frozen=True)
class Levelled:
    """A clip after `level`: the gain given, and whether the ceiling kept it under the target."""

    clip: AudioClip
    gain_db: float
    held_by_ceiling: bool


def to_db(ratio: float) -> float:
    """An amplitude ratio in dB; -inf for zero."""
    return float(20 * np.log10(ratio)) if ratio > 0 else float("-inf")


def loudness_lufs(clip: AudioClip) -> float:
    """Integrated loudness in LUFS, gated (BS.1770-4); -inf for silence or an empty clip."""
    samples = clip.samples
    if not len(samples) or not samples.any():
        return float("-inf")
    import pyloudnorm

    shortest = int(_BLOCK_S * clip.sample_rate_hz) + 1
    if len(samples) < shortest:
        samples = np.tile(samples, -(-shortest // len(samples)))
    return float(pyloudnorm.Meter(clip.sample_rate_hz, block_size=_BLOCK_S).integrated_loudness(samples))


def true_peak_dbtp(clip: AudioClip) -> float:
    """The highest level between the samples, dB of full scale (BS.1770-4 annex 2); -inf for silence."""
    if not len(clip.samples):
        return float("-inf")
    peak = float(np.abs(clip.samples).max())
    times = 4 if clip.sample_rate_hz < 96_000 else 2 if clip.sample_rate_hz < 192_000 else 1
    if times == 1 or len(clip.samples) < 2:
        return to_db(peak)
    import soxr

    stream = soxr.ResampleStream(clip.sample_rate_hz, clip.sample_rate_hz * times, 1, dtype="float32")
    step = 10 * clip.sample_rate_hz  # pieces of ten seconds: an hour at four times its rate is not held
    for start in range(0, len(clip.samples), step):
        last = start + step >= len(clip.samples)
        piece = stream.resample_chunk(clip.samples[start : start + step], last=last)
        peak = max(peak, float(np.abs(piece).max(initial=0.0)))
    return to_db(peak)


def level(clip: AudioClip, target_lufs: float = TARGET_LUFS, ceiling_dbtp: float = CEILING_DBTP) -> Levelled:
    """Bring `clip` to `target_lufs` by one gain, less of it where the true peak would pass the ceiling.

    Nothing is limited or compressed: the sound keeps its shape. Silence is returned as it is.
    """
    now = loudness_lufs(clip)
    if now == float("-inf"):
        return Levelled(clip, 0.0, False)
    wanted, room = target_lufs - now, ceiling_dbtp - true_peak_dbtp(clip)
    gain_db = min(wanted, room)
    samples = clip.samples * np.float32(10 ** (gain_db / 20))
    return Levelled(AudioClip(samples, clip.sample_rate_hz), gain_db, room < wanted)
