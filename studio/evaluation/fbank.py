"""Kaldi's log mel filter bank in numpy, as WeSpeaker's encoders were trained on it."""

import functools

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE_HZ = 16_000
FRAME = 400  # 25 ms
HOP = 160  # 10 ms
FFT = 512
BANDS = 80
LOWEST_HZ = 20.0
PRE_EMPHASIS = 0.97


def fbank(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Log mel energies, shape (frames, 80), of `samples` (n,) within -1..1 at 16 kHz.

    Kaldi's compute-fbank-feats with a Hamming window, no dither and no energy (Povey et al., 2011):
    only whole frames count, so fewer than 400 samples give shape (0, 80).
    """
    frames = _frames(samples.astype(np.float64) * 32768.0)
    power = np.abs(np.fft.rfft(frames * np.hamming(FRAME), n=FFT)) ** 2
    energies = power[:, : FFT // 2] @ _mel_bank().T
    return np.log(np.maximum(energies, np.finfo(np.float32).eps)).astype(np.float32)


def _frames(scaled: NDArray[np.float64]) -> NDArray[np.float64]:
    """Overlapping frames without their mean, pre-emphasised within each frame as Kaldi does."""
    if len(scaled) < FRAME:
        return np.zeros((0, FRAME))
    frames = np.lib.stride_tricks.sliding_window_view(scaled, FRAME)[::HOP]
    frames = frames - frames.mean(axis=1, keepdims=True)
    before = np.concatenate([frames[:, :1], frames[:, :-1]], axis=1)
    return frames - PRE_EMPHASIS * before


def _mel(hz: NDArray[np.float64] | float) -> NDArray[np.float64]:
    return 1127.0 * np.log(1.0 + np.asarray(hz, dtype=np.float64) / 700.0)


@functools.cache
def _mel_bank() -> NDArray[np.float64]:
    """Triangles, straight on the mel axis, shape (80, 256): Kaldi leaves the Nyquist bin out."""
    edges = np.linspace(_mel(LOWEST_HZ), _mel(SAMPLE_RATE_HZ / 2), BANDS + 2)[:, None]
    bins = _mel(np.arange(FFT // 2) * SAMPLE_RATE_HZ / FFT)[None, :]
    left, centre, right = edges[:-2], edges[1:-1], edges[2:]
    rising, falling = (bins - left) / (centre - left), (right - bins) / (right - centre)
    return np.maximum(0.0, np.minimum(rising, falling))
