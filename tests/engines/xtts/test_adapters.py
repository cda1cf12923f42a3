"""Adapters in a loaded engine: counted, switched exactly, merged, and at home in the notes' own call."""

from pathlib import Path
from typing import Any

import pytest
import torch

from studio.engines.base import EngineContext, Utterance, VoiceState
from studio.engines.weights import metadata_of, with_metadata
from studio.engines.xtts.adapters import Adapters, Shape
from studio.engines.xtts.engine import XttsEngine
from studio.engines.xtts.loading import load_model
from studio.engines.xtts.merging import write_merged
from studio.engines.xtts.spec import XttsOptions
from studio.errors import EngineTrouble, InputRefused, ModelBroken
from tests.engines.xtts.test_learner import CLIPS, fit, learner_of, told
from tests.tiny_xtts import narrow_vocoder

TEXTS = [Utterance("ciao a tutti", "it")]


@pytest.fixture(scope="module")
def trained(checkpoint: Path) -> dict[str, bytes]:
    """Two LoRAs, a bottleneck and a full fine-tuning, each trained a little."""
    made = {}
    for name, method, seed in (
        ("one", "lora", 1),
        ("two", "lora", 2),
        ("neck", "bottleneck", 3),
        ("full", "full", 4),
    ):
        learner = learner_of(checkpoint, method, seed=seed)
        items, _ = told(learner, CLIPS)
        fit(learner, items[seed % 3 : seed % 3 + 1], 8, 1e-3 if method == "full" else 2e-2)
        made[name] = learner.export()
    return made


@pytest.fixture
def engine(checkpoint: Path) -> XttsEngine:
    with narrow_vocoder():
        engine = XttsEngine(EngineContext(lambda model_id: checkpoint, checkpoint))
        engine.adapters  # noqa: B018  loads
    return engine


def sound(engine: XttsEngine, voice: VoiceState) -> str:
    chunks = engine.synthesize(TEXTS, voice, XttsOptions(stream_chunk_size=0))
    return "".join(chunk.clip.content_id for chunk in chunks)


def merged_folder(source: Path, data: bytes, target: Path) -> Path:
    target.mkdir()
    write_merged(source, data, {"step": 3}, lambda name: (target / name).open("wb"))
    return target


def logits(gpt: Any) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(2, 9, gpt.model_dim, generator=generator)
    with torch.no_grad():
        found: torch.Tensor = gpt.mel_head(
            gpt.final_norm(gpt.eval().gpt(inputs_embeds=inputs).last_hidden_state)
        )
    return found


def test_adapters_and_base_are_switched_exactly_without_reloading(
    engine: XttsEngine, trained: dict[str, bytes]
) -> None:
    base = engine.preset_voice("Alba Rossi")
    reads: list[str] = []

    def read(name: str) -> bytes:
        reads.append(name)
        return trained[name]

    first = {"": sound(engine, base)}
    for name in trained:
        first[name] = sound(engine, engine.adapt(base, name, lambda name=name: read(name)))
    assert len(set(first.values())) == len(first)
    for name in ("two", "", "full", "neck", "one", "", "full", "two"):
        voice = engine.adapt(base, name, lambda name=name: read(name)) if name else base
        assert sound(engine, voice) == first[name], name
    assert reads == list(trained)


def test_two_voices_in_turn_each_keep_their_own_adapter(
    engine: XttsEngine, trained: dict[str, bytes]
) -> None:
    base = engine.preset_voice("Alba Rossi")
    voices = [base, *(engine.adapt(base, name, lambda name=name: trained[name]) for name in ("one", "full"))]
    alone = [sound(engine, voice) for voice in voices]
    waiting = [engine.synthesize(TEXTS, voice, XttsOptions(stream_chunk_size=0)) for voice in voices]
    assert ["".join(chunk.clip.content_id for chunk in chunks) for chunks in waiting] == alone


def test_an_adapted_voice_is_another_voice_to_every_cache(
    engine: XttsEngine, trained: dict[str, bytes]
) -> None:
    base = engine.preset_voice("Alba Rossi")
    adapted = engine.adapt(base, "one", lambda: trained["one"])
    assert adapted.content_id != base.content_id
    assert VoiceState.from_bytes(adapted.to_bytes()).facts["adapter"] == "one"


def test_an_adapter_that_is_gone_is_told(engine: XttsEngine, trained: dict[str, bytes]) -> None:
    voice = engine.adapt(engine.preset_voice("Alba Rossi"), "one", lambda: trained["one"])
    engine._tunings.adapters.remove("one")  # type: ignore[union-attr]
    with pytest.raises(EngineTrouble):
        engine.synthesize(TEXTS, voice, XttsOptions())


def test_many_adapters_do_not_fill_the_memory(engine: XttsEngine, trained: dict[str, bytes]) -> None:
    base = engine.preset_voice("Alba Rossi")
    for number in range(12):
        engine.adapt(base, f"adp_{number}", lambda: trained["one"])
    assert len(engine.adapters.names()) == 8
    assert engine.adapters.names()[-1] == "adp_11"


@pytest.mark.parametrize("name", ["one", "full"])
def test_merged_weights_speak_as_the_adapter_does(
    checkpoint: Path, engine: XttsEngine, trained: dict[str, bytes], tmp_path: Path, name: str
) -> None:
    folder = merged_folder(checkpoint, trained[name], tmp_path / "merged")
    assert {"config.json", "model.pth", "vocab.json", "card.json"} <= {path.name for path in folder.iterdir()}
    with narrow_vocoder():
        merged = load_model(folder, "cpu")
    gpt = engine._model().gpt
    plain = logits(gpt)
    engine.adapt(engine.preset_voice("Alba Rossi"), name, lambda: trained[name])
    engine._tunings.use(name)  # type: ignore[union-attr]
    adapted = logits(gpt)
    assert (adapted - plain).abs().max() > 1e-2
    assert (logits(merged.gpt) - adapted).abs().max() <= 1e-5


def test_a_bottleneck_is_not_merged(checkpoint: Path, trained: dict[str, bytes], tmp_path: Path) -> None:
    with pytest.raises(InputRefused):
        merged_folder(checkpoint, trained["neck"], tmp_path / "merged")


def test_an_adapter_of_another_model_is_refused_and_leaves_no_trace(
    engine: XttsEngine, trained: dict[str, bytes]
) -> None:
    before = logits(engine._model().gpt)
    for wrong in (b"PK\x03\x04", trained["one"][:200], with_metadata(trained["one"], {"engine": "kokoro"})):
        with pytest.raises(ModelBroken):
            engine.adapt(engine.preset_voice("Alba Rossi"), "wrong", lambda wrong=wrong: wrong)
    assert engine.adapters.names() == ()
    assert torch.equal(logits(engine._model().gpt), before)


def test_a_card_travels_in_the_header_and_changes_no_weight(
    engine: XttsEngine, trained: dict[str, bytes]
) -> None:
    carded = with_metadata(trained["one"], {"card": '{"dataset_hash": "d"}'})
    assert metadata_of(carded)["card"] == '{"dataset_hash": "d"}'
    base = engine.preset_voice("Alba Rossi")
    plain = sound(engine, engine.adapt(base, "plain", lambda: trained["one"]))
    assert sound(engine, engine.adapt(base, "carded", lambda: carded)) == plain


def test_the_notes_own_call_adds_an_adapter_to_the_frozen_model(engine: XttsEngine) -> None:
    before = logits(engine._model().gpt)
    assert engine.add_adapter("italian_adapter", adapter_size=64) == 2 * 2 * (64 * 64 * 2 + 64 + 64)
    engine.adapters.trainable("italian_adapter")
    training = {name for name, p in engine._model().named_parameters() if p.requires_grad}
    assert not any(name.startswith("gpt.gpt.") for name in training)
    assert torch.equal(logits(engine._model().gpt), before)


@pytest.mark.parametrize(
    ("shape", "count"),
    [
        (Shape("lora", rank=16), 7_864_320),
        (Shape("lora", rank=8), 3_932_160),
        (Shape("lora", rank=16, mlp=False), 2_949_120),
        (Shape("bottleneck", size=64), 7_929_600),
    ],
)
def test_parameters_at_the_published_size(shape: Shape, count: int) -> None:
    from transformers import GPT2Config, GPT2Model

    with torch.device("meta"):
        gpt2 = GPT2Model(GPT2Config(n_embd=1024, n_layer=30, n_head=16, vocab_size=1))
        adapters = Adapters(gpt2)
        adapters.add("a", shape)
    assert sum(parameter.numel() for parameter in adapters.trainable("a")) == count
    assert sum(p.numel() for p in gpt2.parameters() if p.requires_grad) == (
        count if shape.kind == "lora" else 0
    )
