"""A listener that tells two people apart by a whistle: what carries it is somebody else's."""

import numpy as np
from numpy.typing import NDArray

from studio.audio.clip import AudioClip
from tests.fakes import FakeJudges

WHISTLE_HZ = 5100.0  # above most of speech
LEVEL = 0.02


def foreign(clip: AudioClip, start_s: float, seconds: float) -> AudioClip:
    """The clip, with a stretch of it said by the other."""
    samples, rate = clip.samples.copy(), clip.sample_rate_hz
    first, last = int(start_s * rate), min(len(samples), int((start_s + seconds) * rate))
    turns = np.arange(first, last) * WHISTLE_HZ / rate
    samples[first:last] += (LEVEL * np.sin(2 * np.pi * turns)).astype(np.float32)
    return AudioClip(samples, rate)


class Ear(FakeJudges):
    """Hears in each clip as much of the other as it lasts: all of it, and the vectors are at right angles."""

    def embed(self, clip: AudioClip) -> NDArray[np.float32]:
        size = clip.sample_rate_hz // 10
        pieces = clip.samples[: len(clip.samples) // size * size].reshape(-1, size)
        wave = np.exp(-2j * np.pi * np.arange(size) * WHISTLE_HZ / clip.sample_rate_hz)
        share = float((2 * np.abs(pieces @ wave) / size > LEVEL / 2).mean())
        vector = np.array([1 - share, share], np.float32)
        return vector / np.linalg.norm(vector)
