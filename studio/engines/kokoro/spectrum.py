"""Mel cepstra of heard sound, differentiable: what a stretch of speech sounds like on average, and how it varies."""

import functools
import math

import torch
from torch import Tensor

RATE_HZ = 16_000
HOP = 200  # samples: 12.5 ms, half a frame of the decoder
BANDS, ORDER = 60, 24
_SIZE, _WINDOW = 1024, 800
_SPEECH_NEPERS = 7.0  # below the loudest frame's mean log energy
_EDGE = 4  # frames at either end that see what is not there


@functools.cache
def _bank() -> Tensor:
    from torchaudio.functional import melscale_fbanks

    bank: Tensor = melscale_fbanks(
        _SIZE // 2 + 1, 0.0, 7_600.0, BANDS, RATE_HZ, norm="slaney", mel_scale="slaney"
    )
    return bank.T.contiguous()


@functools.cache
def _cosines() -> Tensor:
    order, band = torch.arange(1, ORDER + 1)[:, None], torch.arange(BANDS)[None] + 0.5
    return torch.cos(math.pi / BANDS * order * band) * math.sqrt(2 / BANDS)


def cepstra(samples: Tensor) -> tuple[Tensor, Tensor]:
    """Coefficients 1..24 (frames, 24) and mean log energy (frames,) of 16 kHz samples (n,)."""
    window = torch.hann_window(_WINDOW)
    power = torch.stft(samples, _SIZE, HOP, _WINDOW, window, return_complex=True).abs().square()
    logs = (_bank() @ power + 1e-7).log()
    return (_cosines() @ logs).T, logs.mean(0)


def spoken_part(samples: Tensor) -> Tensor:
    """The cepstra (frames, 24) from the first to the last frame of speech."""
    found, level = cepstra(samples)
    loud = torch.nonzero(level > level.max() - _SPEECH_NEPERS)[:, 0]
    return found[int(loud[0]) : int(loud[-1]) + 1] if len(loud) else found


def unlikeness(heard: Tensor, recorded: Tensor, spread: Tensor) -> Tensor:
    """How far mean and deviation of a generated stretch are from the recorded one's, in the speaker's own spread.

    `heard` 16 kHz samples (n,), `recorded` the cepstra (frames, 24) of the same words, `spread` (24,). A
    scalar: 0 is alike, 1 is a deviation off.
    """
    generated = cepstra(heard)[0][_EDGE:-_EDGE]
    mean = (generated.mean(0) - recorded.mean(0)) / spread
    deviation = (generated.std(0) - recorded.std(0)) / spread
    return mean.square().mean() + deviation.square().mean()
