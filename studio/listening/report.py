"""What came of a test: from answers to every figure shown."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from studio.errors import InputRefused
from studio.listening.figures import (
    Choice,
    Difference,
    ListenerResult,
    Material,
    Ranking,
    Report,
    Section,
    StimulusResult,
    SystemFacts,
    SystemResult,
)
from studio.listening.found import Found, attempt
from studio.listening.kinds import Kind, Use, ranked_ties
from studio.listening.needs import Needed, scores_needed, votes_needed
from studio.listening.screening import Answer, ListenerFacts, flags
from studio.listening.stats import (
    MeanScore,
    bounded_mos,
    bradley_terry,
    clustered_intervals,
    crossed_mos,
    icc,
    krippendorff_alpha,
    mos,
    paired_difference,
    preference,
)

Floats = NDArray[np.float64]
WANTED_HALF_WIDTH = {Kind.MUSHRA: 5.0}  # of the others 0.2


def report(material: Material) -> Report:
    """Compute everything; nothing is dropped but in `screened`."""
    by_listener: dict[str, list[Answer]] = {facts.pseudonym: [] for facts in material.listeners}
    for answer in material.answers:
        by_listener[answer.listener].append(answer)
    people = tuple(_listener(material, facts, by_listener[facts.pseudonym]) for facts in material.listeners)
    rated = [a for a in material.answers if a.use is Use.RATED]
    good = {person.pseudonym for person in people if not person.flags}
    kept = [a for a in rated if a.listener in good]
    flagged = any(person.flags and person.ratings for person in people)
    return Report(
        material.kind, section(material, rated), section(material, kept) if flagged else None,
        _stimuli(material, rated), people,
    )  # fmt: skip


def section(material: Material, rated: Sequence[Answer]) -> Section:
    """All figures over these answers."""
    kind, systems = material.kind, material.systems
    names = sorted({a.listener for a in rated})
    tables = _tables(material, rated, names)
    pairs = kind.facts.pairs
    single = [] if pairs else [_system(material, s, tables[s.id, ""], rated) for s in systems]
    twos = list(combinations(systems, 2))
    differences = [] if pairs else [_difference(kind, a, b, tables) for a, b in twos]
    choices = [_choice(material, a, b, tables[a.id, b.id]) for a, b in twos] if pairs else []
    headlines = [one.headline for one in single] + [one.mean for one in choices]
    units = np.hstack(list(tables.values())) if tables and names else np.zeros((0, 0))
    return Section(
        len(names), len(rated), tuple(single), tuple(differences), tuple(choices),
        attempt(lambda: _ranking(material, tables)),
        attempt(lambda: krippendorff_alpha(units, "nominal" if kind in (Kind.AB, Kind.ABX) else "interval")),
        attempt(lambda: icc(_rated_by_all(units).T)),
        _needed(kind, tables, headlines) if names else None,
    )  # fmt: skip


def _rated_by_all(units: Floats) -> Floats:
    """The listeners (rows) who rated everything that there is: a system may lack items."""
    there = units[:, ~np.isnan(units).all(axis=0)]
    return there[~np.isnan(there).any(axis=1)]


Tables = dict[tuple[str, str], Floats]


def _tables(material: Material, rated: Sequence[Answer], names: list[str]) -> Tables:
    """Scores of each system (or pair), rows listeners, columns items; NaN where nothing was said."""
    ids = [s.id for s in material.systems]
    keys = [*combinations(ids, 2)] if material.kind.facts.pairs else [(one, "") for one in ids]
    tables = {key: np.full((len(names), material.items), np.nan) for key in keys}
    row = {name: place for place, name in enumerate(names)}
    for answer in rated:
        tables[answer.system, answer.second][row[answer.listener], answer.item] = answer.score
    return tables


def _system(material: Material, system: SystemFacts, table: Floats, rated: Sequence[Answer]) -> SystemResult:
    facts = material.kind.facts
    given = table[~np.isnan(table)]
    return SystemResult(
        system, int(given.size),
        attempt(lambda: _headline(material, table)),
        attempt(lambda: mos(given, facts.low, facts.high)),
        attempt(lambda: bounded_mos(given, facts.low, facts.high)),
        _counts(material.kind, given),
    )  # fmt: skip


def _difference(kind: Kind, first: SystemFacts, second: SystemFacts, tables: Tables) -> Difference:
    rated = tables[first.id, ""], tables[second.id, ""]
    low, high = kind.facts.low, kind.facts.high
    return Difference(first, second, attempt(partial(paired_difference, *rated, low, high)))


def _headline(material: Material, table: Floats) -> MeanScore:
    """The crossed interval, cut where the scale ends: the mean cannot lie beyond it."""
    low, high = material.kind.facts.low, material.kind.facts.high
    found = crossed_mos(table, low, high, seed=material.seed)
    return replace(found, ci_low=max(low, found.ci_low), ci_high=min(high, found.ci_high))


def _counts(kind: Kind, given: Floats) -> tuple[int, ...]:
    if kind is Kind.MUSHRA:
        return tuple(int(n) for n in np.histogram(given, bins=10, range=(0, 100))[0])
    return tuple(int((given == score).sum()) for score in range(1, 6))


def _choice(material: Material, first: SystemFacts, second: SystemFacts, table: Floats) -> Choice:
    kind = material.kind
    given = table[~np.isnan(table)]
    middle = 0.0 if kind is Kind.CMOS else 0.5
    wins, ties = int((given > middle).sum()), int((given == middle).sum())
    losses = int(given.size) - wins - ties
    rule = material.tie_rule if material.tie_rule in ("split", "trinomial") else "drop"
    return Choice(
        first, second, wins, losses, ties,
        attempt(lambda: preference(wins, losses, ties, rule)),  # type: ignore[arg-type]
        attempt(lambda: _headline(material, table)),
    )  # fmt: skip


def _ranking(material: Material, tables: Tables) -> Ranking:
    """Whoever was rated higher by the same listener for the same sentence wins."""
    if material.kind is Kind.ABX:
        raise InputRefused("listening.no_ranking")
    wins, level = _duels(material, tables)
    rule = ranked_ties(material.kind, material.tie_rule)
    ties = level if rule == "davidson" else None
    won = wins + level / 2 if rule == "split" else wins
    fit = bradley_terry(won.sum(axis=0), ties.sum(axis=0) if ties is not None else None)
    intervals = clustered_intervals([*won], [*ties] if ties is not None else None, seed=material.seed)
    return Ranking(material.systems, fit, intervals, rule)


def _duels(material: Material, tables: Tables) -> tuple[Floats, Floats]:
    """Wins and ties of each listener, each of shape (listeners, systems, systems)."""
    places = {s.id: place for place, s in enumerate(material.systems)}
    rows = next(iter(tables.values())).shape[0] if tables else 0
    wins = np.zeros((rows, len(places), len(places)))
    ties = np.zeros_like(wins)
    for first, second, lead in _leads(material, tables):
        one, other = places[first], places[second]
        wins[:, one, other] += (lead > 0).sum(axis=1)  # NaN is neither above nor below
        wins[:, other, one] += (lead < 0).sum(axis=1)
        ties[:, one, other] += (lead == 0).sum(axis=1)
        ties[:, other, one] += (lead == 0).sum(axis=1)
    return wins, ties


def _leads(material: Material, tables: Tables) -> list[tuple[str, str, Floats]]:
    """For each two systems, by how much the first led in each answer."""
    if material.kind.facts.pairs:
        middle = 0.0 if material.kind is Kind.CMOS else 0.5
        return [(one, other, table - middle) for (one, other), table in tables.items()]
    ids = [s.id for s in material.systems]
    return [(a, b, tables[a, ""] - tables[b, ""]) for a, b in combinations(ids, 2)]


def _needed(kind: Kind, tables: Tables, headlines: Sequence[Found[MeanScore]]) -> Needed:
    if kind in (Kind.AB, Kind.ABX):
        return votes_needed([*tables.values()])
    low, high = kind.facts.low, kind.facts.high
    return scores_needed([*tables.values()], headlines, WANTED_HALF_WIDTH.get(kind, 0.2), high - low)


def _stimuli(material: Material, rated: Sequence[Answer]) -> tuple[StimulusResult, ...]:
    """By system and sentence; of comparisons the first's scores."""
    known = {s.id: s for s in material.systems}
    groups: dict[tuple[str, int, str], list[float]] = {}
    for answer in rated:
        groups.setdefault((answer.system, answer.item, answer.stimulus), []).append(answer.score)
    order = {s.id: place for place, s in enumerate(material.systems)}
    return tuple(
        StimulusResult(
            known[system], item, stimulus, len(given), float(np.mean(given)),
            float(np.std(given, ddof=1)) if len(given) > 1 else 0.0,
        )
        for (system, item, stimulus), given in sorted(groups.items(), key=lambda kv: (order[kv[0][0]], kv[0][1]))
    )  # fmt: skip


def _listener(material: Material, facts: ListenerFacts, answers: list[Answer]) -> ListenerResult:
    rated = [a for a in answers if a.use is Use.RATED]
    given = np.array([a.score for a in rated])
    return ListenerResult(
        facts.pseudonym, facts.finished, len(rated), float(given.mean()) if given.size else None,
        float(given.std(ddof=1)) if given.size > 1 else None,
        float(np.median([a.response_ms for a in rated])) / 1000 if rated else None,
        sum(a.replays for a in rated), flags(material.kind, material.rule, facts, answers),
    )  # fmt: skip
