"""Measurements of one recording: noise, clipping, bandwidth, offset."""

import numpy as np
from numpy.typing import NDArray

from studio.audio.clip import AudioClip, Samples

_FRAME_S = 0.02
_CEILING_DB = 100.0  # gated or synthetic recordings have digital silence between words
_SPECTRUM_DB = 65.0  # speech's own high end lies within this of its loudest band, a resampler's residue below


def dc_offset(clip: AudioClip) -> float:
    """The mean of the samples: 0 for a healthy recording."""
    return float(np.mean(clip.samples, dtype=np.float64)) if len(clip.samples) else 0.0


def clipping_share(clip: AudioClip) -> float:
    """The share of samples piled up at a ceiling, 0..1.

    Speech has ever fewer samples the louder they are; clipping piles up those it cut off. The pile is
    looked for at every level, so it is found too after the recording was turned down or compressed.
    """
    samples = clip.samples
    if not len(samples):
        return 0.0
    return float((_pile(samples[samples > 0]) + _pile(-samples[samples < 0])) / len(samples))


def _pile(levels: Samples) -> int:
    """Samples in a band of 6 % of the peak beyond those in the band just below it, at the worst level."""
    if not len(levels):
        return 0
    counts = np.histogram(levels, bins=100, range=(0, float(levels.max())))[0]
    up_to = np.concatenate([[0], np.cumsum(counts)])
    tops = np.arange(40, 101)
    band, below = up_to[tops] - up_to[tops - 6], up_to[tops - 6] - up_to[tops - 12]
    return max(0, int((band - below).max()))


def frame_powers(samples: Samples, sample_rate_hz: int) -> NDArray[np.float64]:
    """Mean square of each 20 ms frame, shape (frames,)."""
    size = max(1, int(_FRAME_S * sample_rate_hz))
    count = len(samples) // size
    frames = samples[: count * size].reshape(count, size).astype(np.float64)
    return np.asarray(np.mean(frames**2, axis=1))


def snr_db(clip: AudioClip, speech: NDArray[np.bool_]) -> float:
    """Signal-to-noise ratio in dB, at most 100; -inf without speech. `speech`: one bool a sample.

    Noise is the level of the quietest tenth of all frames (pauses, and gaps between words), the signal
    that of the frames of speech less the noise.
    """
    offset = np.float32(dc_offset(clip))
    powers = frame_powers(clip.samples - offset, clip.sample_rate_hz)
    voiced = frame_powers(speech.astype(np.float32), clip.sample_rate_hz) > 0.5
    if not voiced.any():
        return float("-inf")
    noise = max(float(np.percentile(powers, 10)), 1e-12)
    signal = max(float(powers[voiced].mean()) - noise, 1e-12)
    return min(_CEILING_DB, float(10 * np.log10(signal / noise)))


def bandwidth_hz(clip: AudioClip, speech: NDArray[np.bool_]) -> float:
    """The highest frequency that the speech really uses, in Hz, whatever the sample rate; 0 for silence.

    Taken from each band's louder moments (95th percentile over 32 ms frames), smoothed over 250 Hz.
    """
    samples = clip.samples[speech] if speech.any() else clip.samples
    power = spectra(samples, int(0.032 * clip.sample_rate_hz), int(0.016 * clip.sample_rate_hz))
    if not power.size or not power.any():
        return 0.0
    loud = np.percentile(power, 95, axis=0)
    step_hz = clip.sample_rate_hz / 2 / (len(loud) - 1)
    width = max(1, round(250 / step_hz))
    smooth = np.convolve(loud, np.ones(width) / width, mode="same")
    used = np.flatnonzero(smooth > smooth.max() * 10 ** (-_SPECTRUM_DB / 10))
    return float(used[-1] * step_hz)


def spectra(samples: Samples, size: int, hop: int) -> NDArray[np.float64]:
    """Power spectra of Hann-windowed frames, shape (frames, size // 2 + 1); none if shorter than one."""
    if len(samples) < size or size < 2:
        return np.zeros((0, size // 2 + 1))
    frames = np.lib.stride_tricks.sliding_window_view(samples, size)[::hop]
    return np.asarray(np.abs(np.fft.rfft(frames * np.hanning(size), axis=1)) ** 2)
