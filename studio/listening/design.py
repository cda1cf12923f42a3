"""Order and sides: Williams Latin squares, balanced sides, seeds."""

import random

from studio.errors import InputRefused


def williams_square(conditions: int) -> tuple[tuple[int, ...], ...]:
    """Rows of orders in which each condition precedes each other equally often (Williams 1949).

    Even numbers of conditions need as many rows; odd ones twice as many. Each condition stands equally
    often at each place. InputRefused for fewer than one condition.
    """
    if conditions < 1:
        raise InputRefused("listening.empty")
    first = [0]
    for step in range(1, conditions):
        first.append((first[-1] + (step if step % 2 else -step)) % conditions)
    rows = [tuple((place + shift) % conditions for place in first) for shift in range(conditions)]
    if conditions % 2 and conditions > 1:
        rows += [tuple(reversed(row)) for row in rows]
    return tuple(rows)


def listener_order(conditions: int, listener_number: int, seed: int) -> tuple[int, ...]:
    """The order of one listener: a row of the square, with labels and rows shuffled once per test."""
    rows = list(williams_square(conditions))
    generator = random.Random(f"order:{seed}")
    labels = list(range(conditions))
    generator.shuffle(labels)
    generator.shuffle(rows)
    return tuple(labels[place] for place in rows[listener_number % len(rows)])


def balanced_sides(trials: int, listener_number: int, seed: int) -> tuple[bool, ...]:
    """For each trial whether the first system stands on side A; half and half for each listener.

    With an odd number the spare side alternates between listeners; every second listener gets the mirror
    image of the one before, so that each trial is balanced over listeners too.
    """
    block, mirrored = divmod(listener_number, 2)
    sides = [place % 2 == 0 for place in range(trials)]
    random.Random(f"sides:{seed}:{block}").shuffle(sides)
    return tuple(side != bool(mirrored) for side in sides)
