"""How a speaker's voices were measured, for the speaker's own file."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from studio.db.tables import EvaluationRun, MetricScore, Synthesis, Voice
from studio.privacy.telling import Held, Teller, all_told, counted


class ScoreTeller(Teller):
    """Evaluation runs of the voices, and every score of them or of a take."""

    def held(self, session: Session, speaker_id: str) -> Iterator[Held]:
        yield from counted(session, _runs(speaker_id), "evaluation_run")
        yield from counted(session, _scores(speaker_id), "metric_score")

    def data(self, session: Session, speaker_id: str) -> dict[str, Any]:
        return {
            "evaluations": all_told(session, _runs(speaker_id)),
            "scores": all_told(session, _scores(speaker_id)),
        }


def _runs(speaker_id: str):  # type: ignore[no-untyped-def]
    return select(EvaluationRun).join(Voice).where(Voice.speaker_id == speaker_id)


def _scores(speaker_id: str):  # type: ignore[no-untyped-def]
    runs = select(EvaluationRun.id).join(Voice).where(Voice.speaker_id == speaker_id)
    takes = select(Synthesis.id).join(Voice).where(Voice.speaker_id == speaker_id)
    return select(MetricScore).where(or_(MetricScore.run_id.in_(runs), MetricScore.synthesis_id.in_(takes)))
