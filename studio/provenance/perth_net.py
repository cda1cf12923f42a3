"""Perth's network on numpy: the same sums as the package's own (tests compare them), ready in a tenth of a second.

The package needs torch, torchaudio, librosa and numba for it, which takes ten seconds of processor time to load.
"""

import numpy as np
from numpy.typing import NDArray

from studio.audio.clip import Samples
from studio.provenance.perth_weights import load_weights

RATE_HZ = 32_000  # what it was trained at
_WINDOW, _HOP = 2048, 320
_BINS = 128  # of 15.6 Hz: the mark lies below 2 kHz
_FLOOR_DB, _SPAN_DB = -180.0, 195.0  # magnitudes become 0..1 between these
_LEAST = 1e-9
_AUDIBLE = 0.05  # frames below this part of the loudest carry no mark
_PACES = {"slow": 1.25, "normal": 1.0, "fast": 0.75}  # the decoder looks at three speeds at once
Spectrum = NDArray[np.complex64]


class PerthNet:
    """Encoder and decoder of Perth (implicit, 250 000 steps)."""

    def __init__(self) -> None:
        weights = load_weights()
        self._encoder = _layers(weights, "encoder.layers")
        self._decoders = {pace: _layers(weights, f"decoder.{pace}_layers") for pace in _PACES}

    def mark(self, samples: Samples) -> Samples:
        """What to add to `samples` (n,) at RATE_HZ."""
        spectrum = _spectrum(samples)
        magnitude = np.maximum(np.abs(spectrum), _LEAST)
        levels = _levels(magnitude)
        change = _run(self._encoder, levels[:, :_BINS]) * _carries(levels)[:, None]
        low = spectrum[:, :_BINS]
        scale = np.power(10.0, change * np.float32(_SPAN_DB / 20)) - 1  # the same angle, another length
        return _sound(low * scale.astype(np.float32), len(samples))

    def confidence(self, samples: Samples) -> float:
        """How sure the decoder is of a mark: about 0 without, about 1 with."""
        levels = _levels(np.maximum(np.abs(_spectrum(samples)), _LEAST))
        carries = _carries(levels)
        if not carries.any():
            return 0.0
        said = [self._at_pace(pace, levels[:, :_BINS], carries) for pace in _PACES]
        attention, marks = (np.array(values) for values in zip(*said, strict=True))
        weights = np.exp(attention - attention.max())
        return float((marks * weights).sum() / weights.sum())

    def _at_pace(self, pace: str, levels: Samples, carries: Samples) -> tuple[float, float]:
        """Attention and mark, averaged over the frames that carry sound."""
        count = int(len(levels) * _PACES[pace])
        out = _run(self._decoders[pace], _stretched(levels, count))
        near = np.minimum((np.arange(count) * (len(levels) / count)).astype(int), len(levels) - 1)
        attention, mark = (out * carries[near][:, None]).sum(axis=0) / max(1.0, float(carries[near].sum()))
        return float(attention), float(mark)


Layer = tuple[Samples, Samples]  # weights (width * in, out), bias (out,)


def _layers(weights: dict[str, Samples], prefix: str) -> list[Layer]:
    count = sum(name.startswith(f"{prefix}.") and name.endswith(".weight") for name in weights)
    if count != 7:
        raise ValueError(f"{prefix} has {count} layers instead of 7")
    return [
        (_flat(weights[f"{prefix}.{n}.conv.weight"]), weights[f"{prefix}.{n}.conv.bias"])
        for n in range(count)
    ]


def _flat(kernel: Samples) -> Samples:
    """(out, in, width) -> (width * in, out)."""
    return np.ascontiguousarray(kernel.transpose(2, 1, 0).reshape(-1, kernel.shape[0]))


def _run(layers: list[Layer], frames: Samples) -> Samples:
    """Convolutions along time with leaky rectifiers between; frames (time, in) -> (time, out)."""
    for number, (kernel, bias) in enumerate(layers):
        width = kernel.shape[0] // frames.shape[1]
        frames = _windows(frames, width) @ kernel + bias
        if number < len(layers) - 1:
            frames = np.maximum(frames, np.float32(0.01) * frames)
    return frames


def _windows(frames: Samples, width: int) -> Samples:
    """Each frame with its neighbours: (time, width * in), zeros beyond the ends."""
    if width == 1:
        return frames
    half = width // 2
    padded = np.pad(frames, ((half, half), (0, 0)))
    return np.concatenate([padded[n : n + len(frames)] for n in range(width)], axis=1)


def _hann() -> Samples:
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(_WINDOW) / _WINDOW)).astype(np.float32)


def _spectrum(samples: Samples) -> Spectrum:
    """(frames, bins), a frame every 10 ms, centred; ends are mirrored."""
    padded = np.pad(samples.astype(np.float32), _WINDOW // 2, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::_HOP]
    return np.fft.rfft(frames * _hann(), axis=1).astype(np.complex64)


def _sound(low: Spectrum, length: int) -> Samples:
    """The inverse, by overlap and add, of a spectrum whose upper bins are empty."""
    frames = np.fft.irfft(low, n=_WINDOW, axis=1).astype(np.float32) * _hann()
    total = np.zeros(_HOP * (len(frames) - 1) + _WINDOW, dtype=np.float32)
    weight = np.zeros_like(total)
    window = _hann() ** 2
    for number, frame in enumerate(frames):
        start = number * _HOP
        total[start : start + _WINDOW] += frame
        weight[start : start + _WINDOW] += window
    half = _WINDOW // 2
    covered = total[half:] / np.maximum(weight[half:], 1e-8)
    return np.pad(covered[:length], (0, max(0, length - len(covered))))


def _levels(magnitude: Samples) -> Samples:
    return ((20 * np.log10(magnitude) - _FLOOR_DB) / _SPAN_DB).astype(np.float32)


def _carries(levels: Samples) -> Samples:
    """1.0 where a frame has sound, else 0.0."""
    total = levels.sum(axis=1)
    return (total > _AUDIBLE * total.max()).astype(np.float32)


def _stretched(frames: Samples, count: int) -> Samples:
    """The frames at another pace, interpolated linearly, ends on ends."""
    if count == len(frames) or len(frames) == 1:
        return frames[:count]
    at = np.linspace(0, len(frames) - 1, count, dtype=np.float32)
    before = np.minimum(at.astype(int), len(frames) - 2)
    part = (at - before)[:, None]
    result: Samples = frames[before] * (1 - part) + frames[before + 1] * part
    return result
