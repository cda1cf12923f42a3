"""Whether a job may go on: the gate, asked for every voice whose recordings it learns from."""

from sqlalchemy.orm import Session

from studio.consent.gate import permits
from studio.consent.purposes import Purpose
from studio.db.tables import ConsentRecord, TrainingJob, Voice
from studio.engines.base import EngineSpec
from studio.errors import NotFound
from studio.training.store import note_of

PURPOSES = frozenset({Purpose.FINE_TUNE})
# For good, as long as nobody agrees anew; the other refusals (a paper is missing, it is under review) can mend.
LOST = frozenset({
    "voices.unknown", "consent.none", "consent.withdrawn", "consent.expired", "consent.refused",
    "consent.purpose_missing", "consent.engine_missing", "consent.language_missing",
})  # fmt: skip


def permitted(session: Session, job: TrainingJob, spec: EngineSpec) -> ConsentRecord:
    """The consent that covers training the job's voice now; raises what `permits` does, NotFound without a voice."""
    note = note_of(job)
    for replay in note.replay:
        _asked(session, replay.voice_id, spec, replay.language)
    return _asked(session, job.voice_id, spec, note.language)


def _asked(session: Session, voice_id: str, spec: EngineSpec, language: str) -> ConsentRecord:
    voice = session.get(Voice, voice_id)
    if voice is None:
        raise NotFound("voices.unknown")
    return permits(session, voice, PURPOSES, spec, language)
