"""XTTS learning, on a tiny model of the real classes: what trains, what stays, and what the loss is."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from studio.audio.clip import AudioClip
from studio.engines.base import EngineContext, Utterance
from studio.engines.learning import LearnerWish, Preparation, TrainingClip
from studio.engines.xtts.gpt_loss import collate, gpt_logits, gpt_losses
from studio.engines.xtts.learner import XttsLearner
from studio.engines.xtts.training_data import CODE_STRIDE, RATE_HZ, XttsItem
from studio.errors import InputRefused, ModelBroken, ModelMissing
from tests.engines.xtts.conftest import recording
from tests.tiny_xtts import narrow_vocoder

METHODS = ("lora", "bottleneck", "full")


def learner_of(checkpoint: Path, method: str = "lora", **wish: Any) -> XttsLearner:
    with narrow_vocoder():
        context = EngineContext(lambda model_id: checkpoint, checkpoint, threads=1)
        return XttsLearner(context, LearnerWish(method, "it", **wish))


def clip(number: int, seconds: float, text: str = "ciao a tutti") -> TrainingClip:
    generator = np.random.default_rng(number)
    tones = sum(np.sin(np.arange(int(seconds * RATE_HZ)) * f) for f in generator.uniform(0.02, 0.6, 5))
    return TrainingClip(f"utt_{number}", text, "it", AudioClip((0.1 * tones).astype(np.float32), RATE_HZ))


CLIPS = (
    clip(1, 2.0, "ciao a tutti quanti"),
    clip(2, 3.1, "la casa è grande, molto grande"),
    clip(3, 7.3, "quattro gatti"),
)


def told(learner: XttsLearner, clips: tuple[TrainingClip, ...]) -> tuple[list[XttsItem], list[Preparation]]:
    reports: list[Preparation] = []
    items = learner.prepare(clips, reports.append, lambda: False)
    return items, reports


@pytest.fixture(scope="module")
def lora(checkpoint: Path) -> XttsLearner:
    return learner_of(checkpoint)


def base_of(learner: XttsLearner) -> dict[str, torch.Tensor]:
    return {
        name.replace(".base_layer.", "."): tensor.clone()
        for name, tensor in learner._model.state_dict().items()
        if ".lora_" not in name
    }


def fit(learner: XttsLearner, items: list[XttsItem], steps: int, rate: float) -> list[float]:
    optimizer = torch.optim.Adam(learner.parameters(), lr=rate)
    losses = []
    for step in range(steps):
        torch.manual_seed(step)
        optimizer.zero_grad()
        loss = learner.loss(items, step).total
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    return losses


@pytest.mark.parametrize("method", METHODS)
def test_one_batch_is_learned_by_heart_and_the_base_does_not_move(checkpoint: Path, method: str) -> None:
    learner = learner_of(checkpoint, method)
    items, _ = told(learner, CLIPS)
    trained = {id(parameter) for parameter in learner.parameters()}
    before = base_of(learner)
    losses = fit(learner, items, 60, 3e-3 if method == "full" else 2e-2)
    assert np.mean(losses[-5:]) < losses[0] / 2
    with_gradient = {id(p) for p in learner._model.parameters() if p.grad is not None}
    assert with_gradient <= trained
    after = base_of(learner)
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    if method == "full":
        assert moved and all(name.startswith("gpt.") for name in moved)
        assert not any("conditioning" in name for name in moved)
    else:
        assert not moved


@pytest.mark.parametrize("method", ["lora", "bottleneck"])
def test_an_adapter_changes_nothing_at_first(checkpoint: Path, method: str) -> None:
    learner = learner_of(checkpoint, method)
    items, _ = told(learner, CLIPS)
    with torch.no_grad():
        fresh = learner.loss(items, 0).total
        learner._adapters.use("")
        assert torch.equal(fresh, learner.loss(items, 0).total)


@pytest.mark.parametrize("method", METHODS)
def test_what_was_trained_is_saved_and_read_bit_for_bit(checkpoint: Path, method: str) -> None:
    learner, other = learner_of(checkpoint, method), learner_of(checkpoint, method, seed=5)
    items, _ = told(learner, CLIPS)
    fit(learner, items, 3, 1e-3)
    data = learner.export()
    other.restore(data)
    assert all(torch.equal(a, b) for a, b in zip(learner.parameters(), other.parameters(), strict=True))
    with torch.no_grad():
        assert torch.equal(learner.loss(items, 0).total, other.loss(items, 0).total)


def test_weights_of_another_size_or_kind_are_refused(checkpoint: Path, lora: XttsLearner) -> None:
    small = learner_of(checkpoint, rank=4)
    for wrong in (small.export(), learner_of(checkpoint, "bottleneck").export(), b"nonsense"):
        with pytest.raises(ModelBroken):
            learner_of(checkpoint).restore(wrong)


def upstream_loss(gpt: Any, items: list[XttsItem]) -> list[torch.Tensor]:
    """coqui-tts's own forward, with nothing masked: there it is right."""
    latents = torch.stack([item.latents for item in items])
    lengths = torch.tensor([len(item.codes) * CODE_STRIDE for item in items])
    text, codes = (
        torch.nn.utils.rnn.pad_sequence([getattr(item, name) for item in items], batch_first=True)
        for name in ("text", "codes")
    )
    text_lengths = torch.tensor([len(item.text) for item in items])
    mels = torch.zeros(len(items), 1, 80, 5)
    found = gpt(text, text_lengths, codes, lengths, cond_mels=mels, cond_latents=latents)
    return [found[0], found[1]]


@pytest.mark.parametrize("count", [1, 3])
def test_the_loss_is_upstreams(lora: XttsLearner, count: int) -> None:
    items, _ = told(lora, CLIPS)
    bare = [XttsItem(i.id, i.text, i.codes, i.latents, (0, 0)) for i in items[:count]]
    gpt = lora._gpt.eval()
    with torch.no_grad():
        ours = gpt_losses(gpt, collate(gpt, bare, "cpu"))
        theirs = upstream_loss(gpt, bare)
    assert torch.allclose(torch.stack(ours), torch.stack(theirs), atol=1e-6)


def test_the_codes_are_those_of_upstreams_trainer(lora: XttsLearner, checkpoint: Path) -> None:
    from TTS.tts.layers.tortoise.arch_utils import TorchMelSpectrogram

    (item,), _ = told(lora, CLIPS[:1])
    mels = TorchMelSpectrogram(mel_norm_file=str(checkpoint / "mel_stats.pth"), sampling_rate=RATE_HZ)
    wave = torch.tensor(CLIPS[0].clip.samples)[None, None]
    codes = lora._preparer._dvae.get_codebook_indices(mels(wave))[0]
    assert torch.equal(item.codes, codes[: len(item.codes)])
    assert len(item.codes) == -(-wave.shape[-1] // CODE_STRIDE)
    assert len(set(item.codes.tolist())) > 5


def test_every_rows_prompt_is_left_out_of_its_own_loss(lora: XttsLearner) -> None:
    items, _ = told(lora, CLIPS)
    batch = collate(lora._gpt, items, "cpu")
    for item, targets in zip(items, batch.code_targets.split(batch.code_lengths), strict=True):
        ignored = targets == -1
        first, last = item.prompt
        assert ignored.nonzero()[:, 0].tolist() == list(range(first, min(last, len(item.codes))))
        assert 0 < ignored.sum() < len(item.codes)


def test_a_rows_loss_does_not_depend_on_its_neighbours(lora: XttsLearner) -> None:
    items, _ = told(lora, CLIPS)
    gpt = lora._gpt.eval()
    with torch.no_grad():
        alone = gpt_logits(gpt, collate(gpt, items[:1], "cpu"))
        together = gpt_logits(gpt, collate(gpt, items, "cpu"))
    for one, all_of_them in zip(alone, together, strict=True):
        assert torch.allclose(one, all_of_them[: len(one)], atol=1e-5)
    assert len({len(item.codes) for item in items}) > 1  # or nothing would have been padded before


def test_a_step_leaves_the_attention_that_speaks_as_it_was(lora: XttsLearner) -> None:
    items, _ = told(lora, CLIPS[:1])
    before = lora._gpt.gpt.config._attn_implementation
    lora.loss(items, 0)
    assert lora._gpt.gpt.config._attn_implementation == before


def test_what_cannot_be_learned_is_told_with_its_reason_and_never_replaced(lora: XttsLearner) -> None:
    wrong = (
        clip(10, 12.0),
        clip(11, 0.2),
        clip(12, 2.0, "ciao " * 150),
        clip(13, 2.0, "привет мир"),
        TrainingClip("utt_14", "ciao", "it", AudioClip(np.zeros(RATE_HZ * 2, np.float32), RATE_HZ)),
    )
    items, reports = told(lora, (CLIPS[0], *wrong, CLIPS[1]))
    assert [item.id for item in items] == ["utt_1", "utt_2"]
    assert {r.refused_id: r.reason for r in reports if r.refused_id} == {
        "utt_10": "learning.too_long",
        "utt_11": "learning.too_short",
        "utt_12": "learning.text_long",
        "utt_13": "learning.text_unreadable",
        "utt_14": "learning.silent",
    }


def test_samples_are_spoken_with_what_was_trained_and_draw_nothing_from_the_loops_generator(
    checkpoint: Path,
) -> None:
    learner = learner_of(checkpoint)
    items, _ = told(learner, CLIPS)
    texts, reference = [Utterance("ciao", "it")], [TrainingClip("r", "", "it", recording("LJ001-0008"))]
    torch.manual_seed(3)
    state = torch.get_rng_state()
    before = learner.speak(texts, reference)
    assert torch.equal(torch.get_rng_state(), state)
    assert before[0].content_id == learner.speak(texts, reference)[0].content_id
    fit(learner, items, 20, 2e-2)
    assert learner.speak(texts, reference)[0].content_id != before[0].content_id


def test_without_the_training_files_it_says_which_is_missing(checkpoint: Path, tmp_path: Path) -> None:
    for path in checkpoint.iterdir():
        if path.name != "dvae.pth":
            (tmp_path / path.name).symlink_to(path)
    with pytest.raises(ModelMissing) as caught:
        learner_of(tmp_path)
    assert "dvae.pth" in str(caught.value)


def test_an_unknown_method_is_refused(checkpoint: Path) -> None:
    with pytest.raises(InputRefused):
        learner_of(checkpoint, "style")
