"""What a plan will take, before it starts: memory, time and disk, a verdict, and what to change. Pure."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from studio.training import order
from studio.training.plan import Method, Precision, TrainingPlan
from studio.training.sizes import GIGA, Sizes, sizes_of

COMFORTABLE = 0.85  # of what is free: above it, it is tight
HALF_ACTIVATIONS = 0.6  # half precision halves activations but not what stays in single precision
JUDGES_BYTES = int(1.3 * GIGA)  # recogniser, speaker encoder and MOS predictor, which score the checkpoints
SAMPLES, SAMPLE_S, JUDGING_S = 6, 5.0, 2.0  # sentences spoken at each checkpoint, their length, their scoring
KEPT_CHECKPOINTS = 4  # the last two, the best, and the one being written
FLAC_BYTES_PER_S = 30_000
LONG_S = 48 * 3600.0
LEAST_TRAIN_S = 60.0
# Sustained FLOP/s in training (single precision, half precision) by a part of the card's name.
CARDS: tuple[tuple[str, float, float], ...] = (
    ("H200", 40e12, 300e12), ("H100", 40e12, 280e12), ("A100", 15e12, 130e12), ("L40", 35e12, 120e12),
    ("4090", 40e12, 120e12), ("3090", 18e12, 55e12), ("A10", 15e12, 55e12), ("L4", 12e12, 45e12),
    ("T4", 4e12, 18e12),
)  # fmt: skip
OTHER_CARD = (6e12, 20e12)
CORE_FLOPS = 25e9  # one CPU core, single precision


class Verdict(StrEnum):
    FITS = "fits"
    TIGHT = "tight"
    NOT = "not"


@dataclass(frozen=True)
class Machine:
    """What training can have here; bytes free now. `gpu` is the card's name, "" without one."""

    gpu: str
    cores: int
    memory_bytes: int  # free on the card, or RAM where there is none
    memory_total: int
    disk_bytes: int

    @property
    def device(self) -> str:
        return "cuda" if self.gpu else "cpu"


@dataclass(frozen=True)
class Load:
    """What is trained on: kept utterances and their seconds, and those of other languages that take turns."""

    clips: int
    seconds: float
    replay_clips: int = 0
    replay_s: float = 0.0


@dataclass(frozen=True)
class Advice:
    """Something to change: a text key with its facts."""

    key: str
    facts: Mapping[str, object]


@dataclass(frozen=True)
class Prediction:
    """`measured` says that the time comes from a run on this machine, not from the model's size alone."""

    steps: int
    trained: int  # parameters
    memory_bytes: int
    memory_free: int
    disk_bytes: int
    disk_free: int
    seconds: float
    measured: bool
    memory: Verdict
    disk: Verdict
    advice: tuple[Advice, ...]

    @property
    def verdict(self) -> Verdict:
        both = (self.memory, self.disk)
        return next(v for v in (Verdict.NOT, Verdict.TIGHT, Verdict.FITS) if v in both)


def predict(plan: TrainingPlan, load: Load, machine: Machine, pace: float | None = None) -> Prediction:
    """`pace`: clips a second of the last run of this kind on this machine, where there was one."""
    sizes = sizes_of(plan.engine_id)
    memory, disk = memory_bytes(plan, sizes, machine), disk_bytes(plan, sizes, load)
    fits = _verdict(memory, machine.memory_bytes), _verdict(disk, machine.disk_bytes)
    seconds = training_seconds(plan, sizes, load, machine, pace)
    advice = [
        *_less_memory(plan, sizes, machine, fits[0]), *_less_disk(disk, machine, fits[1]),
        *_less_time(plan, seconds, machine), *_more_data(plan, load),
    ]  # fmt: skip
    return Prediction(
        step_count(plan, load), sizes.trainable(plan), memory, machine.memory_bytes, disk, machine.disk_bytes, seconds,
        pace is not None, *fits, tuple(advice),
    )  # fmt: skip


def step_count(plan: TrainingPlan, load: Load) -> int:
    """The steps the loop will take, cut as it cuts them, if the engine refuses no utterance."""
    return order.steps_of(plan, _cut(plan, load))


def _cut(plan: TrainingPlan, load: Load) -> order.Sizes:
    return order.Sizes(
        range(load.clips), range(load.replay_clips), plan.batch_size, plan.accumulation * plan.processes,
        plan.replay_share, plan.seed,
    )  # fmt: skip


def memory_bytes(plan: TrainingPlan, sizes: Sizes, machine: Machine) -> int:
    """Weights, gradients and Adam's moments (4 bytes each), and activations of one batch at its longest."""
    trained = sizes.trainable(plan)
    frozen = sizes.frozen - (trained if plan.method is Method.FULL else 0)
    held = 4 * max(0, frozen) + 16 * trained
    activations = sizes.activation_bytes_per_s * plan.batch_size * plan.longest_s
    if plan.precision is not Precision.FP32:
        activations *= HALF_ACTIVATIONS
    # On a card the judges stay in the machine's own memory.
    beside = int(0.3 * GIGA) if machine.gpu else sizes.base_bytes + JUDGES_BYTES
    # Processes have a card each, but share the machine's memory.
    return (int(held + activations) + beside) * (1 if machine.gpu else plan.processes)


def disk_bytes(plan: TrainingPlan, sizes: Sizes, load: Load) -> int:
    """The sealed copy of the recordings, the checkpoints that are kept, and the adapter in the vault."""
    weights = 4 * sizes.trainable(plan)
    return (
        int((load.seconds + load.replay_s) * FLAC_BYTES_PER_S)
        + KEPT_CHECKPOINTS * 3 * weights
        + weights
        + 50_000_000
    )


def training_seconds(
    plan: TrainingPlan, sizes: Sizes, load: Load, machine: Machine, pace: float | None
) -> float:
    """Steps, and at every checkpoint the samples, spoken and scored."""
    steps, cut = step_count(plan, load), _cut(plan, load)
    clips = steps / max(1, cut.steps_an_epoch) * (load.clips + cut.replayed)
    if pace:
        training = clips / pace
    else:
        per_clip = sizes.flops_per_s * load.seconds / max(1, load.clips) + sizes.flops_per_clip
        passes = 3 if plan.method is Method.FULL else 2  # frozen weights need no gradients of their own
        training = clips * passes * per_clip / _flops(plan, machine) / (plan.processes if machine.gpu else 1)
    rtf = sizes.rtf_gpu if machine.gpu else sizes.rtf_cpu
    checkpoints = 1 + math.ceil(steps / plan.checkpoint_every)
    return training + checkpoints * SAMPLES * (SAMPLE_S * rtf + JUDGING_S) + 30


def _flops(plan: TrainingPlan, machine: Machine) -> float:
    if not machine.gpu:
        return machine.cores * CORE_FLOPS
    found = next(((single, half) for name, single, half in CARDS if name in machine.gpu), OTHER_CARD)
    return found[0] if plan.precision is Precision.FP32 else found[1]


def _verdict(needed: int, free: int) -> Verdict:
    if needed > free:
        return Verdict.NOT
    return Verdict.FITS if needed <= COMFORTABLE * free else Verdict.TIGHT


def _less_memory(plan: TrainingPlan, sizes: Sizes, machine: Machine, verdict: Verdict) -> Iterable[Advice]:
    """The first change that would make it fit in comfort, with the figure it leads to."""
    if verdict is Verdict.FITS:
        return
    for key, changed in _savings(plan, machine):
        needed = memory_bytes(changed, sizes, machine)
        if _verdict(needed, machine.memory_bytes) is Verdict.FITS:
            facts = {"batch": changed.batch_size, "accumulation": changed.accumulation}
            yield Advice(key, {**facts, "longest": changed.longest_s, "bytes": needed})
            return
    yield Advice("no_memory", {"bytes": memory_bytes(plan, sizes, machine), "free": machine.memory_bytes})


def _savings(plan: TrainingPlan, machine: Machine) -> Iterable[tuple[str, TrainingPlan]]:
    """Ways to need less, gentlest first; each keeps what the one before saved."""
    if machine.gpu and plan.precision is Precision.FP32:
        plan = replace(plan, precision=Precision.BF16)
        yield "half_precision", plan
    while plan.batch_size > 1:
        halved = plan.batch_size // 2
        plan = replace(plan, batch_size=halved, accumulation=plan.accumulation * plan.batch_size // halved)
        yield "smaller_batch", plan
    if plan.longest_s > 7:
        plan = replace(plan, longest_s=7.0)
        yield "shorter_clips", plan
    if plan.method is Method.FULL:
        yield "adapter_instead", replace(plan, method=Method.LORA)


def _less_disk(disk: int, machine: Machine, verdict: Verdict) -> Iterable[Advice]:
    if verdict is not Verdict.FITS:
        yield Advice("free_disk", {"bytes": int(disk / COMFORTABLE) - machine.disk_bytes})


def _less_time(plan: TrainingPlan, seconds: float, machine: Machine) -> Iterable[Advice]:
    if seconds > LONG_S:
        yield Advice("slow_gpu" if machine.gpu else "slow_cpu", {"hours": round(seconds / 3600)})


def _more_data(plan: TrainingPlan, load: Load) -> Iterable[Advice]:
    if plan.method is Method.FULL and load.seconds < 5 * 3600:
        yield Advice("full_needs_hours", {"minutes": round(load.seconds / 60)})
    elif load.seconds < 2 * LEAST_TRAIN_S:
        yield Advice("little_speech", {"seconds": round(load.seconds)})
