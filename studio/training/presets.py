"""Presets of a training plan, and what a plan has to be like before it is accepted. Pure."""

from dataclasses import replace

from studio.engines.base import EngineSpec
from studio.errors import InputRefused
from studio.training.plan import Method, TrainingPlan

QUICK, QUALITY, FULL, OWN = "quick", "quality", "full", "own"
PRESETS = (QUICK, QUALITY, FULL)
METHODS = {Method.LORA, Method.BOTTLENECK, Method.FULL, Method.STYLE}
# field -> lowest and highest value that has a meaning
RANGES: dict[str, tuple[float, float]] = {
    "epochs": (1, 1000), "most_steps": (0, 1_000_000), "batch_size": (1, 64), "accumulation": (1, 512),
    "learning_rate": (1e-7, 1.0), "weight_decay": (0.0, 1.0), "warmup_steps": (0, 10_000), "clip_norm": (0.0, 100.0),
    "rank": (1, 256), "adapter_size": (4, 512), "longest_s": (2.0, 20.0), "sample_rate_hz": (16_000, 48_000),
    "replay_share": (0.0, 1.0), "checkpoint_every": (1, 100_000), "patience": (0, 100), "seed": (0, 2**31 - 1),
    "processes": (1, 16),
}  # fmt: skip


def presets_of(spec: EngineSpec) -> tuple[str, ...]:
    """The presets an engine offers: none when it cannot be trained."""
    adapters = bool(spec.trains & {m.value for m in METHODS - {Method.FULL}})
    return ((QUICK, QUALITY) if adapters else ()) + ((FULL,) if Method.FULL.value in spec.trains else ())


def methods_of(spec: EngineSpec) -> tuple[Method, ...]:
    """The kinds of training an engine offers, the default one first."""
    order = (Method.STYLE, Method.LORA, Method.BOTTLENECK, Method.FULL)
    return tuple(method for method in order if method.value in spec.trains)


def preset_plan(spec: EngineSpec, preset: str, language: str) -> TrainingPlan:
    """The plan behind a preset. InputRefused for a preset the engine does not offer.

    The notes' defaults: adapter size 64 and rate 1e-4 for adapters; batch 2, rate 1e-5, 22 050 Hz and 11 s
    for a full fine-tuning. Their 1000 epochs are an upper bound that early stopping never lets it reach.
    """
    if preset not in presets_of(spec):
        raise InputRefused("training.no_preset", engine=spec.name, preset=preset)
    plan = _full(spec, language) if preset == FULL else _quick(spec, language)
    if preset == QUALITY:
        plan = replace(plan, preset=QUALITY, epochs=plan.epochs * 3, patience=4)
        if plan.method is Method.LORA:
            plan = replace(plan, rank=32, replay_share=0.1)
    return replace(plan, sample_rate_hz=spec.training_rate_hz or plan.sample_rate_hz)


def _full(spec: EngineSpec, language: str) -> TrainingPlan:
    return TrainingPlan(
        spec.id, Method.FULL, language, FULL, epochs=50, batch_size=2, accumulation=8, learning_rate=1e-5,
        warmup_steps=50, checkpoint_every=250, replay_share=0.1, patience=6,
    )  # fmt: skip


def _quick(spec: EngineSpec, language: str) -> TrainingPlan:
    method = next(m for m in methods_of(spec) if m is not Method.FULL)
    return _style(spec, language) if method is Method.STYLE else _adapter(spec, method, language)


def _adapter(spec: EngineSpec, method: Method, language: str) -> TrainingPlan:
    return TrainingPlan(
        spec.id, method, language, QUICK, epochs=8, batch_size=2, accumulation=4, learning_rate=1e-4,
        checkpoint_every=50, patience=3,
    )  # fmt: skip


def _style(spec: EngineSpec, language: str) -> TrainingPlan:
    return TrainingPlan(
        spec.id, Method.STYLE, language, QUICK, epochs=4, batch_size=2, accumulation=1, learning_rate=1e-3,
        weight_decay=0.0, warmup_steps=4, clip_norm=5.0, longest_s=8.0, checkpoint_every=25, patience=3,
    )  # fmt: skip


def checked(plan: TrainingPlan, spec: EngineSpec) -> TrainingPlan:
    """The plan, when the engine can follow it; InputRefused naming the value and its bounds otherwise."""
    if plan.method.value not in spec.trains:
        known = ", ".join(m.value for m in methods_of(spec)) or "-"
        raise InputRefused("training.method", engine=spec.name, method=plan.method.value, known=known)
    if plan.language not in spec.languages:
        names = ", ".join(spec.languages)
        raise InputRefused("engines.language", engine=spec.name, language=plan.language, languages=names)
    if spec.training_rate_hz and plan.sample_rate_hz != spec.training_rate_hz:
        raise InputRefused(
            "training.rate", engine=spec.name, rate=spec.training_rate_hz, given=plan.sample_rate_hz
        )
    for name, (low, high) in RANGES.items():
        value = getattr(plan, name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise InputRefused("training.value", name=name, value=value, low=low, high=high)
    return plan
