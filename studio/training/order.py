"""In which order a run sees its utterances: a function of the seed and the epoch, and of nothing else. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from studio.training.plan import TrainingPlan

_BUCKET_BATCHES = 16  # utterances this many batches apart may meet, so that each batch is of one length


@dataclass(frozen=True)
class Sizes:
    """How a run is cut: `lengths` of what is always seen, `replay` lengths of what is partly seen."""

    lengths: Sequence[int]
    replay: Sequence[int]
    batch_size: int
    accumulation: int  # batches a step, over all processes
    replay_share: float
    seed: int

    @property
    def replayed(self) -> int:
        """Utterances of other languages in each epoch, so that they make up `replay_share` of it."""
        wanted = round(len(self.lengths) * self.replay_share / max(1e-9, 1 - self.replay_share))
        return min(wanted, len(self.replay))

    @property
    def batches(self) -> int:
        return -(-(len(self.lengths) + self.replayed) // self.batch_size)

    @property
    def steps_an_epoch(self) -> int:
        return -(-self.batches // self.accumulation)


def steps_of(plan: TrainingPlan, sizes: Sizes) -> int:
    """Updates of the weights over all epochs; `most_steps` caps them."""
    steps = plan.epochs * sizes.steps_an_epoch
    return min(steps, plan.most_steps) if plan.most_steps else steps


def epoch_steps(sizes: Sizes, epoch: int) -> list[list[list[int]]]:
    """The steps of an epoch (from 0): each a list of batches of indices.

    Every utterance comes exactly once; those of other languages, whose indices follow the first, take
    turns over the epochs. Batches are of utterances of similar length, and come in random order.
    """
    generator = np.random.default_rng([sizes.seed, epoch])
    chosen = [*range(len(sizes.lengths)), *_turns(sizes, epoch)]
    lengths = [*sizes.lengths, *sizes.replay]
    batches = _bucketed([chosen[i] for i in generator.permutation(len(chosen))], lengths, sizes.batch_size)
    batches = [batches[i] for i in generator.permutation(len(batches))]
    return [batches[i : i + sizes.accumulation] for i in range(0, len(batches), sizes.accumulation)]


def _turns(sizes: Sizes, epoch: int) -> list[int]:
    if not sizes.replayed:
        return []
    first = epoch * sizes.replayed
    order = np.random.default_rng([sizes.seed, 0xE0]).permutation(len(sizes.replay))
    return [len(sizes.lengths) + int(order[i % len(order)]) for i in range(first, first + sizes.replayed)]


def _bucketed(shuffled: list[int], lengths: Sequence[int], batch_size: int) -> list[list[int]]:
    span = batch_size * _BUCKET_BATCHES
    batches = []
    for start in range(0, len(shuffled), span):
        bucket = sorted(shuffled[start : start + span], key=lambda index: lengths[index])
        batches += [bucket[i : i + batch_size] for i in range(0, len(bucket), batch_size)]
    return batches
