"""The embedded engine learning: gradients from threads, what is kept, what is refused."""

import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from studio.audio.clip import AudioClip
from studio.engines.base import EngineContext, Utterance, VoiceState
from studio.engines.kokoro.engine import KokoroEngine
from studio.engines.kokoro.learner import KokoroLearner
from studio.engines.kokoro.spec import ENGINE_ID
from studio.engines.kokoro.spectrum import cepstra, spoken_part, unlikeness
from studio.engines.kokoro.training_data import KokoroItem
from studio.engines.kokoro.voice import BIAS_SIZE, KokoroVoice
from studio.engines.learning import LearnerWish, Preparation, TrainingClip
from studio.errors import Cancelled, EngineTrouble, InputRefused

TEXT = (
    "Printing, in the only sense with which we are at present concerned, differs from most if not from all."
)


def tone(pitch_hz: float, tilt: float, seconds: float = 1.5) -> torch.Tensor:
    t = np.arange(int(seconds * 16_000)) / 16_000
    wave = sum(np.sin(2 * np.pi * pitch_hz * k * t) / k**tilt for k in range(1, 20))
    wave = wave + 0.1 * np.random.default_rng(0).standard_normal(len(t))  # breath: no band is empty
    return torch.from_numpy((0.05 * wave * (0.6 + 0.4 * np.sin(8 * t))).astype(np.float32))


def test_the_spectrums_unlikeness_is_nothing_for_the_same_sound_and_grows_with_timbre_not_level() -> None:
    same, dull = tone(120, 1.0), tone(120, 2.0)
    recorded, spread = cepstra(same)[0][4:-4], torch.ones(24)
    assert unlikeness(same, recorded, spread) == 0
    assert unlikeness(3 * same, recorded, spread) < 1e-3
    assert unlikeness(dull, recorded, spread) > 1.0


def test_silence_before_and_after_is_no_part_of_what_was_spoken() -> None:
    sound = torch.cat([torch.zeros(8000), tone(120, 1.0), torch.zeros(8000)])
    assert abs(len(spoken_part(sound)) - 1.5 * 80) <= 6


def test_a_window_follows_from_seed_step_and_utterance_and_stays_inside() -> None:
    item = KokoroItem("utt_1", (1, 2, 3), torch.zeros(200, 24))
    places = {item.window(100, 52, 0, step) for step in range(50)}
    assert len(places) > 20 and all(
        first >= 0 and last <= 100 and last - first == 52 for first, last in places
    )
    assert item.window(100, 52, 0, 7) == item.window(100, 52, 0, 7)
    assert item.window(30, 52, 0, 7) == (0, 30)
    assert len(item.recorded(0, 52, 100)) == 106 and len(item.recorded(90, 100, 100)) == 22


def test_another_method_is_refused_before_anything_is_loaded(tmp_path: Path) -> None:
    with pytest.raises(InputRefused):
        KokoroLearner(EngineContext(lambda model_id: tmp_path, tmp_path), LearnerWish("lora", "it"))


@pytest.fixture
def learning(context: EngineContext, reference: list[AudioClip]) -> tuple[KokoroLearner, list[Any]]:
    """A learner with one utterance, as resumed from a preset: what the zero-shot fit makes is tested elsewhere."""
    learner = KokoroLearner(context, LearnerWish("style", "en", longest_s=12.0))
    told: list[Preparation] = []
    clips = [
        TrainingClip("utt_1", TEXT, "en", reference[0]),
        TrainingClip("utt_2", TEXT, "en", AudioClip(reference[0].samples[:4000], 22_050)),
        TrainingClip("utt_3", "...", "en", reference[0]),
    ]
    items = learner.prepare(clips, told.append, lambda: False)
    refused = {one.refused_id: one.reason for one in told if one.refused_id}
    assert refused == {"utt_2": "learning.too_short", "utt_3": "kokoro.nothing_to_say"}
    learner.restore(start_of(context))
    return learner, items


@pytest.mark.models
def test_a_run_stopped_while_the_voice_is_cloned_keeps_no_half_made_clone(
    context: EngineContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    learner = KokoroLearner(context, LearnerWish("style", "en"))
    preset = KokoroEngine(context).preset_voice("af_heart")
    monkeypatch.setattr(KokoroEngine, "encode_voice", lambda *given, **named: preset)
    learner._should_stop = lambda: True
    with pytest.raises(Cancelled):
        learner.speak([Utterance("Good morning.", "en")], [])
    assert learner._start is None


def start_of(context: EngineContext) -> bytes:
    state = KokoroEngine(context).preset_voice("af_heart")
    voice = KokoroVoice.of(state, ENGINE_ID)
    zeros = {
        "train.timbre": 128,
        "train.delta": BIAS_SIZE,
        "train.offset": 256,
        "train.biases": BIAS_SIZE,
        "biases": BIAS_SIZE,
    }
    tensors = {name: np.zeros(size, np.float32) for name, size in zeros.items()}
    return VoiceState(ENGINE_ID, {"style": voice.style, "offset": voice.offset, **tensors}).to_bytes()


@pytest.mark.models
@pytest.mark.slow
def test_it_comes_nearer_and_what_it_learned_is_kept_bit_for_bit(
    learning: tuple[KokoroLearner, list[Any]], context: EngineContext
) -> None:
    learner, items = learning
    with torch.no_grad():
        first = learner.loss(items, 9)
    optimizer = torch.optim.Adam(learner.parameters(), lr=2e-3)
    for step in range(3):
        optimizer.zero_grad()
        learner.loss(items, step).total.backward()
        optimizer.step()
    with torch.no_grad():
        last = learner.loss(items, 9)
    assert last.parts["similarity"] > first.parts["similarity"] + 0.02

    data, trained = learner.export(), [parameter.detach().clone() for parameter in learner.parameters()]
    learner.restore(start_of(context))
    assert not any(torch.any(parameter) for parameter in learner.parameters())
    learner.restore(data)
    assert all(torch.equal(a, b) for a, b in zip(learner.parameters(), trained, strict=True))
    with torch.no_grad():
        assert float(learner.loss(items, 9).total) == float(last.total)

    engine = KokoroEngine(context)
    voice = engine.adapt(engine.preset_voice("af_heart"), "adp_1", lambda: data)
    spoken = learner.speak([Utterance("Good morning.", "en")], [])[0]
    sounds = engine.synthesize([Utterance("Good morning.", "en")], voice, engine.spec.options())
    assert zlib.crc32(spoken.samples.tobytes()) == zlib.crc32(
        b"".join(c.clip.samples.tobytes() for c in sounds)
    )
    with pytest.raises(EngineTrouble):
        engine.adapt(voice, "adp_2", lambda: b"nonsense")
