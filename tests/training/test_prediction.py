"""The forecast: real sizes, honest verdicts, advice that keeps its word. Presets, and plans that make no sense."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any
from unittest import mock

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from studio.engines.kokoro.spec import SPEC as KOKORO
from studio.engines.xtts.spec import SPEC as XTTS
from studio.errors import InputRefused
from studio.training import order
from studio.training.hardware import cards_in
from studio.training.machine import GpuMeter, out_of_memory
from studio.training.plan import Method, Precision, TrainingPlan
from studio.training.prediction import Load, Machine, Verdict, memory_bytes, predict, step_count
from studio.training.presets import FULL, PRESETS, QUALITY, QUICK, checked, preset_plan, presets_of
from studio.training.sizes import KOKORO as KOKORO_SIZES
from studio.training.sizes import XTTS as SIZES
from studio.training.sizes import (
    XTTS_CONDITIONING,
    XTTS_DVAE,
    XTTS_GPT,
    XTTS_VOCODER,
    bottleneck_parameters,
    lora_parameters,
)
from studio.training.slots import free, kind_for, place
from studio.training.stepping import Stepper

GB = 10**9
LAPTOP = Machine("", 2, 20 * GB, 23 * GB, 60 * GB)
H200 = Machine("NVIDIA H200", 16, 139 * GB, 141 * GB, 500 * GB)
T4 = Machine("Tesla T4", 4, 15 * GB, 16 * GB, 500 * GB)
HOUR = Load(600, 3600.0)


def test_the_counts_are_those_of_the_real_model() -> None:
    assert lora_parameters(16, True) == 7_864_320
    assert lora_parameters(16, False) == 2_949_120
    assert bottleneck_parameters(64) == 7_929_600


def test_the_figures_are_counted_on_the_real_classes_at_their_published_sizes() -> None:
    from TTS.tts.layers.xtts.dvae import DiscreteVAE
    from TTS.tts.models import xtts

    from studio.engines.xtts.finetuned import trained_parts

    gpt = published_gpt()
    vocoder = xtts.HifiDecoder(
        output_hop_length=256, ar_mel_length_compression=1024, decoder_input_dim=1024, d_vector_dim=512
    )
    dvae = DiscreteVAE(
        channels=80, normalization=None, positional_dims=1, num_tokens=1024, codebook_dim=512, hidden_dim=512,
        num_resnet_blocks=3, kernel_size=3, num_layers=2, use_transposed_convs=False,
    )  # fmt: skip
    assert [count(one.parameters()) for one in (gpt, vocoder, dvae)] == [XTTS_GPT, XTTS_VOCODER, XTTS_DVAE]
    full = SIZES.trainable(TrainingPlan("xtts", Method.FULL, "it"))
    assert count(trained_parts(gpt).values()) == full == XTTS_GPT - XTTS_CONDITIONING


def published_gpt() -> Any:
    """coqui-tts's GPT of XTTS v2, without memory for its weights."""
    from TTS.tts.models import xtts

    from tests.tiny_xtts import REAL_SIZE, _config

    vocabulary = {"[START]": 261, "[STOP]": 0, "last": 6680}
    nothing = mock.patch.object(xtts, "HifiDecoder", lambda **sizes: torch.nn.Identity())
    with torch.device("meta"), nothing:
        model = xtts.Xtts(_config(REAL_SIZE, vocabulary))
        if model.gpt is None:
            model.init_models()
    return model.gpt


def count(parameters: Iterable[torch.nn.Parameter]) -> int:
    return sum(each.numel() for each in {id(one): one for one in parameters}.values())


def test_the_embedded_engines_adapter_has_the_parameters_that_are_told() -> None:
    from studio.engines.kokoro.fitting import HALF
    from studio.engines.kokoro.voice import BIAS_SIZE

    assert KOKORO_SIZES.trainable(preset_plan(KOKORO, QUICK, "it")) == HALF + BIAS_SIZE == 37_524


def test_the_rate_that_is_shown_is_the_one_recordings_are_brought_to() -> None:
    from studio.engines.kokoro.encoders import RATE_HZ as HEARD_HZ
    from studio.engines.xtts.training_data import RATE_HZ

    assert (XTTS.training_rate_hz, KOKORO.training_rate_hz) == (RATE_HZ, HEARD_HZ)


@pytest.mark.parametrize(
    ("batch", "accumulation", "method", "key"),
    [
        (4, 2, Method.FULL, "learning.out_of_memory"),
        (3, 1, Method.LORA, "learning.out_of_memory"),
        (1, 8, Method.FULL, "learning.out_of_memory_full"),
        (1, 8, Method.LORA, "learning.out_of_memory_single"),
    ],
)
def test_advice_after_running_out_of_memory_is_something_that_can_be_done(
    batch: int, accumulation: int, method: Method, key: str
) -> None:
    told = out_of_memory(TrainingPlan("xtts", method, "it", batch_size=batch, accumulation=accumulation))
    assert told.key == key and told.text("it") and told.text("en")
    if batch > 1:
        half, more = int(str(told.facts["half"])), int(str(told.facts["more"]))
        assert 1 <= half < batch and half * more >= batch * accumulation
    else:
        assert "half" not in told.facts
    assert ("adapter instead" in told.text("en")) == (key == "learning.out_of_memory_full")


def test_how_busy_a_card_is_comes_from_the_drivers_tool_for_the_runs_own_cards(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = cards_in("A, 100, 50, 10\nB, 100, 50, 70\nC, 100, 50, 90\n")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1,2")
    meter = GpuMeter("cpu")
    assert meter.share is None
    meter.read(told)
    assert meter.share == pytest.approx(0.8)
    meter.read(())
    assert meter.share is None


@pytest.mark.parametrize(("method", "measured_gb"), [(Method.FULL, 12.2), (Method.LORA, 6.6)])
def test_counts_and_activations_together_still_give_what_was_measured(
    method: Method, measured_gb: float
) -> None:
    """One figure, the activations, was fitted to these two: the other parts have to be right for both to hold."""
    plan = TrainingPlan("xtts", method, "it", batch_size=2, longest_s=11.0)
    assert memory_bytes(plan, SIZES, H200) / GB == pytest.approx(measured_gb, rel=0.1)


def test_a_full_fine_tuning_fits_a_large_card_and_not_a_small_one() -> None:
    plan = preset_plan(XTTS, FULL, "it")
    assert predict(plan, HOUR, H200).verdict is Verdict.FITS
    small = replace(T4, memory_bytes=8 * GB)
    assert predict(plan, HOUR, small).memory is Verdict.NOT


@given(
    st.integers(1, 16), st.integers(1, 8), st.floats(4, 20), st.sampled_from(Method), st.integers(3, 40),
    st.booleans(),
)  # fmt: skip
def test_an_advice_leads_to_what_it_promises(
    batch: int, accumulation: int, longest: float, method: Method, free_gb: int, gpu: bool
) -> None:
    machine = replace(T4 if gpu else LAPTOP, memory_bytes=free_gb * GB)
    plan = TrainingPlan("xtts", method, "it", batch_size=batch, accumulation=accumulation, longest_s=longest)
    found = predict(plan, HOUR, machine)
    memory = [one for one in found.advice if "bytes" in one.facts and one.key != "free_disk"]
    assert bool(memory) == (found.memory is not Verdict.FITS)
    for one in memory:
        if one.key == "no_memory":
            continue
        changed = replace(
            plan, batch_size=int(str(one.facts["batch"])), accumulation=int(str(one.facts["accumulation"])),
            longest_s=float(str(one.facts["longest"])), precision=Precision.BF16 if gpu else plan.precision,
            method=Method.LORA if one.key == "adapter_instead" else plan.method,
        )  # fmt: skip
        assert predict(changed, HOUR, machine).memory is Verdict.FITS
        # As many sentences a step as before, or a little more where the batch was odd.
        assert changed.batch_size * changed.accumulation >= (batch * accumulation) // 2


class Point:
    """The least a Stepper takes."""

    num_processes, process_index = 1, 0
    length = 1

    def parameters(self) -> list[torch.nn.Parameter]:
        return [torch.nn.Parameter(torch.zeros(1))]

    def prepare_optimizer(self, optimizer: torch.optim.Optimizer) -> torch.optim.Optimizer:
        return optimizer


@given(
    st.integers(1, 200), st.integers(0, 60), st.integers(1, 5), st.integers(1, 8), st.integers(1, 8), st.floats(0, 1),
    st.integers(1, 3),
)  # fmt: skip
def test_steps_are_those_of_the_loop(
    clips: int, replay: int, epochs: int, batch: int, accumulation: int, share: float, processes: int
) -> None:
    """Against the loop's own Stepper and the order it takes its batches in."""
    plan = TrainingPlan(
        "xtts", Method.LORA, "it", epochs=epochs, batch_size=batch, accumulation=accumulation,
        replay_share=share, processes=processes,
    )  # fmt: skip
    sizes = order.Sizes([1] * clips, [1] * replay, batch, accumulation * processes, share, 0)
    stepper = Stepper(plan, Point(), [Point()] * (clips + replay), sizes, Point())  # type: ignore[arg-type]
    forecast = step_count(plan, Load(clips, 1.0, replay, 1.0))
    assert forecast == stepper.steps
    assert forecast == sum(len(order.epoch_steps(sizes, epoch)) for epoch in range(epochs))
    assert step_count(replace(plan, most_steps=1), Load(clips, 1.0)) == 1


def test_a_share_without_anything_to_replay_adds_no_step() -> None:
    plan = replace(preset_plan(XTTS, QUALITY, "it"), most_steps=0)
    assert plan.replay_share and step_count(plan, HOUR) == step_count(replace(plan, replay_share=0.0), HOUR)
    assert step_count(plan, replace(HOUR, replay_clips=600)) > step_count(plan, HOUR)


def test_what_trains_on_the_processor_is_forecast_for_it() -> None:
    assert kind_for(KOKORO, "cuda") == "cpu" and kind_for(XTTS, "cuda") == "cuda"
    assert kind_for(KOKORO, "cpu") == kind_for(XTTS, "cpu") == "cpu"


def test_devices_are_given_out_one_job_a_card() -> None:
    every = ("cuda:0", "cuda:1", "cuda:2", "cpu")
    assert place("cuda", 1, free(every, [])) == "cuda:0"
    assert place("cuda", 2, free(every, ["cuda:1"])) == "cuda:0,2"
    assert place("cuda", 1, free(every, ["cuda:0,2", "cpu"])) == "cuda:1"
    assert place("cuda", 2, free(every, ["cuda:0,2"])) == ""
    assert place("cpu", 1, free(every, ["cuda:0,1"])) == "cpu"
    assert place("cpu", 2, free(every, ["cpu"])) == ""


def test_a_pace_that_was_measured_here_takes_the_place_of_the_estimate() -> None:
    plan = preset_plan(XTTS, QUICK, "it")
    slow, quick = (predict(plan, HOUR, LAPTOP, pace) for pace in (0.01, 1.0))
    assert slow.measured and slow.seconds > 50 * quick.seconds / 2
    assert any(one.key == "slow_cpu" for one in slow.advice)


def test_a_full_disk_is_told_with_what_to_free() -> None:
    found = predict(preset_plan(XTTS, FULL, "it"), HOUR, replace(H200, disk_bytes=5 * GB))
    assert found.disk is Verdict.NOT and found.verdict is Verdict.NOT
    (advice,) = [one for one in found.advice if one.key == "free_disk"]
    assert int(str(advice.facts["bytes"])) > 10 * GB


def test_presets_are_the_notes_defaults_and_every_engine_takes_its_own() -> None:
    full = preset_plan(XTTS, FULL, "it")
    assert (full.method, full.batch_size, full.learning_rate) == (Method.FULL, 2, 1e-5)
    assert (full.sample_rate_hz, full.longest_s) == (22_050, 11.0)
    quick = preset_plan(XTTS, QUICK, "it")
    assert (quick.method, quick.rank, quick.adapter_size, quick.learning_rate) == (Method.LORA, 16, 64, 1e-4)
    assert presets_of(XTTS) == PRESETS and presets_of(KOKORO) == (QUICK, QUALITY)
    for spec in (XTTS, KOKORO):
        for preset in presets_of(spec):
            plan = checked(preset_plan(spec, preset, "it"), spec)
            assert TrainingPlan.from_json(plan.to_json()) == plan
    with pytest.raises(InputRefused):
        preset_plan(KOKORO, FULL, "it")


@pytest.mark.parametrize(
    "changes",
    [
        {"sample_rate_hz": 24_000}, {"processes": 0},
        {"method": Method.STYLE}, {"language": "tlh"}, {"batch_size": 0}, {"learning_rate": float("inf")},
        {"learning_rate": float("nan")}, {"rank": 10**9}, {"replay_share": -0.1}, {"seed": -1}, {"epochs": True},
    ],
)  # fmt: skip
def test_a_plan_an_engine_cannot_follow_is_refused(changes: dict[str, object]) -> None:
    plan = replace(preset_plan(XTTS, QUICK, "it"), **changes)  # type: ignore[arg-type]
    with pytest.raises(InputRefused) as refused:
        checked(plan, XTTS)
    assert refused.value.text("it") and refused.value.text("en")


def test_cards_are_read_from_the_drivers_tool_and_gaps_in_it_count_as_nothing() -> None:
    told = "NVIDIA H200, 143771, 143000, 12\nNVIDIA A10G, with a comma, 23028, [N/A], [Not Supported]\n"
    first, second = cards_in(told)
    assert (first.name, first.total_bytes, first.busy) == ("NVIDIA H200", 143771 * 2**20, 0.12)
    assert (second.name, second.free_bytes, second.busy) == ("NVIDIA A10G, with a comma", 0, 0.0)
    assert cards_in("") == ()
