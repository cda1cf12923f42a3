"""The forecast: real sizes, honest verdicts, advice that keeps its word. Presets, and plans that make no sense."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.engines.kokoro.spec import SPEC as KOKORO
from studio.engines.xtts.spec import SPEC as XTTS
from studio.errors import InputRefused
from studio.training.hardware import cards_in
from studio.training.plan import Method, Precision, TrainingPlan
from studio.training.prediction import Load, Machine, Verdict, memory_bytes, predict, step_count
from studio.training.presets import FULL, PRESETS, QUALITY, QUICK, checked, preset_plan, presets_of
from studio.training.sizes import XTTS as SIZES
from studio.training.sizes import bottleneck_parameters, lora_parameters

GB = 10**9
LAPTOP = Machine("", 2, 20 * GB, 23 * GB, 60 * GB)
H200 = Machine("NVIDIA H200", 16, 139 * GB, 141 * GB, 500 * GB)
T4 = Machine("Tesla T4", 4, 15 * GB, 16 * GB, 500 * GB)
HOUR = Load(600, 3600.0)


def test_the_counts_are_those_of_the_real_model() -> None:
    assert lora_parameters(16, True) == 7_864_320
    assert lora_parameters(16, False) == 2_949_120
    assert bottleneck_parameters(64) == 7_929_600


@pytest.mark.parametrize(("method", "measured_gb"), [(Method.FULL, 12.2), (Method.LORA, 6.6)])
def test_memory_is_within_a_tenth_of_what_was_measured(method: Method, measured_gb: float) -> None:
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


@given(st.integers(1, 500), st.integers(1, 50), st.integers(1, 8), st.integers(1, 8), st.floats(0, 1))
def test_steps_are_those_of_the_loop(
    clips: int, epochs: int, batch: int, accumulation: int, replay: float
) -> None:
    plan = TrainingPlan(
        "xtts",
        Method.LORA,
        "it",
        epochs=epochs,
        batch_size=batch,
        accumulation=accumulation,
        replay_share=replay,
    )
    steps = step_count(plan, Load(clips, 1.0))
    assert steps >= epochs and steps * batch * accumulation >= epochs * clips
    assert step_count(replace(plan, most_steps=1), Load(clips, 1.0)) == 1


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
