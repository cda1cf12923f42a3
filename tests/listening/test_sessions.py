"""A listener's pages: sides are balanced in what they are given, practice pages change sides too."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.listening.kinds import Kind, Use
from studio.listening.sessions import Page, Question, session

PAIRS = st.sampled_from([Kind.AB, Kind.CMOS, Kind.ABX])


def questions(conditions: int, items: int, training: int = 0, traps: int = 0) -> list[Question]:
    rated = [
        Question(f"r{condition}-{item}", Use.RATED, 0, item, condition)
        for condition in range(conditions)
        for item in range(items)
    ]
    practised = [Question(f"p{n}", Use.TRAINING, n, n, 0) for n in range(training)]
    return rated + practised + [Question(f"t{n}", Use.TRAP, n, n, 0) for n in range(traps)]


def rated(pages: tuple[Page, ...]) -> list[Page]:
    return [page for page in pages if page.use is Use.RATED]


@given(
    PAIRS, st.integers(1, 4), st.integers(2, 12), st.integers(1, 30), st.integers(0, 40), st.integers(0, 5)
)
def test_a_shortened_session_has_its_sides_half_and_half(
    kind: Kind, conditions: int, items: int, most: int, listener: int, seed: int
) -> None:
    pages = rated(session(kind, questions(conditions, items), listener, seed, most))
    assert abs(2 * sum(page.swapped for page in pages) - len(pages)) <= 1


@pytest.mark.parametrize("most", [3, 4])
def test_over_listeners_each_trial_of_a_shortened_session_is_heard_both_ways_alike(most: int) -> None:
    heard: Counter[str] = Counter()
    swapped: Counter[str] = Counter()
    for listener in range(24):
        for page in rated(session(Kind.AB, questions(1, 6), listener, 1, most)):
            heard[page.trials[0]] += 1
            swapped[page.trials[0]] += page.swapped
    assert set(heard.values()) == {24 * most // 6}  # every sentence comes as often as every other
    assert all(2 * swapped[trial] == count for trial, count in heard.items())


@given(PAIRS, st.integers(2, 10), st.integers(0, 40), st.integers(0, 5))
def test_practice_changes_sides_too(kind: Kind, training: int, listener: int, seed: int) -> None:
    asked = questions(1, 4, training)
    one, other = (session(kind, asked, 2 * listener + n, seed) for n in range(2))
    sides = [[page.swapped for page in pages if page.use is Use.TRAINING] for pages in (one, other)]
    assert abs(2 * sum(sides[0]) - training) <= 1
    assert all(a != b for a, b in zip(*sides, strict=True))


@given(st.integers(0, 40), st.integers(0, 5))
def test_a_trap_says_which_side_so_it_never_changes_its_own(listener: int, seed: int) -> None:
    pages = session(Kind.AB, questions(1, 6, traps=3), listener, seed)
    assert [page.swapped for page in pages if page.use is Use.TRAP] == [False] * 3
