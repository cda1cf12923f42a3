"""What a training job is asked to do: one value, kept with the job and read by its child process."""

import json
from dataclasses import asdict, dataclass, fields, replace
from enum import StrEnum
from typing import Any, Self

from studio.errors import InputRefused


class Method(StrEnum):
    """How the voice is trained; an engine's spec lists those it offers in `trains`."""

    LORA = "lora"
    BOTTLENECK = "bottleneck"
    FULL = "full"
    STYLE = "style"  # the embedded engine's own adapter: style vector and decoder biases


class Precision(StrEnum):
    FP32 = "fp32"
    BF16 = "bf16"
    FP16 = "fp16"


@dataclass(frozen=True)
class TrainingPlan:
    """Every hyper-parameter of a run; times in seconds, rates per optimiser step.

    A step is one update of the weights: `batch_size * accumulation * processes` utterances.
    """

    engine_id: str
    method: Method
    language: str
    preset: str = "quick"  # "quick", "quality", "full" or "own"
    epochs: int = 10
    most_steps: int = 0  # 0: as many as the epochs take
    batch_size: int = 2
    accumulation: int = 1
    learning_rate: float = 1e-4
    weight_decay: float = 1e-2
    warmup_steps: int = 10
    clip_norm: float = 1.0
    precision: Precision = Precision.FP32
    rank: int = 16  # LoRA
    adapter_size: int = 64  # Houlsby bottleneck
    adapt_mlp: bool = True  # LoRA on the MLP as well as on attention
    longest_s: float = 11.0
    sample_rate_hz: int = 22_050
    replay_share: float = 0.0  # of each epoch, utterances of other languages
    checkpoint_every: int = 100  # steps; also at the end, at pause and at cancel
    patience: int = 0  # checkpoints without a better score before it stops early; 0: never
    seed: int = 0
    processes: int = 1  # one a GPU, or sharing the processor; a step is of as many batches more

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=1, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what to_json wrote; InputRefused for anything else."""
        try:
            found: dict[str, Any] = json.loads(text)
            known = {one.name for one in fields(cls)}
            if unknown := found.keys() - known:
                raise ValueError(", ".join(sorted(unknown)))
            plan = cls(**found)
            return replace(plan, method=Method(plan.method), precision=Precision(plan.precision))
        except (ValueError, TypeError) as error:
            raise InputRefused("training.plan_unreadable", reason=str(error)[:200]) from error
