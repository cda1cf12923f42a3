"""Jobs that run: their processes are found, listened to, hurried, and stopped when consent ends."""

import logging
import time
from typing import Any

from studio.db.tables import TrainingJob
from studio.engines.registry import Registry
from studio.errors import ConsentMissing, LicenceForbids, NotFound, StudioError
from studio.training.books import Books
from studio.training.forms import JobState, Wish
from studio.training.hearing import Ending
from studio.training.launching import Child, found
from studio.training.leftovers import remove_folder
from studio.training.permission import permitted
from studio.training.run_folder import RunFolder
from studio.training.store import in_state

CONSENT_S = 2.0  # how often the gate is asked for every job that runs
LEAVE_S = 20.0  # a child that has said goodbye is given this long to go
CANCEL_S = 60.0  # and one that was asked to stop this long to do so
STUMBLES = 6  # looks at a job that may fail in a row (a locked database, say) before it is given up
log = logging.getLogger(__name__)


class Run:
    """A job whose process is followed. `told` is how it said it ended, if it did."""

    def __init__(self, job_id: str, device: str, child: Child) -> None:
        self.job_id, self.device, self.child = job_id, device, child
        self.told: Ending | None = None
        self.patience_ends: float | None = None
        self.stumbles = 0


class Followed:
    """The runs of this supervisor, by job."""

    def __init__(self, books: Books, engines: Registry) -> None:
        self._books, self._engines, self._database = books, engines, books.ground.database
        self._runs: dict[str, Run] = {}
        self._watched_at = 0.0

    def add(self, job_id: str, device: str, child: Child) -> None:
        self._runs[job_id] = Run(job_id, device, child)

    def devices(self) -> list[str]:
        """What is held by a run that is followed, and by a job that could not be taken up."""
        with self._database.read() as session:
            running = [row.device for row in in_state(session, [JobState.RUNNING])]
        return [*running, *(run.device for run in self._runs.values())]

    def adopt(self) -> None:
        """Jobs that run and that nobody follows: a studio before this one, or this very one, lost them."""
        with self._database.read() as session:
            rows = [row for row in in_state(session, [JobState.RUNNING]) if row.id not in self._runs]
        for row in rows:
            try:
                child = found(self._books.ground, row)
                if child is not None:
                    self.add(row.id, row.device, child)
                else:
                    self._books.close(row.id, StudioError("training.restarted"))
            except Exception as error:
                log.exception("job %s could not be taken up", row.id)
                self.give_up(row.id, error)

    def mind(self) -> None:
        watch = time.monotonic() - self._watched_at > CONSENT_S
        if watch:
            self._watched_at = time.monotonic()
        for run in list(self._runs.values()):
            try:
                self._follow(run)
                if watch and run.job_id in self._runs:
                    self._watch(run)
                run.stumbles = 0
            except Exception as error:
                log.exception("job %s could not be looked after", run.job_id)
                run.stumbles += 1
                if run.stumbles >= STUMBLES:
                    run.child.end()
                    self.give_up(run.job_id, error)

    def give_up(self, job_id: str, error: Exception) -> None:
        """Call a job failed; where even that fails, its row stays as it is and is looked at again."""
        try:
            self._books.fail(job_id, error)
            self._runs.pop(job_id, None)
        except Exception:
            log.exception("job %s could not be ended", job_id)

    def _follow(self, run: Run) -> None:
        """Bring in what the child told; when it is gone, close its books."""
        alive = run.child.alive()  # asked first: what it wrote before it went is read below
        known = self._hear(run)
        if not known:
            self._discard(run)
        elif not alive:
            if run.told is not None:
                self._books.end(run.job_id, run.told)
            else:
                self._books.close(run.job_id, _killed(run.child))
            self._runs.pop(run.job_id, None)  # not before: what failed is done again
        else:
            self._hurry(run)

    def _hear(self, run: Run) -> bool:
        """False when the job is no longer there."""
        with self._database.read() as session:
            row = session.get(TrainingJob, run.job_id)
            if row is None:
                return False
            offset, wish = row.events_offset, row.wish
        self._pass_on(run, Wish(wish))
        run.told = self._books.hear(run.job_id, offset) or run.told
        return True

    def _pass_on(self, run: Run, wish: Wish) -> None:
        """See to it that the child knows what was asked of it: it may have been asked before there was a child."""
        if wish is Wish.CANCEL and run.patience_ends is None:
            run.patience_ends = time.monotonic() + CANCEL_S
        folder = RunFolder(self._books.folder(run.job_id), b"")
        if wish and folder.root.is_dir() and not folder.asked():
            folder.ask("stop" if wish is Wish.CANCEL else "pause")

    def _hurry(self, run: Run) -> None:
        """A child that has ended its work, or was told to, is not waited for without end."""
        if run.told is not None and run.patience_ends is None:
            run.patience_ends = time.monotonic() + LEAVE_S
        if run.patience_ends is not None and time.monotonic() > run.patience_ends:
            run.child.end()
            run.told = run.told or Ending(JobState.CANCELLED)

    def _watch(self, run: Run) -> None:
        """The gate, asked again while a job runs: without consent it stops and leaves nothing."""
        try:
            with self._database.read() as session:
                row = session.get(TrainingJob, run.job_id)
                if row is not None:
                    permitted(session, row, self._engines.spec(row.engine_id))
        except (ConsentMissing, LicenceForbids, NotFound) as error:
            run.child.end()
            self._books.drop(run.job_id, error)
            self._runs.pop(run.job_id, None)
        else:
            if row is None:
                self._discard(run)

    def _discard(self, run: Run) -> None:
        """The job was deleted, or its speaker erased: the process and the folder go, too."""
        run.child.end()
        self._runs.pop(run.job_id, None)
        remove_folder(self._books.folder(run.job_id))


def _killed(child: Child) -> StudioError:
    """The process went without a word."""
    code: Any = child.process.returncode if child.process is not None else None
    if code is not None and code < 0:
        return StudioError("training.killed", signal=-code)
    return StudioError("training.crashed", code="?" if code is None else code)
