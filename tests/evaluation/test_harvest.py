"""Harvest: WORLD's own contour, frame by frame, on speech, noise, tones and nothing."""

import numpy as np
import pytest
import pyworld

from studio.evaluation.harvest import harvest
from tests.evaluation.recordings import recording, vowels


def same_as_world(samples: np.ndarray, rate: int) -> np.ndarray:
    """WORLD's contour, after it was compared with ours."""
    expected, at = pyworld.harvest(samples, rate, frame_period=5.0)
    found, times = harvest(samples, rate)
    np.testing.assert_array_equal(times, at)
    np.testing.assert_array_equal(found > 0, expected > 0)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    return expected


@pytest.mark.parametrize("rate", [8_000, 16_000, 22_050, 24_000, 44_100, 48_000])
def test_equals_world_at_every_rate(rate):
    voiced = same_as_world(vowels(0.8, rate=rate, pitch_hz=180.0, seed=4).samples.astype(np.float64), rate)
    assert (voiced > 0).mean() > 0.5


@pytest.mark.parametrize("file", ["en-f2/LJ001-0002.flac", "it-m1/agent-alreadyon.flac"])
def test_equals_world_on_real_recordings(file):
    clip = recording(file)
    assert (same_as_world(clip.samples[:48_000].astype(np.float64), clip.sample_rate_hz) > 0).any()


@pytest.mark.parametrize(
    "sound",
    [
        np.zeros(4_000),
        np.ones(1_601),
        np.random.default_rng(0).standard_normal(16_000),
        np.random.default_rng(1).standard_normal(160),
        np.sin(np.arange(12_000) * 2 * np.pi * 220 / 16_000),
        np.concatenate([np.zeros(5_000), np.random.default_rng(2).standard_normal(3_000), np.zeros(99)]),
    ],
    ids=["silence", "constant", "noise", "very short", "tone", "burst"],
)
def test_equals_world_where_there_is_no_speech(sound):
    same_as_world(0.1 * sound, 16_000)
