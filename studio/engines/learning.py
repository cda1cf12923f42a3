"""How an engine learns: the values that pass between a training loop and an engine's learner, and its protocol."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from studio.audio.clip import AudioClip
from studio.engines.base import EngineContext, ShouldStop, Utterance

if TYPE_CHECKING:  # a spec names a learner without loading torch
    import torch


@dataclass(frozen=True)
class TrainingClip:
    """One utterance, decrypted, in memory: what was said and its recording."""

    id: str
    text: str
    language: str  # ISO 639-1
    clip: AudioClip


@dataclass(frozen=True)
class LearnerWish:
    """What a learner is asked to train; what its method does not know it ignores.

    `precision` is "fp32", "bf16" or "fp16": the loop computes under autocast, weights stay float32.
    """

    method: str
    language: str
    rank: int = 16
    adapter_size: int = 64
    adapt_mlp: bool = True
    precision: str = "fp32"
    longest_s: float = 11.0
    seed: int = 0


@dataclass(frozen=True)
class Preparation:
    """How far prepare has come, 0..1; with `refused_id` an utterance left out and its reason (message key)."""

    fraction: float
    refused_id: str = ""
    reason: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


class Item(Protocol):
    """An utterance made ready: whatever never changes in training was computed once. `length` in any unit."""

    @property
    def id(self) -> str: ...

    @property
    def length(self) -> int: ...


@dataclass(frozen=True)
class LossParts:
    """`total` is a scalar tensor to go downhill on, a mean over the items; `parts` are numbers to show."""

    total: Any
    parts: Mapping[str, float] = field(default_factory=dict)


class Learner(Protocol):
    """Trains one thing in one engine; built in the worker as ``Learner(EngineContext, LearnerWish)``.

    Everything random follows torch's global generator, which the loop seeds at every step, so that a
    resumed run repeats an unbroken one.
    """

    def __init__(self, context: EngineContext, wish: LearnerWish) -> None: ...

    def prepare(
        self,
        clips: Iterable[TrainingClip],
        report: Callable[[Preparation], None],
        should_stop: ShouldStop,
    ) -> list[Any]:
        """Items of the clips it can use, in order; called for the training clips first, then for held-out ones.

        A clip it cannot use is told through `report`, once, and is never replaced by another. Raises
        Cancelled when `should_stop` turns true, InputRefused when no clip is left.
        """
        ...

    def parameters(self) -> "list[torch.nn.Parameter]":
        """What trains, in a fixed order; valid after the first prepare."""
        ...

    def loss(self, items: Sequence[Any], step: int) -> LossParts:
        """The loss of a batch; with gradients switched off it is the held-out loss, with nothing random."""
        ...

    def export(self) -> bytes:
        """What was trained so far as safetensors, with engine, method and sizes in its metadata."""
        ...

    def restore(self, data: bytes) -> None:
        """Continue from what `export` gave, bit for bit; ModelBroken for anything else."""
        ...

    def speak(self, texts: Sequence[Utterance], reference: Sequence[TrainingClip]) -> list[AudioClip]:
        """Each text with what is trained so far, in the voice of `reference`; draws nothing from torch's
        global generator.
        """
        ...
