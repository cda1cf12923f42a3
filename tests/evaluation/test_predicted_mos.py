"""Predicted MOS: deterministic, hears noise, says what it is, refuses what is no speech."""

import numpy as np
import pytest

from studio.audio.clip import AudioClip
from studio.errors import AudioRefused
from studio.evaluation.predicted_mos import MosPredictor
from tests.evaluation.recordings import vowels


@pytest.fixture(scope="module")
def predictor() -> MosPredictor:
    return MosPredictor()


def test_a_voice_in_noise_scores_below_itself_and_the_score_repeats(predictor):
    clean = vowels(1.0)
    noise = np.random.default_rng(0).standard_normal(len(clean.samples)).astype(np.float32) * 0.1
    first, again = predictor.predict(clean), predictor.predict(clean)
    noisy = predictor.predict(AudioClip(clean.samples + noise, clean.sample_rate_hz))
    assert first == again and 1.0 <= noisy.value < first.value - 0.3 <= 5.0
    assert "not listeners" in first.label


@pytest.mark.parametrize(
    ("samples", "key"),
    [(np.zeros(16_000), "silent"), (np.ones(800), "too_short"), (np.full(16_000, np.inf), "not_finite")],
)
def test_what_is_no_speech_is_refused(predictor, samples, key):
    with pytest.raises(AudioRefused) as refused:
        predictor.predict(AudioClip(samples.astype(np.float32), 16_000))
    assert refused.value.key == f"evaluation.{key}"
