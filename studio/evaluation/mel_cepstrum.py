"""Mel-cepstrum of a clip: WORLD's spectral envelope on a warped frequency axis."""

import functools
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from studio.evaluation.harvest import harvest

Pitch = Literal["harvest", "dio"]
ORDER = 24
FRAME_PERIOD_MS = 5.0
# The all-pass constant that comes closest to the mel scale at each rate (Tokuda et al., 1994).
ALPHAS = {8_000: 0.312, 16_000: 0.42, 22_050: 0.455, 24_000: 0.466, 44_100: 0.544, 48_000: 0.554}


def mel_cepstrum(
    samples: NDArray[np.float64], sample_rate_hz: int, pitch: Pitch = "harvest"
) -> NDArray[np.float64]:
    """Coefficients c0..c24 of every 5 ms, shape (frames, 25), of samples (n,) at a rate of `ALPHAS`.

    F0 by Harvest (or by DIO and StoneMask, a tenth of the work and a little less sure), envelope by
    CheapTrick (Morise, 2009-2017); cepstrum warped by the all-pass
    recursion of Oppenheim & Johnson (1972), the same transform as SPTK's `sp2mc`.
    """
    import pyworld

    if pitch == "harvest":
        contour, times = harvest(samples, sample_rate_hz, FRAME_PERIOD_MS)
    else:
        contour, times = pyworld.dio(samples, sample_rate_hz, frame_period=FRAME_PERIOD_MS)
        contour = pyworld.stonemask(samples, contour, times, sample_rate_hz)
    envelope = pyworld.cheaptrick(samples, contour, times, sample_rate_hz)
    return warp(envelope, ORDER, ALPHAS[sample_rate_hz])


def warp(envelope: NDArray[np.float64], order: int, alpha: float) -> NDArray[np.float64]:
    """Mel-cepstra (frames, order + 1) of power spectra (frames, bins)."""
    bins = envelope.shape[1]
    cepstrum = np.fft.irfft(np.log(envelope), axis=1)[:, :bins]
    cepstrum[:, 0] /= 2
    return cepstrum @ _warping(bins, order, alpha)


@functools.lru_cache(maxsize=8)
def _warping(length: int, order: int, alpha: float) -> NDArray[np.float64]:
    """The all-pass transform as a matrix (length, order + 1): the recursion run on every unit cepstrum."""
    unit = np.eye(length)
    before = np.zeros((order + 1, length))
    for index in range(length - 1, -1, -1):
        after = np.empty_like(before)
        after[0] = unit[index] + alpha * before[0]
        if order:
            after[1] = (1 - alpha**2) * before[0] + alpha * before[1]
        for m in range(2, order + 1):
            after[m] = before[m - 1] + alpha * (before[m] - after[m - 1])
        before = after
    return before.T.copy()
