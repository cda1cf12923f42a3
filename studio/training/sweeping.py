"""What nobody needs any more: folders without a job, and runs at rest whose consent has ended for good."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from studio.db.tables import TrainingJob
from studio.engines.registry import Registry
from studio.errors import ConsentMissing, NotFound, StudioError
from studio.training.books import Books
from studio.training.forms import JobState
from studio.training.leftovers import remove_run
from studio.training.permission import LOST, permitted
from studio.training.store import in_state

RESTING = (JobState.PAUSED, JobState.INTERRUPTED, JobState.FAILED)


def sweep(books: Books, engines: Registry) -> None:
    """Remove the folders with the processes that still work there; destroy the runs, and say why in their rows."""
    folders = [path for path in books.ground.runs.iterdir() if path.is_dir()]
    with books.ground.database.read() as session:
        known = set(session.scalars(select(TrainingJob.id)))
        rows = in_state(session, RESTING)
        lost = [(row.id, error) for row in rows if (error := _lost(session, row, engines))]
    for folder in folders:
        if folder.name not in known:
            remove_run(folder)
    for job_id, error in lost:
        books.drop(job_id, error)


def _lost(session: Session, row: TrainingJob, engines: Registry) -> StudioError | None:
    """Why a job that could be resumed never will be, as long as nobody agrees anew."""
    if row.key_asset_id is None:
        return None
    try:
        permitted(session, row, engines.spec(row.engine_id))
    except (ConsentMissing, NotFound) as error:
        return error if error.key in LOST else None
    except StudioError:  # an engine whose licence changed, say: nothing that ends a consent
        return None
    return None
