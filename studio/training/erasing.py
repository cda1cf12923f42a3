"""What goes with a speaker who withdraws: every run that learned from their recordings, and what came of it."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from studio.db.tables import Adapter, TrainingJob, Voice
from studio.privacy.erasure import Erased
from studio.training.launching import Ground
from studio.training.leftovers import remove_run
from studio.training.store import note_of


def jobs_of_speaker(session: Session, speaker_id: str) -> list[TrainingJob]:
    """Jobs that learn from a speaker's recordings: for their own voices, or to keep a language of another."""
    voices = set(session.scalars(select(Voice.id).where(Voice.speaker_id == speaker_id)))
    return [
        row
        for row in session.scalars(select(TrainingJob))
        if row.voice_id in voices or voices & {note.voice_id for note in note_of(row).replay}
    ]


def erase_jobs(session: Session, ground: Ground, speaker_id: str) -> Erased:
    """The rows of their jobs, in the caller's transaction; adapters of their own voices and run keys are assets
    and counted as such. Other speakers' jobs that replayed their recordings go with the adapters they made.
    """
    rows = jobs_of_speaker(session, speaker_id)
    for row in rows:
        if session.get_one(Voice, row.voice_id).speaker_id != speaker_id:
            _forget_weights(session, ground, row)
        session.delete(row)
        remove_run(ground.runs / row.id)
    session.flush()
    return Erased({"training_job": len(rows)})


def _forget_weights(session: Session, ground: Ground, row: TrainingJob) -> None:
    made = [*session.scalars(select(Adapter).where(Adapter.job_id == row.id))]
    assets = [one.asset_id for one in made] + ([row.key_asset_id] if row.key_asset_id else [])
    for adapter in made:
        session.delete(adapter)
    row.key_asset_id = None
    session.flush()
    for asset_id in assets:
        ground.vault.delete(session, asset_id)
