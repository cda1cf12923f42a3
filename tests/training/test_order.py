"""The order of the data: whole, bucketed, and the same for the same seed."""

from dataclasses import replace
from itertools import chain

import numpy as np
import pytest

from studio.training.order import Sizes, epoch_steps

LENGTHS = [int(n) for n in np.random.default_rng(1).integers(50, 250, size=203)]
SIZES = Sizes(LENGTHS, [], 4, 3, 0.0, 7)


def seen(sizes: Sizes, epoch: int) -> list[int]:
    return list(chain.from_iterable(chain.from_iterable(epoch_steps(sizes, epoch))))


@pytest.mark.parametrize("epoch", [0, 1, 9])
def test_every_utterance_comes_exactly_once_in_every_epoch(epoch: int) -> None:
    assert sorted(seen(SIZES, epoch)) == list(range(203))
    assert len(epoch_steps(SIZES, epoch)) == SIZES.steps_an_epoch == 17


def test_the_order_follows_from_seed_and_epoch_alone() -> None:
    assert seen(SIZES, 3) == seen(SIZES, 3)
    assert seen(SIZES, 3) != seen(SIZES, 4)
    assert seen(SIZES, 3) != seen(replace(SIZES, seed=8), 3)


def test_a_batch_is_of_similar_lengths() -> None:
    batches = list(chain.from_iterable(epoch_steps(SIZES, 0)))
    waste = np.mean(
        [max(LENGTHS[i] for i in batch) / np.mean([LENGTHS[i] for i in batch]) for batch in batches]
    )
    assert waste < 1.06  # batches drawn at random waste a quarter


def test_other_languages_take_turns_in_the_share_asked_for() -> None:
    sizes = Sizes(LENGTHS[:90], LENGTHS[90:130], 4, 1, 0.1, 7)
    turns = [[i for i in seen(sizes, epoch) if i >= 90] for epoch in range(4)]
    assert [len(turn) for turn in turns] == [10] * 4
    assert sorted(chain.from_iterable(turns)) == list(range(90, 130))
