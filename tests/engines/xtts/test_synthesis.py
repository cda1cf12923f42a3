import contextlib
import json
import logging
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from studio.audio.clip import Samples
from studio.engines.base import EngineOptions, Utterance, VoiceState
from studio.engines.xtts import text, tokens
from studio.engines.xtts.conditioning import voice_tensors
from studio.engines.xtts.decoding import Draw, decode
from studio.engines.xtts.engine import XttsEngine
from studio.engines.xtts.precision import half_type, halve
from studio.engines.xtts.spec import XttsOptions
from studio.errors import EngineTrouble, InputRefused, TextRefused

HELLO = "ciao, come va?"
PINNED = Path(__file__).parent / "pinned_output.json"


@pytest.fixture(scope="module")
def voice(engine: XttsEngine) -> VoiceState:
    return engine.preset_voice("Alba Rossi")


def say(engine: XttsEngine, voice: VoiceState, said: str, **options: Any) -> Samples:
    return np.concatenate(chunks(engine, voice, said, **options))


def chunks(engine: XttsEngine, voice: VoiceState, said: str, **options: Any) -> list[Samples]:
    return [c.clip.samples for c in engine.synthesize([Utterance(said, "it")], voice, XttsOptions(**options))]


def drawn(model: Any, voice: VoiceState, said: str, seed: int, limit: int = 602) -> torch.Tensor:
    (piece,) = tokens.pieces(model.tokenizer, said, "it", 402)
    draw = Draw(XttsOptions(), torch.Generator().manual_seed(seed), limit)
    return torch.cat(list(decode(model.gpt, voice_tensors(model, voice)[0], piece.ids, draw)))


@pytest.mark.parametrize("seed", [0, 3])
def test_one_decode_gives_the_latents_upstream_takes_two_for(
    model: Any, voice: VoiceState, seed: int
) -> None:
    options = XttsOptions().model_dump(include={"temperature", "top_p", "top_k", "repetition_penalty"})
    torch.manual_seed(seed)
    upstream = model.inference(HELLO, "it", *voice_tensors(model, voice), **options)
    ours = drawn(model, voice, HELLO, seed)
    assert ours.shape == upstream["gpt_latents"][0].shape
    assert np.abs(ours.numpy() - upstream["gpt_latents"][0]).max() < 1e-5


def test_a_streamed_take_equals_the_take_made_whole(engine: XttsEngine, voice: VoiceState) -> None:
    whole = chunks(engine, voice, HELLO, stream_chunk_size=0)
    streamed = chunks(engine, voice, HELLO, stream_chunk_size=8)
    assert len(whole) == 1
    assert len(streamed) > 1
    assert np.abs(np.concatenate(streamed) - whole[0]).max() < 2e-6


def test_the_same_seed_gives_the_same_take_and_another_seed_another(
    engine: XttsEngine, voice: VoiceState
) -> None:
    first, again, other = (say(engine, voice, HELLO, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_take_neither_disturbs_nor_follows_the_process_random_state(
    engine: XttsEngine, voice: VoiceState
) -> None:
    torch.manual_seed(1)
    first = say(engine, voice, HELLO)
    after = torch.rand(3)
    torch.manual_seed(1)
    assert torch.equal(torch.rand(3), after)
    assert np.array_equal(say(engine, voice, HELLO), first)


def test_results_are_those_of_the_pinned_versions(engine: XttsEngine, model: Any, voice: VoiceState) -> None:
    """Fails when another torch, transformers or coqui-tts makes XTTS say something else.

    After a change that is understood and wanted, write the measured numbers into the file.
    """
    pinned = json.loads(PINNED.read_text())
    measured = measure(engine, model, voice)
    assert measured["latents"] == pinned["latents"]
    for name in ("latent", "sound", "embedding"):
        assert np.allclose(measured[name], pinned[name], atol=pinned["tolerance"]), name


def measure(engine: XttsEngine, model: Any, voice: VoiceState) -> dict[str, Any]:
    from tests.engines.xtts.conftest import recording

    latents = drawn(model, voice, HELLO, seed=0)
    sound = say(engine, voice, HELLO, seed=0)
    embedding = engine.encode_voice([recording("LJ001-0008")]).tensors["speaker_embedding"]
    return {
        "latents": len(latents),
        "latent": latents[-1, :8].tolist(),
        "sound": sound[2400:12000:1200].tolist(),
        "embedding": embedding[0, :8, 0].tolist(),
    }


def test_different_words_sound_different(engine: XttsEngine, voice: VoiceState) -> None:
    one, two = say(engine, voice, HELLO), say(engine, voice, "tutt'altra cosa, qui.")
    shortest = min(len(one), len(two))
    assert np.abs(one[:shortest] - two[:shortest]).max() > 1e-3


def test_an_utterance_does_not_depend_on_its_neighbours(engine: XttsEngine, voice: VoiceState) -> None:
    asked = [Utterance("prima cosa", "it"), Utterance(HELLO, "it"), Utterance("last thing", "en-GB")]
    made = list(engine.synthesize(asked, voice, XttsOptions()))
    assert all(a.utterance_index <= b.utterance_index for a, b in pairwise(made))
    assert {chunk.utterance_index for chunk in made} == {0, 1, 2}
    second = np.concatenate([chunk.clip.samples for chunk in made if chunk.utterance_index == 1])
    assert np.array_equal(second, say(engine, voice, HELLO))


def test_every_piece_of_a_long_text_is_spoken(
    engine: XttsEngine, voice: VoiceState, monkeypatch: pytest.MonkeyPatch
) -> None:
    fed: list[list[int]] = []

    def recorded(gpt: Any, latents: torch.Tensor, ids: list[int], draw: Draw) -> Any:
        fed.append(ids)
        yield from decode(gpt, latents, ids, draw)

    monkeypatch.setattr("studio.engines.xtts.engine.decode", recorded)
    monkeypatch.setattr("studio.engines.xtts.text._SPARE_SECONDS", -23.0)  # keep the noise short
    long = "la casa è grande e il giardino è pieno di fiori. " * 9
    say(engine, voice, long)
    read = " ".join(engine._loaded.tokenizer.decode(ids).removeprefix("[it]") for ids in fed)
    assert len(fed) == 3
    assert read == long.strip()


@contextlib.contextmanager
def stop_bias(model: Any, value: float) -> Iterator[None]:
    """Make the stop token (un)likely for a while."""
    bias, stop = model.gpt.mel_head.bias.data, model.gpt.stop_audio_token
    kept = bias[stop].item()
    bias[stop] = value
    try:
        yield
    finally:
        bias[stop] = kept


def test_babble_is_stopped_at_the_characters_own_limit_and_told(
    engine: XttsEngine,
    model: Any,
    voice: VoiceState,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with stop_bias(model, -100.0), caplog.at_level(logging.WARNING):
        spoken = say(engine, voice, "ciao")
    assert len(spoken) / 24_000 < (text.token_limit("ciao") + 1) / text.TOKENS_PER_SECOND
    assert "did not stop" in caplog.text


def test_closing_the_iterator_stops_the_decode(
    engine: XttsEngine, model: Any, voice: VoiceState, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = 0
    forward = model.gpt.gpt.forward

    def counted(**kwargs: Any) -> Any:
        nonlocal steps
        steps += 1
        return forward(**kwargs)

    monkeypatch.setattr(model.gpt.gpt, "forward", counted)
    options = XttsOptions(stream_chunk_size=8)
    take = engine.synthesize([Utterance(HELLO, "it"), Utterance(HELLO, "it")], voice, options)
    next(take)
    take.close()  # type: ignore[attr-defined]
    assert 0 < steps <= 16


@pytest.mark.parametrize("language", ["eo", "", "xx-IT"])
def test_a_language_it_does_not_speak_is_refused_before_any_sound(
    engine: XttsEngine, voice: VoiceState, language: str
) -> None:
    with pytest.raises(InputRefused) as refusal:
        engine.synthesize([Utterance("bonan tagon", language)], voice, XttsOptions())
    assert refusal.value.key == "engines.language"
    assert "hi" in refusal.value.text()


def test_an_empty_second_utterance_is_refused_before_the_first_is_spoken(
    engine: XttsEngine, voice: VoiceState
) -> None:
    with pytest.raises(TextRefused):
        engine.synthesize([Utterance(HELLO, "it"), Utterance("«»", "it")], voice, XttsOptions())


@pytest.mark.parametrize("damage", ["engine", "shape", "missing", "nan"])
def test_a_voice_of_another_engine_or_model_is_refused(
    engine: XttsEngine, voice: VoiceState, damage: str
) -> None:
    tensors = dict(voice.tensors)
    if damage == "shape":
        tensors["gpt_cond_latent"] = np.zeros((1, 32, 1024), np.float32)
    if damage == "missing":
        del tensors["speaker_embedding"]
    if damage == "nan":
        tensors["speaker_embedding"] = np.full((1, 512, 1), np.nan, np.float32)
    other = VoiceState("kokoro" if damage == "engine" else "xtts", tensors)
    with pytest.raises(InputRefused) as refusal:
        engine.synthesize([Utterance(HELLO, "it")], other, XttsOptions())
    assert refusal.value.key == "xtts.voice"


def test_options_of_every_engine_are_enough(engine: XttsEngine, voice: VoiceState) -> None:
    plain = list(engine.synthesize([Utterance(HELLO, "it")], voice, EngineOptions(seed=1)))
    assert np.array_equal(np.concatenate([c.clip.samples for c in plain]), say(engine, voice, HELLO, seed=1))


def test_half_speed_lasts_twice_as_long(engine: XttsEngine, voice: VoiceState) -> None:
    ratio = len(say(engine, voice, HELLO, speed=0.5)) / len(say(engine, voice, HELLO))
    assert 1.8 < ratio < 2.1


def test_the_decode_in_half_precision_runs_wholly_in_it_and_stays_close(
    engine: XttsEngine, voice: VoiceState
) -> None:
    from studio.engines.xtts.loading import load_model
    from tests.tiny_xtts import narrow_vocoder

    with narrow_vocoder():
        model = load_model(engine._context.model_files("xtts-v2"), "cpu")
    exact = drawn(model, voice, HELLO, seed=0, limit=1)
    halve(model.gpt, torch.bfloat16)
    half = drawn(model, voice, HELLO, seed=0, limit=1)
    assert half.dtype == torch.bfloat16
    assert (half.float() - exact).abs().max() < 0.1
    assert len(drawn(model, voice, HELLO, seed=0, limit=12)) == 12
    assert next(model.gpt.conditioning_encoder.parameters()).dtype == torch.float32
    assert next(model.hifigan_decoder.parameters()).dtype == torch.float32


def test_half_precision_is_for_cuda_alone() -> None:
    assert half_type(torch.device("cpu")) is None


def test_numbers_that_overflow_end_in_a_message_and_not_in_noise(
    engine: XttsEngine, model: Any, voice: VoiceState
) -> None:
    with stop_bias(model, float("nan")), pytest.raises(EngineTrouble) as trouble:
        say(engine, voice, HELLO)
    assert trouble.value.key == "xtts.numbers"
