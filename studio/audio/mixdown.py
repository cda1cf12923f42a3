"""Interleaved channels -> mono, as they arrive."""

import numpy as np

from studio.audio.clip import Samples

_CANCELLED = 0.1  # a mix under a tenth of its first channel's level (-20 dB): the channels cancel


class Mixdown:
    """Averages channels piece by piece, keeping the first channel in case the average cancels out."""

    def __init__(self, channels: int) -> None:
        self.channels = channels
        self.frames = 0
        self._mixed: list[Samples] = []
        self._first: list[Samples] = []

    def add(self, interleaved: bytes) -> None:
        """Take float32 samples, `channels` a frame."""
        table = np.frombuffer(interleaved, dtype=np.float32).reshape(-1, self.channels)
        self.frames += len(table)
        self._mixed.append(table.mean(axis=1, dtype=np.float32))
        if self.channels > 1:
            self._first.append(table[:, 0].copy())

    def mono(self) -> Samples:
        """The average of the channels; the first alone where the average cancels (wired out of phase)."""
        mixed = np.concatenate(self._mixed)
        if self.channels == 1:
            return mixed
        first = np.concatenate(self._first)
        return first if _rms(mixed) < _CANCELLED * _rms(first) else mixed


def _rms(samples: Samples) -> float:
    with np.errstate(over="ignore", invalid="ignore"):  # NaN and Inf are refused after the mix
        return float(np.sqrt(np.mean(np.square(samples))))
