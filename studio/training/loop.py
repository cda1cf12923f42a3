"""The training loop: steps, held-out losses, samples and checkpoints, repeatable to the last bit."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from studio.audio.clip import AudioClip
from studio.engines.learning import Learner, TrainingClip
from studio.training.checkpoints import Card, Checkpoints, facts_of
from studio.training.event_log import Emit
from studio.training.machine import GpuMeter, accelerator_for, memory_bytes, memory_told
from studio.training.order import Sizes
from studio.training.plan import TrainingPlan
from studio.training.scoring import Scorer, Standing, better, chosen_by
from studio.training.state import Position, from_bytes, to_bytes
from studio.training.stepping import Stepper


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
        self.meter = GpuMeter(work.device)
        self.sizes = Sizes(
            [item.length for item in work.items.train],
            [item.length for item in work.items.replay],
            plan.batch_size,
            plan.accumulation * self.accelerator.num_processes,
            plan.replay_share,
            plan.seed,
        )
        items = [*work.items.train, *work.items.replay]
        self.stepper = Stepper(plan, work.learner, items, self.sizes, self.accelerator)
        self.steps = self.stepper.steps

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
            self._step()
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
        self.position = from_bytes(checkpoints.trainer(step), self.stepper.optimizer)
        if self.accelerator.scaler is not None and self.position.scaler:
            self.accelerator.scaler.load_state_dict(dict(self.position.scaler))
        self.saved = self.position.step
        for each in (0, *([] if self.position.best is None else [self.position.best])):
            card = checkpoints.card(each)
            self.standings[each] = Standing(each, card.scores, card.held_out_loss)
        # Told again: the process before may have died between writing it and saying so.
        self._tell("checkpoint", **facts_of(checkpoints.card(step), checkpoints.size(step)))
        return True

    def _started(self) -> None:
        self._tell(
            "started", step=self.position.step, steps=self.steps, epochs=self.work.plan.epochs,
            steps_an_epoch=self.sizes.steps_an_epoch, clips=len(self.work.items.train), replay=self.sizes.replayed,
            parameters=self._size,
            device=str(self.accelerator.device), processes=self.accelerator.num_processes,
        )  # fmt: skip

    @property
    def _size(self) -> int:
        """How many numbers are trained."""
        return sum(parameter.numel() for parameter in self.stepper.parameters)

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

    def _step(self) -> None:
        found = self.stepper.step(self.position.step)
        self.position = replace(self.position, step=self.position.step + 1)
        self._tell(
            "step", step=self.position.step, epoch=found.epoch, loss=found.loss, parts=found.parts,
            learning_rate=found.rate, grad_norm=found.grad_norm, clips_per_s=found.clips_per_s,
            memory_bytes=memory_bytes(self.work.device), gpu_share=self.meter.share,
        )  # fmt: skip

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
            parameters=self._size,
            scores=standing.scores,
            held_out_loss=standing.held_out_loss,
            chosen_by=chosen_by(self.standings[0]) if 0 in self.standings else "",
            best=self.position.best == step,
            samples=len(sounds),
        )
        weights = self.work.learner.export()
        size = checkpoints.write(card, weights, to_bytes(self.position, self.stepper.optimizer), sounds)
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
