"""Clips the evaluation tests share: seeded speech-like sound, and real recordings where present."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from studio.audio.clip import AudioClip

VOICES = Path(__file__).parents[3] / "shared" / "voices"


def recording(relative: str) -> AudioClip:
    """A real recording of the measuring set; skipped where that folder is absent."""
    path = VOICES / relative
    if not path.exists():
        pytest.skip("the measuring recordings are not on this machine")
    samples, rate = soundfile.read(path, dtype="float32")
    return AudioClip(samples, rate)


def vowels(duration_s: float, rate: int = 16_000, pitch_hz: float = 120.0, seed: int = 0) -> AudioClip:
    """A buzz through three moving resonances: voiced, pitched, and different for every seed."""
    from scipy.signal import lfilter

    random = np.random.default_rng(seed)
    time = np.arange(int(duration_s * rate)) / rate
    phase = np.cumsum(pitch_hz * (1 + 0.1 * np.sin(2 * np.pi * 1.3 * time)) / rate)
    buzz = np.diff(np.floor(phase), prepend=0.0) + 0.002 * random.standard_normal(len(time))
    pieces, state = [], [np.zeros(2)] * 3
    for block in np.array_split(buzz, max(1, int(duration_s / 0.15))):
        for index, centre in enumerate(random.uniform([300, 900, 2200], [800, 2000, 3200])):
            radius = np.exp(-np.pi * 90 / rate)
            poles = [1.0, -2 * radius * np.cos(2 * np.pi * centre / rate), radius**2]
            block, state[index] = lfilter([1.0], poles, block, zi=state[index])
        pieces.append(block)
    sound = np.concatenate(pieces)
    return AudioClip((0.3 * sound / np.abs(sound).max()).astype(np.float32), rate)
