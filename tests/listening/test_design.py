"""Orders and sides are balanced, seeded, and the same at every visit."""

from collections import Counter
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from studio.listening.design import balanced_sides, listener_order, williams_square


@given(st.integers(min_value=2, max_value=14))
def test_each_condition_precedes_each_other_equally_often(conditions: int) -> None:
    rows = williams_square(conditions)
    assert all(sorted(row) == list(range(conditions)) for row in rows)
    neighbours = Counter(pair for row in rows for pair in pairwise(row))
    assert len(neighbours) == conditions * (conditions - 1) and len(set(neighbours.values())) == 1
    for place in range(conditions):
        assert len(set(Counter(row[place] for row in rows).values())) == 1


@given(st.integers(min_value=1, max_value=8), st.integers(min_value=0, max_value=99), st.integers(0, 9))
def test_an_order_is_a_permutation_and_stays_the_same(conditions: int, listener: int, seed: int) -> None:
    order = listener_order(conditions, listener, seed)
    assert sorted(order) == list(range(conditions)) and order == listener_order(conditions, listener, seed)


@given(st.integers(min_value=2, max_value=6), st.integers(0, 9))
def test_a_block_of_listeners_uses_the_whole_square(conditions: int, seed: int) -> None:
    block = conditions * (2 if conditions % 2 else 1)
    orders = [listener_order(conditions, listener, seed) for listener in range(block)]
    assert len(set(orders)) == block
    neighbours = Counter(pair for row in orders for pair in pairwise(row))
    assert len(set(neighbours.values())) == 1


@given(st.integers(min_value=1, max_value=40), st.integers(0, 50), st.integers(0, 9))
def test_sides_are_balanced_within_and_across_listeners(trials: int, block: int, seed: int) -> None:
    one, other = balanced_sides(trials, 2 * block, seed), balanced_sides(trials, 2 * block + 1, seed)
    assert abs(2 * sum(one) - trials) <= 1
    assert all(a != b for a, b in zip(one, other, strict=True))
