"""What was trained with a speaker's voices, for the speaker's own file."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from studio.audio.formats import AudioFormat
from studio.db.tables import Adapter, Checkpoint, TrainingJob, Voice
from studio.errors import NotFound
from studio.privacy.telling import RUNS, Held, HeldFile, Teller, all_told, counted, told
from studio.provenance.marking import Marker
from studio.training.checkpoints import Checkpoints
from studio.training.run_folder import RunFolder
from studio.training.shelf import AdapterShelf
from studio.training.store import checkpoints_of


class TrainingTeller(Teller):
    """Jobs with their checkpoints, adapters with their cards, and the run folders.

    Of a run folder the export has the curves and the sample sentences, marked. The rest of it is sealed copies of
    the dataset, told by the datasets, and weights that are replaced while a job runs: what is kept of those are
    the adapters, which are in the vault.
    """

    def __init__(self, shelf: AdapterShelf, marker: Marker) -> None:
        self._shelf = shelf
        self._marker = marker

    def held(self, session: Session, speaker_id: str) -> Iterator[Held]:
        jobs = _jobs(speaker_id)
        ids = select(jobs.subquery().c.id)
        yield from counted(session, jobs, "training_job")
        yield from counted(session, select(Checkpoint).where(Checkpoint.job_id.in_(ids)), "checkpoint")
        yield from counted(session, _adapters(speaker_id), "adapter_card")
        folders = [self._shelf.runs / job_id for job_id in session.scalars(ids)]
        there = [folder for folder in folders if folder.is_dir()]
        if there:
            yield Held("training_run", len(there), sum(map(_size, there)), RUNS)

    def data(self, session: Session, speaker_id: str) -> dict[str, Any]:
        jobs = [*session.scalars(_jobs(speaker_id))]
        trainings = [
            told(job) | {"checkpoints": [told(row) for row in checkpoints_of(session, job.id)]}
            for job in jobs
        ]
        return {"trainings": trainings, "adapters": all_told(session, _adapters(speaker_id))}

    def files(self, session: Session, speaker_id: str) -> Iterator[HeldFile]:
        for job in [*session.scalars(_jobs(speaker_id))]:
            try:
                run = self._shelf.run(session, job)
            except NotFound:
                continue
            yield HeldFile(f"training_run/{job.id}/events.jsonl", run.events_file.read_bytes)
            for row in checkpoints_of(session, job.id):
                for number in range(row.samples):
                    name = f"training_run/{job.id}/{row.step}-{number}.wav"
                    yield HeldFile(name, partial(self._sample, run, row, number))

    def _sample(self, run: RunFolder, row: Checkpoint, number: int) -> bytes:
        clip = Checkpoints(run).sample(row.step, number)
        return self._marker.file(self._marker.clip(clip), AudioFormat.WAV, row.created_at)


def _jobs(speaker_id: str):  # type: ignore[no-untyped-def]
    return select(TrainingJob).join(Voice).where(Voice.speaker_id == speaker_id)


def _adapters(speaker_id: str):  # type: ignore[no-untyped-def]
    return select(Adapter).join(Voice).where(Voice.speaker_id == speaker_id)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
