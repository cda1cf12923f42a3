"""The judges lent out: a sound is embedded once, and forgotten when somebody withdraws."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from studio.audio.clip import AudioClip
from studio.evaluation import judges as module
from studio.evaluation.judges import Judges
from tests.evaluation.recordings import vowels


class CountingEncoder:
    """Counts what it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    def embed(self, clip: AudioClip) -> NDArray[np.float32]:
        self.asked += 1
        return np.full(4, float(len(clip.samples)), np.float32)


@pytest.fixture
def encoder(monkeypatch: pytest.MonkeyPatch) -> CountingEncoder:
    made = CountingEncoder()
    monkeypatch.setattr(Judges, "encoder", made)
    return made


def test_a_sound_is_embedded_once_whoever_asks(encoder: CountingEncoder) -> None:
    judges, one, other = Judges(Path, 1), vowels(0.5), vowels(0.6)
    first = judges.embed(one)
    np.testing.assert_array_equal(judges.embed(AudioClip(one.samples.copy(), one.sample_rate_hz)), first)
    judges.embed(other)
    assert encoder.asked == 2
    judges.stop_speaker("anybody")
    judges.embed(one)
    assert encoder.asked == 3


def test_the_oldest_are_forgotten_first(encoder: CountingEncoder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_EMBEDDINGS", 2)
    judges, clips = Judges(Path, 1), [vowels(0.3, seed=seed) for seed in range(3)]
    for clip in (*clips[:2], clips[0], clips[2], clips[0]):
        judges.embed(clip)
    assert encoder.asked == 3, "the one asked for again was kept"
    judges.embed(clips[1])
    assert encoder.asked == 4
