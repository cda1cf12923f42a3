"""Cloning by fitting: it gets nearer, can be watched and stopped, and refuses what it cannot use."""

import numpy as np
import pytest

from studio.audio.clip import AudioClip
from studio.engines.base import EnrolmentProgress, VoiceState
from studio.engines.kokoro import enrolment
from studio.engines.kokoro.engine import KokoroEngine
from studio.engines.kokoro.fitting import Recipe
from studio.engines.kokoro.voice import KokoroVoice
from studio.errors import AudioRefused, Cancelled, InputRefused

pytestmark = pytest.mark.models


@pytest.fixture(scope="module", autouse=True)
def parts_kept(engine: KokoroEngine) -> object:
    """Load encoders and weights once for this file instead of once an enrolment."""
    patch = pytest.MonkeyPatch()
    parts = engine._parts("en")
    patch.setattr(engine, "_parts", lambda language: parts)
    patch.setitem(enrolment.RECIPES, "standard", Recipe(steps=6))
    yield parts
    patch.undo()


@pytest.fixture(scope="module")
def watched(engine: KokoroEngine, reference: list[AudioClip]) -> tuple[VoiceState, list[EnrolmentProgress]]:
    seen: list[EnrolmentProgress] = []
    return engine.encode_voice(reference, language="en", report=seen.append), seen


def test_a_short_fit_brings_the_voice_nearer_to_the_speaker(
    watched: tuple[VoiceState, list[EnrolmentProgress]],
) -> None:
    voice, _ = watched
    assert float(voice.facts["similarity"]) > float(voice.facts["start_similarity"]) + 0.02
    assert voice.facts["stage"] == "refine"
    assert voice.facts["steps"] == "6"
    assert float(voice.facts["strength"]) > 0


def test_progress_rises_and_the_first_usable_voice_comes_early(
    watched: tuple[VoiceState, list[EnrolmentProgress]],
) -> None:
    _, seen = watched
    fractions = [progress.fraction for progress in seen]
    assert fractions == sorted(fractions)
    assert fractions[-1] <= 1.0
    first = next(progress for progress in seen if progress.state is not None)
    assert first.stage == "blend"
    assert first.fraction <= 0.2
    assert {"embed", "blend", "refine", "check"} == {progress.stage for progress in seen}


def test_a_voice_made_twice_with_one_seed_is_the_same(
    engine: KokoroEngine, reference: list[AudioClip], watched: tuple[VoiceState, list[EnrolmentProgress]]
) -> None:
    states: list[list[VoiceState]] = []
    for _ in range(2):
        seen: list[EnrolmentProgress] = []
        engine.encode_voice(reference, language="en", report=seen.append, effort="quick", seed=3)
        states.append([progress.state for progress in seen if progress.state is not None])
    first, again = (KokoroVoice.of(found[0], "kokoro") for found in states)
    assert np.allclose(first.style_for(30), again.style_for(30), atol=1e-5)
    started = next(progress.state for progress in watched[1] if progress.state is not None)
    assert np.allclose(first.style_for(30), KokoroVoice.of(started, "kokoro").style_for(30), atol=1e-5)


def test_cancelling_before_there_is_a_voice_raises(engine: KokoroEngine, reference: list[AudioClip]) -> None:
    with pytest.raises(Cancelled):
        engine.encode_voice(reference, language="en", should_stop=lambda: True)


def test_cancelling_while_refining_returns_the_best_voice_so_far(
    engine: KokoroEngine, reference: list[AudioClip]
) -> None:
    seen: list[EnrolmentProgress] = []
    voice = engine.encode_voice(
        reference,
        language="en",
        report=seen.append,
        should_stop=lambda: sum(progress.stage == "refine" for progress in seen) >= 2,
    )
    assert voice.facts["stage"] == "stopped"
    assert voice.facts["steps"] == "2"
    assert KokoroVoice.of(voice, "kokoro").style.shape == (510, 256)


def test_too_little_speech_and_no_voice_are_refused(engine: KokoroEngine, reference: list[AudioClip]) -> None:
    short = AudioClip(reference[0].samples[:22_050], reference[0].sample_rate_hz)
    noise = AudioClip(np.random.default_rng(0).normal(scale=0.1, size=160_000).astype(np.float32), 16_000)
    silence = AudioClip(np.zeros(160_000, np.float32), 16_000)
    for clips, key in (
        ([], "kokoro.reference_short"),
        ([short], "kokoro.reference_short"),
        ([silence], "kokoro.reference_short"),
        ([noise], "kokoro.reference_unvoiced"),
    ):
        with pytest.raises(AudioRefused) as refusal:
            engine.encode_voice(clips)
        assert refusal.value.key == key


def test_an_unknown_effort_is_refused_with_the_known_ones(
    engine: KokoroEngine, reference: list[AudioClip]
) -> None:
    with pytest.raises(InputRefused, match="thorough"):
        engine.encode_voice(reference, effort="heroic")  # type: ignore[arg-type]
