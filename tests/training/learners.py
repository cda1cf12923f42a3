"""A small learner with everything a loop has to keep: weights, an optimiser's moments, and randomness."""

import os
import signal
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from safetensors.torch import load, save

from studio.audio.clip import AudioClip
from studio.engines.base import EngineContext, ShouldStop, Utterance
from studio.engines.learning import LearnerWish, LossParts, Preparation, TrainingClip
from studio.errors import Cancelled, EngineTrouble

KILL_AT = "TIMBRO_TEST_KILL_AT"  # the step in whose middle the process is killed, as by kill -9


@dataclass(frozen=True)
class Point:
    id: str
    length: int
    x: torch.Tensor
    y: torch.Tensor


class LineLearner:
    """Fits a line through points drawn from the clips' samples, with dropout."""

    def __init__(self, context: EngineContext, wish: LearnerWish) -> None:
        torch.manual_seed(wish.seed)
        self.model = torch.nn.Sequential(
            torch.nn.Linear(8, 16), torch.nn.Dropout(0.2), torch.nn.Linear(16, 1)
        )
        self.wish = wish
        self.seen: list[str] = []
        self.spoken = 0

    def prepare(
        self, clips: Iterable[TrainingClip], report: Callable[[Preparation], None], should_stop: ShouldStop
    ) -> list[Point]:
        items = []
        for number, clip in enumerate(clips):
            if should_stop():
                raise Cancelled("engines.cancelled", task="prepare")
            if clip.clip.duration_s > self.wish.longest_s:
                report(Preparation(0.0, clip.id, "learning.too_long", {"duration_s": clip.clip.duration_s}))
                continue
            generator = torch.Generator().manual_seed(number)
            x = torch.randn(8, generator=generator)
            items.append(Point(clip.id, len(clip.clip.samples), x, x.sum()[None]))
        report(Preparation(1.0))
        return items

    def parameters(self) -> list[torch.nn.Parameter]:
        return list(self.model.parameters())

    def loss(self, items: Sequence[Point], step: int) -> LossParts:
        if torch.is_grad_enabled():
            self.seen += [item.id for item in items]
            if step + 1 == int(os.environ.get(KILL_AT, 0)):
                os.kill(os.getpid(), signal.SIGKILL)
        self.model.train(torch.is_grad_enabled())
        time.sleep(0.002)
        x, y = torch.stack([i.x for i in items]), torch.stack([i.y for i in items])
        total = torch.nn.functional.mse_loss(self.model(x).float(), y)
        return LossParts(total, {"mse": float(total.detach())})

    def export(self) -> bytes:
        return save(self.model.state_dict(), metadata={"engine": "line"})

    def restore(self, data: bytes) -> None:
        self.model.load_state_dict(load(data))

    def speak(self, texts: Sequence[Utterance], reference: Sequence[TrainingClip]) -> list[AudioClip]:
        self.spoken += 1
        np.random.default_rng(0).random()
        return [AudioClip(np.full(1600, 0.1, np.float32), 16_000) for _ in texts]


class HungryLearner(LineLearner):
    """Asks for more memory than any machine has, at its third step."""

    def loss(self, items: Sequence[Point], step: int) -> LossParts:
        if step == 2:
            torch.empty(1 << 50)
        return super().loss(items, step)


class WildLearner(LineLearner):
    """Its loss is no number from the second step on."""

    def loss(self, items: Sequence[Point], step: int) -> LossParts:
        found = super().loss(items, step)
        return LossParts(found.total * float("nan"), {}) if step and torch.is_grad_enabled() else found


class BrokenLearner(LineLearner):
    """Refuses to start, with a message."""

    def prepare(self, clips: Any, report: Any, should_stop: Any) -> list[Point]:
        raise EngineTrouble("learning.numbers", step=0, rate=1.0)


class CutOff(BaseException):
    """What a test cuts a run off with: nothing catches it, as nothing catches kill -9."""


def tiny_xtts(context: EngineContext, wish: LearnerWish) -> Any:
    """XTTS's own learner on a tiny model, cut off in the middle of the step that KILL_AT names."""
    from studio.engines.xtts.learner import XttsLearner
    from tests.tiny_xtts import narrow_vocoder

    class Cut(XttsLearner):
        def loss(self, items: Any, step: int) -> LossParts:
            if torch.is_grad_enabled() and step + 1 == int(os.environ.get(KILL_AT, 0)):
                raise CutOff
            return super().loss(items, step)

    with narrow_vocoder():
        return Cut(context, wish)


class PlainLearner(LineLearner):
    """Without dropout: nothing random, so that shares of a step add up to the whole."""

    def __init__(self, context: EngineContext, wish: LearnerWish) -> None:
        super().__init__(context, wish)
        self.model[1].p = 0.0  # type: ignore[assignment]
