"""One listener's session: which questions, in which order, on which sides; follows from the seed alone."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from studio.listening.design import balanced_sides, listener_order
from studio.listening.kinds import Kind, Use


@dataclass(frozen=True)
class Question:
    """A trial as far as its order goes. `page`: MUSHRA trials that are asked together share it."""

    id: str
    use: Use
    page: int
    item: int
    condition: int


@dataclass(frozen=True)
class Page:
    """What a listener sees at once: trials in the order shown.

    `swapped`: the first sound of a pair stands on side B. `x_is_first`: ABX's X is the first sound.
    """

    position: int
    trials: tuple[str, ...]
    use: Use
    swapped: bool = False
    x_is_first: bool = False


def session(
    kind: Kind, questions: Sequence[Question], listener: int, seed: int, most: int = 0
) -> tuple[Page, ...]:
    """The pages of listener number `listener`; `most` limits the rated ones (0: all).

    Training first, then the rated trials with traps and gold questions spread among them.
    """
    rated = [q for q in questions if q.use is Use.RATED]
    order: list[tuple[str, ...]]
    training: list[tuple[str, ...]]
    if kind is Kind.MUSHRA:
        order = _mushra(rated, listener, seed)
        training = _grouped([q for q in questions if q.use is Use.TRAINING], listener, seed)
    else:
        # Pairs of listeners get the same part of a shortened comparison: the one hears the other's mirror image.
        turn = listener // 2 if most and kind.facts.pairs else listener
        order = [(q.id,) for q in crossed_order(rated, listener, seed, turn)]
        training = [(q.id,) for q in questions if q.use is Use.TRAINING]
    order = order[:most] if most else order
    checks = [q for q in questions if q.use in (Use.TRAP, Use.GOLD)]
    placed = [(ids, Use.RATED) for ids in order]
    for place, check in _places(checks, len(placed), listener, seed):
        placed.insert(place, ((check.id,), check.use))
    placed = [(ids, Use.TRAINING) for ids in training] + placed
    given = {name for ids in order for name in ids}
    return _pages(kind, [q.id for q in rated if q.id in given], placed, listener, seed)


def crossed_order(
    rated: Sequence[Question], listener: int, seed: int, turn: int | None = None
) -> list[Question]:
    """Blocks in which each condition comes once, in an order of the Williams square.

    Within a block the conditions take different items, and the items move on by one with each turn (each
    listener, unless told otherwise), so that a shortened session covers all items over listeners.
    """
    turn = listener if turn is None else turn
    table = {(q.condition, q.item): q for q in rated}
    conditions = sorted({q.condition for q in rated})
    items = sorted({q.item for q in rated})
    random.Random(f"items:{seed}").shuffle(items)
    order: list[Question] = []
    for block in range(len(items)):
        for place in listener_order(len(conditions), listener + block, seed):
            item = items[(block + place + turn) % len(items)]
            if question := table.get((conditions[place], item)):
                order.append(question)
    return order


def _mushra(rated: Sequence[Question], listener: int, seed: int) -> list[tuple[str, ...]]:
    pages = _grouped(rated, listener, seed)
    random.Random(f"pages:{seed}:{listener}").shuffle(pages)
    return pages


def _grouped(questions: Sequence[Question], listener: int, seed: int) -> list[tuple[str, ...]]:
    """Trials of one page together, its conditions in an order of the square."""
    numbers = sorted({q.page for q in questions})
    grouped = []
    for number in numbers:
        here = sorted((q for q in questions if q.page == number), key=lambda q: q.condition)
        order = listener_order(len(here), listener + number, seed)
        grouped.append(tuple(here[place].id for place in order))
    return grouped


def _places(checks: Sequence[Question], trials: int, listener: int, seed: int) -> list[tuple[int, Question]]:
    """Where checks come: one in each equal stretch, never first; from the last so that inserting shifts nothing."""
    if not checks:
        return []
    generator = random.Random(f"checks:{seed}:{listener}")
    shuffled = list(checks)
    generator.shuffle(shuffled)
    step = max(1.0, trials / len(shuffled))
    places = [min(trials, max(1, round(step * (n + generator.random())))) for n in range(len(shuffled))]
    return sorted(zip(places, shuffled, strict=True), key=lambda pair: -pair[0])


def _pages(
    kind: Kind, rated: list[str], placed: list[tuple[tuple[str, ...], Use]], listener: int, seed: int
) -> tuple[Page, ...]:
    """Sides belong to the trial, not to the place: over two listeners each trial is heard both ways round.

    `rated`: what this listener is given, in an order that is the same for everybody. A trap says which side
    to choose, and both its sides are one sound: it is never swapped.
    """
    practised = [ids[0] for ids, use in placed if use is Use.TRAINING]
    first_is_a = _balanced(rated, listener, seed) | _balanced(practised, listener, seed + 2)
    # X changes with every other pair of listeners, so that it is balanced against the sides too.
    x_is_first = _balanced(rated, listener // 2, seed + 1) | _balanced(practised, listener // 2, seed + 3)
    pairs = kind.facts.pairs
    return tuple(
        Page(
            position, ids, use,
            swapped=pairs and not first_is_a.get(ids[0], True),
            x_is_first=kind is Kind.ABX and x_is_first[ids[0]],
        )
        for position, (ids, use) in enumerate(placed)
    )  # fmt: skip


def _balanced(trials: list[str], listener: int, seed: int) -> dict[str, bool]:
    return dict(zip(trials, balanced_sides(len(trials), listener, seed), strict=True))
