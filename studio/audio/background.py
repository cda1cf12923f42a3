"""What sounds behind the voice: nothing, noise, or something tuned such as music or other voices."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from studio.audio.clip import AudioClip
from studio.audio.measures import dc_offset, spectra
from studio.audio.resample import resample
from studio.audio.speech import RATE_HZ, Span, speech_mask

_SIZE, _HOP = 1024, 256  # 64 ms every 16 ms
_LOW, _HIGH = 16, 257  # bands of 250 to 4000 Hz: over mains hum, under what telephones cut
_RUN = 6  # frames averaged: noise evens out, a held note stands
_QUIETEST = 0.1  # the quietest tenth of all frames: pauses, or the gaps between words
_PEAK_DB = 8.0


@dataclass(frozen=True)
class Background:
    """`level_db`: the background under the speech (-100 for none); `partials`: bands standing out by 8 dB."""

    level_db: float
    partials: float


def background(clip: AudioClip, spans: Sequence[Span]) -> Background:
    """Measure the background in the quietest moments, 250 to 4000 Hz; drums alone leave no partials."""
    wide = resample(clip, RATE_HZ)
    power = spectra(wide.samples - np.float32(dc_offset(wide)), _SIZE, _HOP)
    if len(power) < _RUN:
        return Background(-100.0, 0.0)
    band = power[:, _LOW:_HIGH].sum(axis=1)
    voiced = _voiced(wide, spans, len(power))
    quiet = np.zeros(len(power), dtype=bool)
    quiet[np.argsort(band)[: max(20, int(_QUIETEST * len(power)))]] = True
    speech = float(band[voiced > 0.9].mean()) if (voiced > 0.9).any() else float(band.mean())
    ratio = float(np.median(band[quiet])) / max(speech, 1e-20)
    level_db = max(-100.0, float(10 * np.log10(max(ratio, 1e-10))))
    return Background(level_db, _partials(power, quiet))


def _voiced(clip: AudioClip, spans: Sequence[Span], frames: int) -> NDArray[np.float64]:
    """The share of each frame that lies in speech."""
    total = np.concatenate([[0], np.cumsum(speech_mask(clip, spans))])
    starts = np.arange(frames) * _HOP
    return np.asarray((total[starts + _SIZE] - total[starts]) / _SIZE)


def _partials(power: NDArray[np.float64], quiet: NDArray[np.bool_]) -> float:
    """How many bands of a quiet stretch stand over the median of their 21 neighbours, on average."""
    runs = _runs(quiet)
    if not runs:
        return 0.0
    mean = np.array([power[start : start + _RUN, : _HIGH + 10].mean(axis=0) for start in runs])
    levels = 10 * np.log10(mean + 1e-12)
    padded = np.pad(levels, ((0, 0), (10, 10)), mode="edge")
    around = np.median(np.lib.stride_tricks.sliding_window_view(padded, 21, axis=1), axis=2)
    return float(((levels - around)[:, _LOW:_HIGH] > _PEAK_DB).sum(axis=1).mean())


def _runs(quiet: NDArray[np.bool_]) -> list[int]:
    """Starts of the stretches of `_RUN` quiet frames, not overlapping."""
    starts, index = [], 0
    while index + _RUN <= len(quiet):
        if quiet[index : index + _RUN].all():
            starts.append(index)
            index += _RUN
        else:
            index += 1
    return starts
