"""One step of training: gradients of its batches, over all processes, and the update."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from studio.engines.learning import Learner
from studio.errors import EngineTrouble
from studio.training.order import Sizes, epoch_steps, steps_of
from studio.training.plan import TrainingPlan

_BETAS = (0.9, 0.96)  # XTTS's own recipe
_LAST_RATE = 0.1  # the rate ends at this share of its height


@dataclass(frozen=True)
class Stepped:
    """What a step was like; `loss` is the mean over its utterances, `epoch` counts from 1."""

    epoch: int
    loss: float
    parts: dict[str, float]
    rate: float
    grad_norm: float
    clips_per_s: float


class Stepper:
    """Takes steps by their number; everything in a step follows from the plan and that number."""

    def __init__(
        self, plan: TrainingPlan, learner: Learner, items: Sequence[Any], sizes: Sizes, accelerator: Any
    ) -> None:
        self._plan, self._learner, self._items = plan, learner, items
        self._sizes, self._accelerator = sizes, accelerator
        self.steps = steps_of(plan, sizes)
        self.parameters = learner.parameters()
        optimizer = torch.optim.AdamW(
            self.parameters, lr=plan.learning_rate, betas=_BETAS, weight_decay=plan.weight_decay, fused=True
        )  # fused: one pass over the weights instead of ten, five times as fast on a processor, too
        self.optimizer = accelerator.prepare_optimizer(optimizer)

    def step(self, step: int) -> Stepped:
        """The step after `step` others. EngineTrouble when its loss is no number."""
        started = time.monotonic()
        epoch, index = divmod(step, self._sizes.steps_an_epoch)
        batches = epoch_steps(self._sizes, epoch)[index]
        rate = self._rate(step)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        torch.manual_seed((self._plan.seed << 32) + step * 64 + self._accelerator.process_index)
        loss, parts = self._gradients(batches, step)
        norm = self._update(step, loss)
        clips = sum(len(batch) for batch in batches)
        speed = round(clips / max(1e-9, time.monotonic() - started), 3)
        return Stepped(epoch + 1, loss, parts, rate, norm, speed)

    def _gradients(self, batches: list[list[int]], step: int) -> tuple[float, dict[str, float]]:
        """Add up the gradients of this process's share of the step; every utterance weighs the same."""
        clips = sum(len(batch) for batch in batches)
        totals: dict[str, float] = {}
        self.optimizer.zero_grad()
        for batch in batches[self._accelerator.process_index :: self._accelerator.num_processes]:
            share = len(batch) / clips
            with self._accelerator.autocast():
                found = self._learner.loss([self._items[i] for i in batch], step)
            self._accelerator.backward(found.total * share)
            for name, value in {"loss": float(found.total.detach()), **found.parts}.items():
                totals[name] = totals.get(name, 0.0) + value * share
        totals = self._summed(totals)
        return totals.pop("loss"), totals

    def _summed(self, totals: dict[str, float]) -> dict[str, float]:
        """Gradients and losses of all processes together."""
        if self._accelerator.num_processes == 1:
            return totals
        from accelerate.utils import gather_object

        for parameter in self.parameters:
            if parameter.grad is None:  # this process had no batch in a short step
                parameter.grad = torch.zeros_like(parameter)
            parameter.grad = self._accelerator.reduce(parameter.grad, reduction="sum")
        summed: dict[str, float] = {}
        for each in gather_object([totals]):
            for name, value in each.items():
                summed[name] = summed.get(name, 0.0) + value
        return summed

    def _update(self, step: int, loss: float) -> float:
        bound = self._plan.clip_norm or float("inf")
        norm = float(self._accelerator.clip_grad_norm_(self.parameters, bound))
        finite = math.isfinite(norm)
        # Under fp16 an overflow is the scaler's affair: it leaves the step out and scales less.
        if not math.isfinite(loss) or not (finite or self._accelerator.scaler is not None):
            raise EngineTrouble("learning.numbers", step=step + 1, rate=self._plan.learning_rate)
        self.optimizer.step()
        return norm if finite else 0.0

    def _rate(self, step: int) -> float:
        """Linear warm-up, then a cosine to a tenth."""
        warm = min(1.0, (step + 1) / (self._plan.warmup_steps + 1))
        fall = _LAST_RATE + (1 - _LAST_RATE) * 0.5 * (1 + math.cos(math.pi * step / max(1, self.steps)))
        return self._plan.learning_rate * warm * fall
