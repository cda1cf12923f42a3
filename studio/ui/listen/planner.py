"""The planner: what certainty to expect from so many listeners and sentences, and what a wanted one needs."""

from studio.errors import StudioError
from studio.listening.kinds import Kind
from studio.listening.stats import (
    Variances,
    expected_half_width,
    listeners_needed,
    pairs_needed,
    ratings_needed,
)
from studio.ui.markup import esc, facts
from studio.ui.words import Words

SCALE = {Kind.MUSHRA: 25.0, Kind.CMOS: 1.5}  # a MOS point on their scales, for typical spreads
WANTED = {Kind.MUSHRA: 5.0}


def plan_card(words: Words, kind: Kind, listeners: int, sentences: int, systems: int) -> str:
    """The plan as it stands; StudioErrors become their reason."""
    try:
        rows = (
            _votes(words, listeners, sentences)
            if kind in (Kind.AB, Kind.ABX)
            else _scores(words, kind, listeners, sentences)
        )
    except StudioError as trouble:
        return f'<p class="tb-note">{esc(trouble.part("why", words.language))}</p>'
    per = systems * (systems - 1) // 2 if kind.facts.pairs else 1 if kind is Kind.MUSHRA else systems
    rows[words("plan.pages")] = esc(max(0, per) * sentences)
    return (
        f'<div class="tb-card" id="plan">{facts(rows)}<p class="tb-dim">{esc(words("plan.told"))}</p></div>'
    )


def _scores(words: Words, kind: Kind, listeners: int, sentences: int) -> dict[str, str]:
    scale, wanted = SCALE.get(kind, 1.0) ** 2, WANTED.get(kind, 0.2)
    typical = Variances()
    spread = Variances(typical.listener * scale, typical.stimulus * scale, typical.error * scale)
    width = expected_half_width(listeners, sentences, spread)
    needed = listeners_needed(wanted, sentences, spread)
    told = words("plan.listeners", n=needed) if needed is not None else words("plan.more_sentences")
    rows = {
        words("plan.expect"): f"± {words.number(width)}",
        words("plan.for", width=words.number(wanted, 1)): esc(told),
    }
    if kind in (Kind.MOS, Kind.SMOS):
        rows[words("plan.difference")] = esc(words("plan.pairs", n=ratings_needed()))
    return rows


def _votes(words: Words, listeners: int, sentences: int) -> dict[str, str]:
    votes = max(1, listeners * sentences)
    half = 196 * (0.25 / votes) ** 0.5  # 1.96 standard errors at one half, in percentage points
    return {
        words("plan.expect"): f"± {words.number(half, 1)} %",
        words("plan.share"): esc(words("plan.votes", n=pairs_needed(0.6))),
    }
