"""The training loop: steps, held-out losses, samples and checkpoints, repeatable to the last bit."""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from studio.audio.clip import AudioClip
from studio.engines.learning import Learner, TrainingClip
from studio.errors import EngineTrouble
from studio.training.checkpoints import Card, Checkpoints, facts_of
from studio.training.event_log import Emit
from studio.training.machine import accelerator_for, gpu_share, memory_bytes, memory_told
from studio.training.order import Sizes, epoch_steps
from studio.training.plan import TrainingPlan
from studio.training.scoring import Scorer, Standing, better, chosen_by
from studio.training.state import Position, from_bytes, to_bytes

_BETAS = (0.9, 0.96)  # XTTS's own recipe
_LAST_RATE = 0.1  # the rate ends at this share of its height
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Prepared:
    """Items by their use; `reference` are recordings of the speaker for samples in their voice."""

    train: Sequence[Any]
    replay: Sequence[Any]
    held_out: Sequence[Any]
    reference: Sequence[TrainingClip]


@dataclass(frozen=True)
class Work:
    """A run ready to go: what to do, with what, and whom to tell. `asked` is "", "cancelled" or "paused"."""

    plan: TrainingPlan
    learner: Learner
    items: Prepared
    scorer: Scorer
    checkpoints: Checkpoints
    card: Card  # its base: engine, method, hashes
    emit: Emit
    asked: Callable[[], str]
    device: str = "cpu"


@dataclass(frozen=True)
class Ending:
    """`reason`: "finished", "early_stop", "cancelled" or "paused"."""

    reason: str
    step: int
    best: int | None


def train(work: Work) -> Ending:
    """Run the plan from its last checkpoint, or from the start; returns when it is over or was asked to end.

    A resumed run repeats the steps after that checkpoint with the losses an unbroken run would have had:
    the order of the data is a function of (seed, epoch), everything else random of (seed, step).
    Raises EngineTrouble (memory, numbers that are none) and StorageTrouble (disk).
    """
    with memory_told(work.plan):
        return _Loop(work).run()


@dataclass
class _Loop:
    work: Work
    position: Position = field(default_factory=Position)
    standings: dict[int, Standing] = field(default_factory=dict)
    saved: int = -1  # the step of the newest checkpoint

    def __post_init__(self) -> None:
        work, plan = self.work, self.work.plan
        self.accelerator = accelerator_for(plan, work.device)
        self.main = bool(self.accelerator.is_main_process)
        self.sizes = Sizes(
            [item.length for item in work.items.train],
            [item.length for item in work.items.replay],
            plan.batch_size,
            plan.accumulation * self.accelerator.num_processes,
            plan.replay_share,
            plan.seed,
        )
        steps = plan.epochs * self.sizes.steps_an_epoch
        self.steps = min(steps, plan.most_steps) if plan.most_steps else steps
        self.items = [*work.items.train, *work.items.replay]
        self.parameters = work.learner.parameters()
        optimizer = torch.optim.AdamW(
            self.parameters, lr=plan.learning_rate, betas=_BETAS, weight_decay=plan.weight_decay
        )
        self.optimizer = self.accelerator.prepare_optimizer(optimizer)

    def run(self) -> Ending:
        resumed = self._resume()
        self._started()
        if not resumed:
            if reason := self._asked():
                return self._stopped(reason)
            self._checkpoint("baseline")
        while self.position.step < self.steps:
            if reason := self._asked():
                if self.saved != self.position.step:  # the one that is there was judged
                    self._checkpoint("save", judged=False)
                return self._stopped(reason)
            self._step(self.position.step)
            if self._due() and self._checkpoint("score") and self.position.step < self.steps:
                return self._done("early_stop")
        return self._done("finished")

    def _resume(self) -> bool:
        """Take up the newest whole checkpoint; False when there is none."""
        checkpoints = self.work.checkpoints
        if self.main:
            checkpoints.sweep()
        step = checkpoints.resumable()
        if step is None:
            return False
        self.work.learner.restore(checkpoints.weights(step))
        self.position = from_bytes(checkpoints.trainer(step), self.optimizer)
        if self.accelerator.scaler is not None and self.position.scaler:
            self.accelerator.scaler.load_state_dict(dict(self.position.scaler))
        self.saved = self.position.step
        for each in (0, *([] if self.position.best is None else [self.position.best])):
            card = checkpoints.card(each)
            self.standings[each] = Standing(each, card.scores, card.held_out_loss)
        return True

    def _started(self) -> None:
        trained = sum(parameter.numel() for parameter in self.parameters)
        self._tell(
            "started", step=self.position.step, steps=self.steps, epochs=self.work.plan.epochs,
            steps_an_epoch=self.sizes.steps_an_epoch, clips=len(self.items), parameters=trained,
            device=str(self.accelerator.device), processes=self.accelerator.num_processes,
        )  # fmt: skip

    def _stopped(self, reason: str) -> Ending:
        self._tell("stopped", step=self.position.step, reason=reason)
        return Ending(reason, self.position.step, self.position.best)

    def _done(self, reason: str) -> Ending:
        self._tell("done", step=self.position.step, best_step=self.position.best, reason=reason)
        return Ending(reason, self.position.step, self.position.best)

    def _asked(self) -> str:
        wish = [self.work.asked() if self.main else ""]
        if self.accelerator.num_processes > 1:
            from accelerate.utils import broadcast_object_list

            broadcast_object_list(wish)
        return str(wish[0])

    # One step

    def _step(self, step: int) -> None:
        started = time.monotonic()
        epoch, index = divmod(step, self.sizes.steps_an_epoch)
        batches = epoch_steps(self.sizes, epoch)[index]
        rate = self._rate(step)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self._seed(step)
        loss, parts = self._gradients(batches, step)
        norm = self._update(step, loss)
        self.position = replace(self.position, step=step + 1)
        clips = sum(len(batch) for batch in batches)
        self._tell(
            "step", step=step + 1, epoch=epoch + 1, loss=loss, parts=parts, learning_rate=rate, grad_norm=norm,
            clips_per_s=round(clips / max(1e-9, time.monotonic() - started), 3),
            memory_bytes=memory_bytes(self.work.device), gpu_share=gpu_share(self.work.device),
        )  # fmt: skip

    def _gradients(self, batches: list[list[int]], step: int) -> tuple[float, dict[str, float]]:
        """Add up the gradients of this process's share of the step; every utterance weighs the same."""
        clips = sum(len(batch) for batch in batches)
        totals: dict[str, float] = {}
        self.optimizer.zero_grad()
        for batch in batches[self.accelerator.process_index :: self.accelerator.num_processes]:
            share = len(batch) / clips
            with self.accelerator.autocast():
                found = self.work.learner.loss([self.items[i] for i in batch], step)
            self.accelerator.backward(found.total * share)
            for name, value in {"loss": float(found.total.detach()), **found.parts}.items():
                totals[name] = totals.get(name, 0.0) + value * share
        totals = self._summed(totals)
        return totals.pop("loss"), totals

    def _summed(self, totals: dict[str, float]) -> dict[str, float]:
        """Gradients and losses of all processes together."""
        if self.accelerator.num_processes == 1:
            return totals
        for parameter in self.parameters:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
            parameter.grad = self.accelerator.reduce(parameter.grad, reduction="sum")
        from accelerate.utils import gather_object

        summed: dict[str, float] = {}
        for each in gather_object([totals]):
            for name, value in each.items():
                summed[name] = summed.get(name, 0.0) + value
        return summed

    def _update(self, step: int, loss: float) -> float:
        bound = self.work.plan.clip_norm or float("inf")
        norm = float(self.accelerator.clip_grad_norm_(self.parameters, bound))
        finite = norm == norm and abs(norm) != float("inf")
        # Under fp16 an overflow is the scaler's affair: it leaves the step out and scales less.
        if loss != loss or not (finite or self.accelerator.scaler is not None):
            raise EngineTrouble("learning.numbers", step=step + 1, rate=self.work.plan.learning_rate)
        self.optimizer.step()
        return norm if finite else 0.0

    def _rate(self, step: int) -> float:
        """Linear warm-up, then a cosine to a tenth: a function of the step alone."""
        import math

        plan = self.work.plan
        warm = min(1.0, (step + 1) / (plan.warmup_steps + 1))
        along = step / max(1, self.steps)
        fall = _LAST_RATE + (1 - _LAST_RATE) * 0.5 * (1 + math.cos(math.pi * along))
        return plan.learning_rate * warm * fall

    def _seed(self, step: int) -> None:
        torch.manual_seed((self.work.plan.seed << 32) + step * 64 + self.accelerator.process_index)

    # Checkpoints

    def _due(self) -> bool:
        step = self.position.step
        return step % self.work.plan.checkpoint_every == 0 or step == self.steps

    def _checkpoint(self, stage: str, judged: bool = True) -> bool:
        """Judge what is trained, write it down and tell; True when it has not got better for too long."""
        stop = False
        if self.main:
            stop = self._write(stage, judged)
        self.saved = self.position.step
        if self.accelerator.num_processes > 1:
            from accelerate.utils import broadcast_object_list

            told: list[Any] = [stop, self.position]
            broadcast_object_list(told)
            stop, self.position = told
        return stop

    def _write(self, stage: str, judged: bool) -> bool:
        step = self.position.step
        sounds: list[AudioClip] = []
        standing = Standing(step, {}, None)
        if judged:
            held_out = self._held_out_loss()
            self._tell("stage", name=stage, fraction=0.0)
            sounds = self.work.learner.speak(self.work.scorer.utterances, self.work.items.reference)
            self._tell("stage", name=stage, fraction=0.5)
            standing = Standing(step, self.work.scorer.scores(sounds), held_out)
            self._choose(standing)
        self._tell("stage", name="save", fraction=0.0)
        self._save(standing, sounds)
        self._tell("stage", name="train", fraction=step / max(1, self.steps))
        patience = self.work.plan.patience
        return bool(judged and patience and self.position.waited >= patience)

    def _choose(self, standing: Standing) -> None:
        best = self.position.best
        self.standings[standing.step] = standing
        if best is None or better(standing, self.standings[best], self.standings[0]):
            self.position = replace(self.position, best=standing.step, waited=0)
        else:
            self.position = replace(self.position, waited=self.position.waited + 1)

    def _save(self, standing: Standing, sounds: list[AudioClip]) -> None:
        step, checkpoints = standing.step, self.work.checkpoints
        if self.accelerator.scaler is not None:
            state = {name: float(value) for name, value in self.accelerator.scaler.state_dict().items()}
            self.position = replace(self.position, scaler=state)
        card = replace(
            self.work.card,
            step=step,
            epoch=step // self.sizes.steps_an_epoch,
            parameters=sum(parameter.numel() for parameter in self.parameters),
            scores=standing.scores,
            held_out_loss=standing.held_out_loss,
            chosen_by=chosen_by(self.standings[0]) if 0 in self.standings else "",
            best=self.position.best == step,
            samples=len(sounds),
        )
        weights = self.work.learner.export()
        size = checkpoints.write(card, weights, to_bytes(self.position, self.optimizer), sounds)
        if card.best:
            checkpoints.mark_best(step)
        checkpoints.prune(self.position.best)
        self._tell("checkpoint", **facts_of(card, size))

    def _held_out_loss(self) -> float | None:
        held_out = self.work.items.held_out
        if not held_out:
            return None
        size, total = self.work.plan.batch_size, 0.0
        with torch.no_grad(), self.accelerator.autocast():
            for start in range(0, len(held_out), size):
                batch = held_out[start : start + size]
                total += float(self.work.learner.loss(batch, self.position.step).total) * len(batch)
        loss = total / len(held_out)
        self._tell("held_out", step=self.position.step, loss=loss)
        return loss

    def _tell(self, kind: str, **facts: Any) -> None:
        if self.main:
            self.work.emit(kind, facts)
