"""Cloning by fitting: it gets nearer, can be watched and stopped, and refuses what it cannot use."""

from dataclasses import replace

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
    """Load encoders and weights once for this file, and fit on two sentences: the same code, in seconds."""
    patch = pytest.MonkeyPatch()
    whole = engine._parts("en")
    guard = replace(whole.guard, ids=whole.guard.ids[:1])
    parts = replace(whole, sentences=whole.sentences[:2], guard=guard)
    patch.setattr(engine, "_parts", lambda language: parts)
    patch.setitem(enrolment.RECIPES, "standard", Recipe(steps=4, pitch_rounds=1))
    patch.setitem(enrolment.RECIPES, "quick", Recipe(steps=0, pitch_rounds=1))
    patch.setattr(enrolment, "STRENGTHS", (1.0,))
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
    assert voice.facts["steps"] == "4"
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


def test_a_voice_learned_twice_starts_the_same(
    engine: KokoroEngine, reference: list[AudioClip], watched: tuple[VoiceState, list[EnrolmentProgress]]
) -> None:
    again: list[EnrolmentProgress] = []
    engine.encode_voice(reference, language="en", report=again.append, effort="quick")
    styles = []
    for seen in (again, watched[1]):
        state = next(progress.state for progress in seen if progress.state is not None)
        styles.append(KokoroVoice.of(state, "kokoro").style_for(30))
    assert np.allclose(*styles, atol=1e-6)


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
        should_stop=lambda: sum(progress.stage == "refine" for progress in seen) >= 1,
    )
    assert voice.facts["stage"] == "stopped"
    assert voice.facts["steps"] == "1"
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


def test_a_fit_is_the_same_whatever_the_number_of_threads(
    engine: KokoroEngine, watched: tuple[VoiceState, list[EnrolmentProgress]]
) -> None:
    from studio.engines.kokoro.fitting import Task, refine

    parts = engine._parts("en")
    start = KokoroVoice.of(next(p.state for p in watched[1] if p.state is not None), "kokoro")
    target = _target()
    found = []
    for workers in (1, 2):
        task = Task(start, parts.sentences, target, Recipe(steps=1), 5, workers)
        (progress,) = refine(parts.fit, task, lambda: False)
        found.append(progress.voice)
    assert np.array_equal(found[0].biases, found[1].biases)
    assert np.array_equal(found[0].offset, found[1].offset)


def _target() -> object:
    """Any target will do here."""
    import torch

    from studio.engines.kokoro.reference import Target

    generator = torch.Generator().manual_seed(0)
    vectors = [torch.nn.functional.normalize(torch.randn(192, generator=generator), dim=0) for _ in range(2)]
    return Target(vectors, 5.0, 0.2, False, 10.0)
