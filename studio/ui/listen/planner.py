"""The planner: what certainty to expect from so many listeners and sentences, and what a wanted one needs."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from studio.errors import StudioError
from studio.listening.forms import SpokenBy, SystemForm, Uploaded
from studio.listening.kinds import Kind
from studio.listening.stats import (
    Variances,
    choice_variances,
    design_effect,
    expected_half_width,
    listeners_needed,
    pairs_needed,
    ratings_needed,
)
from studio.ui.markup import esc, facts
from studio.ui.words import Words

SCALE = {Kind.MUSHRA: 25.0, Kind.CMOS: 1.5}  # a MOS point on their scales, for typical spreads
WANTED = {Kind.MUSHRA: 5.0}
ASSUMED = 10  # sentences, while none are written


@dataclass(frozen=True)
class Intent:
    """What somebody means to do. `items`: of each system how many sounds; `per_listener`: most pages, 0 all."""

    kind: Kind
    listeners: int
    items: tuple[int, ...]
    per_listener: int = 0

    @property
    def pages(self) -> int:
        """Questions there are."""
        if self.kind.facts.pairs:
            return sum(map(min, combinations(self.items, 2)))
        return max(self.items) if self.kind is Kind.MUSHRA else sum(self.items)

    @property
    def asked(self) -> int:
        """Questions one listener gets."""
        return min(self.pages, self.per_listener or self.pages)

    @property
    def stimuli(self) -> int:
        """Sounds of the system, or pair, that has the fewest: its interval is the widest."""
        return min(self.items)

    @property
    def each(self) -> float:
        """How many of those one listener rates."""
        return self.stimuli * self.asked / self.pages


def items_of(systems: Sequence[SystemForm], sentences: int) -> tuple[int, ...]:
    """Sounds of each system, as the test would have them: clips stand for sentences, as many as there are."""
    clips = [len(one.source.clips) for one in systems if isinstance(one.source, Uploaded)]
    spoken = any(isinstance(one.source, SpokenBy) for one in systems)
    lines = sentences or (max(clips) if clips and not spoken else ASSUMED)
    found = [
        min(lines, len(one.source.clips)) if isinstance(one.source, Uploaded) else lines for one in systems
    ]
    return tuple(found + [lines] * (2 - len(found)))  # two systems, until they are picked


def plan_card(words: Words, plan: Intent) -> str:
    """The plan as it stands; StudioErrors become their reason."""
    try:
        rows = _votes(words, plan) if plan.kind in (Kind.AB, Kind.ABX) else _scores(words, plan)
    except StudioError as trouble:
        return f'<p class="tb-note">{esc(trouble.part("why", words.language))}</p>'
    rows[words("plan.pages")] = esc(plan.asked)
    return (
        f'<div class="tb-card" id="plan">{facts(rows)}<p class="tb-dim">{esc(words("plan.told"))}</p></div>'
    )


def _scores(words: Words, plan: Intent) -> dict[str, str]:
    scale, wanted = SCALE.get(plan.kind, 1.0) ** 2, WANTED.get(plan.kind, 0.2)
    spread = Variances().times(scale)
    width = expected_half_width(plan.listeners, plan.stimuli, spread, plan.each)
    needed = listeners_needed(wanted, plan.stimuli, spread, plan.each)
    told = words("plan.listeners", n=needed) if needed is not None else words("plan.more_sentences")
    rows = {
        words("plan.expect"): f"± {words.number(width)}",
        words("plan.for", width=words.number(wanted, 1)): esc(told),
    }
    if plan.kind in (Kind.MOS, Kind.SMOS):
        rows[words("plan.difference")] = esc(words("plan.pairs", n=ratings_needed()))
    return rows


def _votes(words: Words, plan: Intent) -> dict[str, str]:
    """Listeners and sentences both random, as in the interval of the results; a vote is 0 or 1."""
    spread = choice_variances()
    half = 100 * expected_half_width(plan.listeners, plan.stimuli, spread, plan.each)
    each = max(1.0, plan.each)
    votes = math.ceil(pairs_needed(0.6) * design_effect(each, spread.icc))
    people = math.ceil(votes / plan.each)
    return {
        words("plan.expect"): f"± {words.number(half, 1)} %",
        words("plan.share"): esc(words("plan.votes", n=votes, listeners=people)),
    }
