"""Windows meet every stretch of a long sample, at places nobody can know; verdicts follow the bars."""

import numpy as np
import pytest

from studio.audio.clip import AudioClip
from studio.consent import matching
from studio.consent.matching import MOST_WINDOWS, SAMPLE_OTHER, SAMPLE_SAME, WINDOW_S, match, verdict, windows
from tests.fakes import FakeJudges
from tests.sounds import real_speech, voice_of

RATE = 16_000


def long_speech(seconds: float) -> AudioClip:
    once = real_speech(24.0).samples
    return AudioClip(np.resize(once, int(seconds * RATE)), RATE)


def test_a_short_sample_has_no_windows_and_a_long_one_has_them_all_over() -> None:
    assert windows(real_speech(3.0), 1) == []
    found = windows(long_speech(48.0), 1)
    assert 5 <= len(found) <= 8 and all(abs(one.duration_s - WINDOW_S) < 0.01 for one in found)


def test_another_seed_looks_elsewhere_and_the_same_one_at_the_same_places() -> None:
    clip = long_speech(40.0)
    first, again, other = ([one.content_id for one in windows(clip, seed)] for seed in (1, 1, 2))
    assert first == again and not set(first) & set(other)


def test_many_samples_share_the_windows() -> None:
    judges = FakeJudges()
    clips = [AudioClip(long_speech(16.0 + n / 10).samples, RATE) for n in range(20)]
    found = match(judges, real_speech(6.0), clips, 3)
    assert len(found) == 20 and sum(one.windows for one in found) <= MOST_WINDOWS
    assert all(one.windows >= 1 for one in found)


@pytest.mark.parametrize(
    ("score", "told"), [(SAMPLE_SAME, "same"), (SAMPLE_SAME - 0.01, "unsure"), (SAMPLE_OTHER - 0.01, "other")]
)
def test_the_bars_divide_same_unsure_and_other(score: float, told: str) -> None:
    assert verdict(score) == told


@pytest.mark.models
def test_a_foreign_stretch_in_a_long_sample_is_met_by_the_real_encoder() -> None:
    """Forty seconds of one person with twelve of another's in the middle: the whole passes, a window does not."""
    from studio.evaluation.speaker_encoder import SpeakerEncoder
    from tests.conftest import STORAGE_MODELS

    model = STORAGE_MODELS / "wespeaker-resnet34" / "model.onnx"
    if not model.is_file():
        pytest.skip("the encoder's model is not here")
    encoder = SpeakerEncoder(model, 1)
    own, foreign = voice_of("it-m1", 40.0, 20.0), voice_of("nl-m1", 12.0)
    mixed = AudioClip(
        np.concatenate([own.samples[: 20 * RATE], foreign.samples, own.samples[20 * RATE :]]), RATE
    )
    statement = voice_of("it-m1", 12.0)
    (clean,) = match(encoder, statement, [own], 5)
    (found,) = match(encoder, statement, [mixed], 5)
    assert clean.verdict == "same" and clean.score >= matching.WINDOW_SAME
    assert found.verdict == "other"
