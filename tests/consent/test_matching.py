"""Windows meet every stretch of a long sample, at places nobody can know; verdicts follow the bars."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.audio.clip import AudioClip
from studio.consent import matching
from studio.consent.matching import (
    MOST_SAMPLES_S,
    SAMPLE_OTHER,
    SAMPLE_SAME,
    WINDOW_S,
    match,
    places,
    verdict,
    windows,
)
from studio.errors import InputRefused
from tests.consent.ear import Ear, foreign
from tests.fakes import FakeJudges
from tests.fetched import model_file
from tests.sounds import real_speech, voice_of

RATE = 16_000


def long_speech(seconds: float) -> AudioClip:
    once = real_speech(24.0).samples
    return AudioClip(np.resize(once, int(seconds * RATE)), RATE)


def test_a_short_sample_has_no_windows_and_a_long_one_has_them_all_over() -> None:
    assert windows(real_speech(3.0), 1) == []
    found = windows(long_speech(48.0), 1)
    assert 9 <= len(found) <= 15 and all(abs(one.duration_s - WINDOW_S) < 0.01 for one in found)


def test_another_seed_looks_elsewhere_and_the_same_one_at_the_same_places() -> None:
    clip = long_speech(40.0)
    first, again, other = ([one.content_id for one in windows(clip, seed)] for seed in (1, 1, 2))
    assert first == again and not set(first) & set(other)


@given(spoken_s=st.floats(10.0, MOST_SAMPLES_S), seed=st.integers(0, 2**63 - 1), at=st.floats(0.0, 1.0))
def test_ten_seconds_of_speech_always_hold_a_whole_window(spoken_s: float, seed: int, at: float) -> None:
    begins = at * (spoken_s - 10.0)
    assert any(begins <= place <= begins + 10.0 - WINDOW_S for place in places(spoken_s, seed))


def test_one_foreign_sample_in_twenty_is_met_and_so_is_a_foreign_stretch_in_one_of_them() -> None:
    statement, plain = real_speech(6.0), [long_speech(15.0 + n / 10) for n in range(20)]
    for hidden in (foreign(plain[13], 0.0, 20.0), foreign(plain[13], 2.0, 12.0)):
        found = match(Ear(), statement, [*plain[:13], hidden, *plain[14:]], 3)
        assert [one.verdict for one in found] == ["same"] * 13 + ["other"] + ["same"] * 6


@pytest.mark.parametrize("start_s", [0.0, 297.0, 588.0])
def test_ten_foreign_seconds_inside_ten_minutes_are_met(start_s: float) -> None:
    sample = long_speech(600.0)
    mixed = foreign(sample, start_s, 12.0)  # ten of speech: pauses are not looked at
    assert float(Ear().embed(real_speech(6.0)) @ Ear().embed(mixed)) > SAMPLE_SAME, "the whole sounds right"
    (found,) = match(Ear(), real_speech(6.0), [mixed], 8)
    assert found.verdict == "other" and found.windows > 150


def test_more_than_the_windows_can_cover_is_refused_in_words() -> None:
    half = AudioClip(np.zeros(int((MOST_SAMPLES_S / 2 + 1) * RATE), np.float32), RATE)
    with pytest.raises(InputRefused, match="15 is the limit"):
        match(FakeJudges(), real_speech(6.0), [half, half], 1)


@pytest.mark.parametrize(
    ("score", "told"), [(SAMPLE_SAME, "same"), (SAMPLE_SAME - 0.01, "unsure"), (SAMPLE_OTHER - 0.01, "other")]
)
def test_the_bars_divide_same_unsure_and_other(score: float, told: str) -> None:
    assert verdict(score) == told


@pytest.mark.models
def test_a_foreign_stretch_in_a_long_sample_is_met_by_the_real_encoder() -> None:
    """Forty seconds of one person with twelve of another's in the middle: the whole passes, a window does not."""
    from studio.evaluation.speaker_encoder import SpeakerEncoder

    encoder = SpeakerEncoder(model_file("wespeaker-resnet34", "model.onnx"), 1)
    own, foreign = voice_of("it-m1", 40.0, 20.0), voice_of("nl-m1", 12.0)
    mixed = AudioClip(
        np.concatenate([own.samples[: 20 * RATE], foreign.samples, own.samples[20 * RATE :]]), RATE
    )
    statement = voice_of("it-m1", 12.0)
    (clean,) = match(encoder, statement, [own], 5)
    (found,) = match(encoder, statement, [mixed], 5)
    assert clean.verdict == "same" and clean.score >= matching.WINDOW_SAME
    assert found.verdict == "other"
