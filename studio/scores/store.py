"""Runs and scores in the database: written while a run goes on, read for the page and the exports."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from studio.db.database import Database
from studio.db.tables import EvaluationRun, MetricScore, Synthesis, now
from studio.errors import InputRefused, NotFound, StudioError
from studio.privacy import audit
from studio.privacy.access import Actor
from studio.privacy.vault import Vault
from studio.scores.measuring import plain
from studio.scores.requests import INTERRUPTED, RECORDING, RUN, RUNNING, TAKE, Line, RunResult, RunView, Score
from studio.synthesis.requests import VoiceChoice

MOST = 200


def mark_interrupted(database: Database) -> None:
    """At start, when no other process is at work: what still says "running" died with its process."""
    query = update(EvaluationRun).where(EvaluationRun.status == RUNNING)
    with database.write() as session:
        session.execute(query.values(status=INTERRUPTED, ended_at=now()))


class ScoreStore:
    """Reads and writes runs; only their owner (or an administrator) can read them."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

    # Writing, in the caller's transaction

    def add(
        self, session: Session, run_id: str, scores: Iterable[Score], subject: str,
        position: int | None = None, take_id: str | None = None,
    ) -> None:  # fmt: skip
        for score in scores:
            trouble = {"key": score.trouble[0], "facts": dict(score.trouble[1])} if score.trouble else None
            session.add(
                MetricScore(
                    run_id=run_id, synthesis_id=take_id, subject=subject, position=position, metric=score.metric,
                    value=score.value, low=score.low, high=score.high, n=score.n, version=score.version,
                    parameters=dict(score.parameters), models=list(score.models), detail=dict(score.detail),
                    trouble=trouble,
                )
            )  # fmt: skip

    def end(self, run_id: str, status: str, error: StudioError | None = None) -> None:
        """Close a run that did not come to its end; nothing happens when it was erased meanwhile."""
        with self._database.write() as session:
            row = session.get(EvaluationRun, run_id)
            if row is not None:
                row.status, row.ended_at = status, now()
                row.trouble = {"key": error.key, "facts": plain(error.facts)} if error else None

    # Reading

    def runs(self, actor: Actor, *, status: str = "") -> list[RunView]:
        """The actor's runs, newest first."""
        query = select(EvaluationRun).where(EvaluationRun.owner_id == actor.account_id)
        if status:
            query = query.where(EvaluationRun.status == status)
        with self._database.read() as session:
            rows = list(session.scalars(query.order_by(EvaluationRun.started_at.desc()).limit(MOST)))
            totals = self._totals(session, [row.id for row in rows])
            return [_view(row, totals[row.id], actor.language) for row in rows]

    def find(self, actor: Actor, run_id: str) -> RunResult:
        """A run with its sentences; NotFound for an unknown one and for somebody else's."""
        with self._database.read() as session:
            row = self._row(session, actor, run_id)
            view = _view(row, self._totals(session, [row.id])[row.id], actor.language)
            return RunResult(view, tuple(self._lines(session, row)))

    def delete(self, actor: Actor, run_id: str) -> None:
        """Remove a run, its scores and the takes made for it; takes that were there before stay."""
        with self._database.write() as session:
            row = self._row(session, actor, run_id)
            if row.status == RUNNING:
                raise InputRefused("scores.still_running")
            takes = list(session.scalars(select(Synthesis).where(Synthesis.batch_id == row.id)))
            session.delete(row)
            session.flush()
            for take in takes:
                session.delete(take)
                session.flush()
                self._vault.delete(session, take.asset_id)
            audit.append(session, actor.account_id, "evaluation.deleted", run_id, takes=len(takes))

    def measured_setup(
        self, session: Session, voice_id: str, engine_id: str, content_id: str
    ) -> float | None:
        """How long this very encoding took, if a run measured it."""
        query = select(EvaluationRun.setup_s).where(
            EvaluationRun.voice_id == voice_id,
            EvaluationRun.engine_id == engine_id,
            EvaluationRun.voice_content_id == content_id,
            EvaluationRun.setup_measured.is_(True),
        )
        return session.scalars(query.order_by(EvaluationRun.started_at.desc()).limit(1)).first()

    @staticmethod
    def _row(session: Session, actor: Actor, run_id: str) -> EvaluationRun:
        row = session.get(EvaluationRun, run_id)
        if row is None or not actor.owns(row.owner_id):
            raise NotFound("scores.unknown")
        return row

    @staticmethod
    def _totals(session: Session, run_ids: Sequence[str]) -> Mapping[str, dict[str, Score]]:
        found: dict[str, dict[str, Score]] = defaultdict(dict)
        query = select(MetricScore).where(MetricScore.run_id.in_(run_ids), MetricScore.subject == RUN)
        for row in session.scalars(query):
            found[row.run_id][row.metric] = _score(row)
        return found

    @staticmethod
    def _lines(session: Session, row: EvaluationRun) -> Iterable[Line]:
        query = select(MetricScore).where(MetricScore.run_id == row.id, MetricScore.position.is_not(None))
        scores: dict[tuple[int, str], dict[str, Score]] = defaultdict(dict)
        takes: dict[int, str] = {}
        for one in session.scalars(query):
            assert one.position is not None
            scores[one.position, one.subject][one.metric] = _score(one)
            if one.synthesis_id:
                takes[one.position] = one.synthesis_id
        lasting = select(Synthesis.id, Synthesis.duration_s).where(Synthesis.id.in_(takes.values()))
        durations = {found.id: found.duration_s for found in session.execute(lasting)}
        for position, sentence in enumerate(row.sentences):
            take_id = takes.get(position)
            yield Line(
                position, sentence["name"], sentence["text"], take_id, durations.get(take_id or ""),
                scores[position, TAKE], scores[position, RECORDING],
            )  # fmt: skip


def _score(row: MetricScore) -> Score:
    trouble = (row.trouble["key"], row.trouble["facts"]) if row.trouble else None
    return Score(
        row.metric, row.value, row.version, row.parameters, tuple(row.models), row.low, row.high, row.n, row.detail,
        trouble,
    )  # fmt: skip


def _view(row: EvaluationRun, scores: Mapping[str, Score], language: str) -> RunView:
    voice = (
        VoiceChoice(voice_id=row.voice_id)
        if row.voice_id
        else VoiceChoice(engine_id=row.engine_id, preset_id=row.preset_id or "")
    )
    trouble = StudioError(row.trouble["key"], **row.trouble["facts"]).text(language) if row.trouble else ""
    return RunView(
        row.id, voice.key, row.voice_name, row.engine_id, row.option,
        row.adapter_id or row.checkpoint_id or "", row.language, row.set_id, row.set_titles,
        row.content_id, len(row.sentences), row.seed, row.options, row.recogniser, row.device, row.cores, row.setup_s,
        row.setup_measured, row.training_s, row.peak_bytes, row.peak_gpu_bytes, row.hour_price, row.status, trouble,
        row.started_at, row.ended_at, scores,
    )  # fmt: skip
