"""How many more ratings the wanted certainty needs, judged by those that are there."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from studio.listening.found import Found, attempt
from studio.listening.matrices import Floats
from studio.listening.stats import (
    MeanScore,
    Variances,
    choice_variances,
    design_effect,
    expected_half_width,
    listeners_needed,
    pairs_needed,
    variance_components,
)

TYPICAL_LISTENERS = 5  # as many measured ones weigh as much as what is typical of such tests
TYPICAL_VOTES = 4  # half for each side, beside those given (Agresti and Coull 1998)


@dataclass(frozen=True)
class Needed:
    """How far from the wanted certainty; None: more listeners alone will not do, more sentences are needed."""

    half_width_now: float | None
    wanted: float
    more_ratings: int | None
    more_listeners: int | None


def scores_needed(
    tables: Sequence[Floats], headlines: Sequence[Found[MeanScore]], wanted: float, span: float
) -> Needed:
    """Of the system that is furthest from it. Tables: rows listeners, columns stimuli of a scale `span` long."""
    typical = Variances().times((span / 4) ** 2)
    if any(_shape(table)[1] < 2 for table in tables):
        return Needed(None, wanted, None, None)
    found = [
        _distance(table, headline.value, wanted, typical)
        for table, headline in zip(tables, headlines, strict=True)
    ]
    return Needed(max(width for width, _ in found), wanted, *_more(tables, [n for _, n in found]))


def _shape(table: Floats) -> tuple[int, int]:
    """Listeners and stimuli that have any rating."""
    seen = ~np.isnan(table)
    return int(seen.any(axis=1).sum()), int(seen.any(axis=0).sum())


def _distance(
    table: Floats, headline: MeanScore | None, wanted: float, typical: Variances
) -> tuple[float, int | None]:
    """Half-width now, and how many listeners more.

    The interval that is shown decides whether it is narrow enough; how far the goal is follows from variances.
    """
    people, stimuli = _shape(table)
    variances, each = _variances(table, typical), _each(table)
    needed = listeners_needed(wanted, stimuli, variances, each)
    if headline is None:  # one listener
        return expected_half_width(2, stimuli, variances, each), needed and needed - people
    now = (headline.ci_high - headline.ci_low) / 2
    return now, 0 if now <= wanted else needed and max(1, needed - people)


def _each(table: Floats) -> float:
    """Ratings of a listener who gave any."""
    return float((~np.isnan(table)).sum()) / max(1, _shape(table)[0])


def _variances(table: Floats, typical: Variances) -> Variances:
    """Measured ones with the typical in them, which count for TYPICAL_LISTENERS: few who agree prove little."""
    measured = attempt(partial(variance_components, table)).value
    if measured is None:
        return typical
    return measured.blended(typical, TYPICAL_LISTENERS / (TYPICAL_LISTENERS + _shape(table)[0]))


def _more(tables: Sequence[Floats], listeners: Sequence[int | None]) -> tuple[int | None, int | None]:
    """(ratings, listeners) for the furthest of them; None where one is out of reach."""
    reached = [n for n in listeners if n is not None]
    if len(reached) < len(listeners):
        return None, None
    most = max(reached, default=0)
    return math.ceil(most * sum(_each(table) for table in tables)), most


def votes_needed(tables: Sequence[Floats]) -> Needed:
    """Votes for the exact test to find the preferences seen so far, 80 % power; of the closest pair."""
    return Needed(None, 0.0, *_more(tables, [_voters_needed(table) for table in tables]))


def _voters_needed(table: Floats) -> int | None:
    """How many listeners more; None where the preference is too close to one half.

    The share is drawn towards one half, for the first votes say little, and the votes grow by the design
    effect, for those of one listener are alike. Ties are no votes.
    """
    votes = np.where(table == 0.5, np.nan, table)
    given = votes[~np.isnan(votes)]
    share = (float((given > 0.5).sum()) + TYPICAL_VOTES / 2) / (given.size + TYPICAL_VOTES)
    exact = attempt(partial(pairs_needed, max(share, 1 - share))).value
    if exact is None:
        return None
    each = max(1.0, _each(votes))
    alike = _variances(votes, choice_variances()).icc
    return max(0, math.ceil((exact * design_effect(each, alike) - given.size) / each))
