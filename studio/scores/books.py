"""What a run works with, and the one way it writes down: progress, scores, facts, the gate asked before each."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from studio.consent.gate import permits
from studio.consent.purposes import Purpose
from studio.db.database import Database
from studio.db.tables import EvaluationRun, Synthesis, Voice
from studio.engines.registry import Registry
from studio.errors import NotFound
from studio.evaluation.judges import Judges
from studio.privacy.access import Actor
from studio.scores.measuring import MOS, SIMILARITY, WER
from studio.scores.recognisers import RecogniserChoice, Recognisers
from studio.scores.requests import EvaluationEvent, Score, System
from studio.scores.sentences import Sentence
from studio.scores.store import ScoreStore
from studio.synthesis.requests import Take
from studio.synthesis.service import SynthesisService
from studio.voices.enrolment import EnrolmentService
from studio.voices.floor import FloorDesk
from studio.voices.service import VoiceService
from studio.work.live import Live

PURPOSES = frozenset({Purpose.ZERO_SHOT, Purpose.EVALUATION})


@dataclass(frozen=True)
class Rooms:
    """The services a run works with."""

    database: Database
    voices: VoiceService
    enrolment: EnrolmentService
    synthesis: SynthesisService
    engines: Registry
    judges: Judges
    recognisers: Recognisers
    store: ScoreStore
    floors: FloorDesk
    device: str
    cores: int


@dataclass(frozen=True)
class Task:
    """What a run does. `takes` are those to measure; without them the sentences are spoken first."""

    run_id: str
    system: System
    language: str
    sentences: tuple[Sentence, ...]
    seed: int
    recogniser: RecogniserChoice
    fresh_setup: bool = False
    takes: tuple[Take, ...] = ()


class Books:
    """Of one run. `rooms`, `live`, `actor` and `task` are what it is about; nothing else is kept between steps."""

    def __init__(self, rooms: Rooms, live: Live[EvaluationEvent], actor: Actor, task: Task) -> None:
        self.rooms, self.live, self.actor, self.task = rooms, live, actor, task
        recorded = sum(sentence.recording is not None for sentence in task.sentences)
        self._steps = len(task.sentences) * (1 if task.takes else 2) + recorded + 1
        self._done = 0

    def tell(self, stage: str) -> None:
        total = len(self.task.sentences)
        fraction = min(1.0, self._done / self._steps)
        self.live.publish(EvaluationEvent(self.task.run_id, stage, self._done, total, fraction))

    def step(self, stage: str) -> None:
        self._done += 1
        self.tell(stage)

    def finish(self) -> None:
        self._done = self._steps
        self.tell("done")

    def check(self) -> None:
        """Cancelled when somebody asked for it."""
        self.live.check()

    def voice(self, session: Session) -> Voice | None:
        """The voice under test, the gate asked anew; None for a preset."""
        voice_id = self.task.system.voice.voice_id
        if not voice_id:
            return None
        voice = self.rooms.voices.find(session, self.actor, voice_id)
        spec = self.rooms.engines.spec(self.task.system.engine_id)
        permits(session, voice, PURPOSES, spec, self.task.language)
        return voice

    def keep(self, scores: Sequence[Score], subject: str, position: int, take_id: str | None = None) -> None:
        """Store scores of a sentence; the take's own row learns them, too. The gate is asked before."""
        with self.rooms.database.write() as session:
            self.voice(session)
            self.rooms.store.add(session, self.task.run_id, scores, subject, position, take_id)
            row = session.get(Synthesis, take_id) if take_id else None
            if row is not None:
                _onto(row, {score.metric: score for score in scores})

    def note(self, **facts: object) -> None:
        with self.rooms.database.write() as session:
            row = self.row(session)
            for name, value in facts.items():
                setattr(row, name, value)

    def row(self, session: Session) -> EvaluationRun:
        row = session.get(EvaluationRun, self.task.run_id)
        if row is None:
            raise NotFound("scores.unknown")  # its speaker withdrew while it ran
        return row


def _onto(row: Synthesis, scores: dict[str, Score]) -> None:
    """The take's row as the Clone tab shows it."""
    if WER not in scores:
        return
    row.similarity, row.predicted_mos = scores[SIMILARITY].value, scores[MOS].value
    row.wer = scores[WER].value
    row.transcript = str(scores[WER].detail["transcript"]) if row.wer is not None else None
