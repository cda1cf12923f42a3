"""What listeners gave to generated takes, over all tests in which the same sound was rated."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from studio.db.database import Database
from studio.db.tables import ListeningTest, Stimulus, Synthesis
from studio.errors import InputRefused
from studio.listening.kinds import Kind, Use
from studio.listening.results import material_of
from studio.listening.screening import Answer, flags
from studio.listening.stats import MeanScore, bounded_mos, crossed_mos

MOST_AT_ONCE = 500  # names in one SQL query


@dataclass(frozen=True)
class Given:
    """One rating of a take; `listener` is one person in one test."""

    take_id: str
    listener: str
    score: float


class RatingsOfTakes:
    """Mean opinion scores of takes. A take that was spoken again by the same recipe (engine, voice, words, options,
    seed) is the same sound, so its ratings count for both. Listeners who were flagged by their test's own rules,
    previews and practice pages are left out.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def by_take(self, take_ids: Sequence[str]) -> Mapping[str, MeanScore]:
        """Each rated take's mean, with an interval that stays on the scale."""
        scores: dict[str, list[float]] = defaultdict(list)
        for one in self._given(take_ids):
            scores[one.take_id].append(one.score)
        return {take_id: bounded_mos(found) for take_id, found in scores.items()}

    def over_takes(self, take_ids: Sequence[str]) -> MeanScore | None:
        """The mean over the takes: listeners and takes both as random samples where there are two of each."""
        given = self._given(take_ids)
        if not given:
            return None
        rows = {name: at for at, name in enumerate(dict.fromkeys(one.listener for one in given))}
        columns = {take: at for at, take in enumerate(dict.fromkeys(one.take_id for one in given))}
        table = np.full((len(rows), len(columns)), np.nan)
        for one in given:
            table[rows[one.listener], columns[one.take_id]] = one.score
        try:
            found = crossed_mos(table)
            return replace(found, ci_low=max(1.0, found.ci_low), ci_high=min(5.0, found.ci_high))
        except InputRefused:  # one listener or one take: no spread to be seen
            return bounded_mos(table[~np.isnan(table)])

    def _given(self, take_ids: Sequence[str]) -> list[Given]:
        with self._database.read() as session:
            stimuli = _stimuli(session, list(dict.fromkeys(take_ids)))
            tests = dict.fromkeys(test for test, _, _ in stimuli)
            return [one for test_id in tests for one in _of_test(session, test_id, stimuli)]


def _stimuli(session: Session, take_ids: list[str]) -> list[tuple[str, str, str]]:
    """(test, stimulus, take) for every MOS test of the takes' owner that plays one of them."""
    asked, played = aliased(Synthesis), aliased(Synthesis)
    query = (
        select(Stimulus.test_id, Stimulus.id, asked.id)
        .join(played, played.id == Stimulus.synthesis_id)
        .join(asked, (asked.phrase_key == played.phrase_key) & (asked.owner_id == played.owner_id))
        .join(ListeningTest, ListeningTest.id == Stimulus.test_id)
        .where(ListeningTest.kind == Kind.MOS.value, ListeningTest.owner_id == asked.owner_id)
    )
    found: list[tuple[str, str, str]] = []
    for at in range(0, len(take_ids), MOST_AT_ONCE):
        part = query.where(asked.id.in_(take_ids[at : at + MOST_AT_ONCE]))
        found += [(row[0], row[1], row[2]) for row in session.execute(part)]
    return found


def _of_test(session: Session, test_id: str, stimuli: list[tuple[str, str, str]]) -> list[Given]:
    takes: dict[str, list[str]] = defaultdict(list)
    for test, stimulus, take_id in stimuli:
        if test == test_id:
            takes[stimulus].append(take_id)
    material = material_of(session, session.get_one(ListeningTest, test_id))
    answers: dict[str, list[Answer]] = defaultdict(list)
    for answer in material.answers:
        answers[answer.listener].append(answer)
    flagged = {
        person.pseudonym
        for person in material.listeners
        if flags(material.kind, material.rule, person, answers[person.pseudonym])
    }
    return [
        Given(take_id, f"{test_id}:{answer.listener}", answer.score)
        for answer in material.answers
        if answer.use is Use.RATED and answer.listener not in flagged
        for take_id in takes.get(answer.stimulus, ())
    ]
