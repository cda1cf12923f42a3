"""Results: read from the database, computed, exported; for a test's owner alone."""

import json
import threading
from dataclasses import dataclass, replace

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from studio.db.database import Database
from studio.db.tables import Listener, ListeningTest, Rating, Stimulus, Synthesis, System, Trial
from studio.errors import NotFound
from studio.listening.exports import to_csv, to_json
from studio.listening.figures import Material, Report, SystemFacts
from studio.listening.forms import Configuration
from studio.listening.kinds import Kind, Role, Use, ranked_ties
from studio.listening.making import systems_of
from studio.listening.report import report
from studio.listening.screening import Answer, ListenerFacts
from studio.privacy.access import Actor

KEPT = 16


@dataclass(frozen=True)
class Measured:
    """What was measured of the sound that listeners rated, where it was generated here."""

    predicted_mos: float | None
    similarity: float | None
    wer: float | None


@dataclass(frozen=True)
class Outcome:
    """A report with what is needed to show it: sentences by item, measurements by stimulus."""

    report: Report
    items: tuple[str, ...]
    measured: dict[str, Measured]


class Results:
    """Reports are kept until another rating comes in: pages look every few seconds."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._kept: dict[str, tuple[tuple[object, ...], Outcome]] = {}
        self._lock = threading.Lock()

    def of(self, actor: Actor, test_id: str) -> Outcome:
        """The report as it stands now; NotFound for somebody else's test."""
        with self._database.read() as session:
            test = self._find(session, actor, test_id)
            state = self._state(session, test)
            measured = _measured(session, test.id)
            with self._lock:
                kept = self._kept.get(test_id)
            if kept is not None and kept[0] == state:
                return replace(kept[1], measured=measured)  # WER and likeness come in by themselves
            material = material_of(session, test)
        made = Outcome(report(material), tuple(test.settings["items"]), measured)
        with self._lock:
            if len(self._kept) >= KEPT:
                self._kept.clear()
            self._kept[test_id] = state, made
        return made

    def measured(self, actor: Actor, test_id: str) -> dict[str, Measured]:
        """What is known by now of each stimulus that was generated here; NotFound for somebody else's test."""
        with self._database.read() as session:
            return _measured(session, self._find(session, actor, test_id).id)

    def export(self, actor: Actor, test_id: str, format_name: str) -> tuple[bytes, str, str]:
        """(bytes, media type, file name) of the answers; `format_name` csv or json, NotFound otherwise."""
        with self._database.read() as session:
            test = self._find(session, actor, test_id)
            material = material_of(session, test)
            flagged = {person.pseudonym: person.flags for person in report(material).listeners}
            systems = systems_of(session, test_id)
            context = {
                "test": test.name, "kind": test.kind, "config_hash": test.config_hash,
                "ranking_ties": ranked_ties(Kind(test.kind), test.settings["tie_rule"]),
                "items": test.settings["items"], "systems": {s.id: s.name for s in systems}, "flags": flagged,
            }  # fmt: skip
            fixed = {
                "settings": test.settings,
                "seed": test.seed,
                "systems": [{"id": s.id, "role": s.role, "source": s.source} for s in systems],
            }
        if format_name == "csv":
            return to_csv(context, material.answers), "text/csv", f"{test_id}.csv"
        if format_name == "json":
            return to_json(context, fixed, material.answers), "application/json", f"{test_id}.json"
        raise NotFound("web.format", format_name=format_name, formats="csv, json")

    def configuration(self, actor: Actor, test_id: str) -> str:
        """The fixed configuration as JSON, the document whose hash every rating carries."""
        return json.dumps(json.loads(self.export(actor, test_id, "json")[0])["configuration"], indent=1)

    @staticmethod
    def _find(session: Session, actor: Actor, test_id: str) -> ListeningTest:
        test = session.get(ListeningTest, test_id)
        if test is None or not actor.owns(test.owner_id):
            raise NotFound("listening.unknown")
        return test

    @staticmethod
    def _state(session: Session, test: ListeningTest) -> tuple[object, ...]:
        """Changes whenever the report would."""
        query = (
            select(func.count(Rating.id), func.max(Rating.created_at))
            .join(Trial, Trial.id == Rating.trial_id)
            .where(Trial.test_id == test.id)
        )
        people = select(func.count(), func.count(Listener.finished_at), func.count(Listener.headphones))
        names = select(func.group_concat(System.name, "\x1f")).where(System.test_id == test.id)
        here = session.execute(people.where(Listener.test_id == test.id)).one()
        return (*session.execute(query).one(), *here, session.execute(names).scalar_one())


def material_of(session: Session, test: ListeningTest) -> Material:
    """A test's listeners and answers as they stand; previews are left out."""
    configuration = Configuration.from_json(test.settings)
    kind = Kind(test.kind)
    rated = [s for s in systems_of(session, test.id) if kind is not Kind.SMOS or s.role != Role.REFERENCE]
    people = session.scalars(
        select(Listener)
        .where(Listener.test_id == test.id, Listener.preview.is_(False))
        .order_by(Listener.number)
    )
    return Material(
        kind, tuple(SystemFacts(s.id, s.name, Role(s.role)) for s in rated), len(configuration.items),
        configuration.tie_rule, configuration.rule, test.seed,
        tuple(ListenerFacts(p.pseudonym, p.finished_at is not None, p.headphones) for p in people),
        tuple(_answers(session, test.id)),
    )  # fmt: skip


def _answers(session: Session, test_id: str) -> list[Answer]:
    stimuli = {s.id: s for s in session.scalars(select(Stimulus).where(Stimulus.test_id == test_id))}
    roles = {s.id: Role(s.role) for s in systems_of(session, test_id)}
    query = (
        select(Rating, Trial, Listener.pseudonym)
        .join(Trial, Trial.id == Rating.trial_id)
        .join(Listener, Listener.id == Rating.listener_id)
        .where(Trial.test_id == test_id, Listener.preview.is_(False))
        .order_by(Listener.number, Rating.position, Rating.created_at)
    )
    found = []
    for rating, trial, pseudonym in session.execute(query):
        system = stimuli[trial.stimulus_id].system_id or ""
        second = stimuli[trial.second_id].system_id or "" if trial.second_id else ""
        found.append(
            Answer(
                pseudonym,
                trial.id,
                Use(trial.role),
                trial.item,
                system,
                second,
                roles.get(system, Role.SYSTEM),
                rating.score,
                trial.expected,
                rating.position,
                rating.side,
                rating.replays,
                rating.response_ms,
                rating.heard_to_end,
                rating.created_at,
                trial.stimulus_id,
            )
        )
    return found


def _measured(session: Session, test_id: str) -> dict[str, Measured]:
    query = (
        select(Stimulus.id, Synthesis.predicted_mos, Synthesis.similarity, Synthesis.wer)
        .join(Synthesis, Synthesis.id == Stimulus.synthesis_id)
        .where(Stimulus.test_id == test_id)
    )
    return {row[0]: Measured(row[1], row[2], row[3]) for row in session.execute(query)}
