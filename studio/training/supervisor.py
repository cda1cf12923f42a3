"""The supervisor: one thread that claims jobs, starts and follows their processes, and ends them."""

import fcntl
import logging
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from studio.consent.gate import permits
from studio.db.tables import Checkpoint, TrainingJob, Voice, now
from studio.engines.registry import Registry
from studio.errors import Cancelled, ConsentMissing, LicenceForbids, NotFound, StudioError
from studio.privacy import audit
from studio.privacy.access import Actor
from studio.training.cards import card_of
from studio.training.events import read_events
from studio.training.forms import JobState, Wish
from studio.training.hardware import devices
from studio.training.hearing import Ending, bring_in
from studio.training.launching import Child, Ground, found, launch
from studio.training.run_folder import RunFolder, disk_trouble
from studio.training.shelf import PURPOSES, AdapterShelf
from studio.training.store import in_state, reason_of

TICK_S = 0.5
CONSENT_S = 2.0  # how often the gate is asked for every job that runs
SWEEP_S = 15.0
LEAVE_S = 20.0  # a child that has said goodbye is given this long to go
CANCEL_S = 60.0  # and one that was asked to stop this long to do so
log = logging.getLogger(__name__)


class Run:
    """A job whose process is followed. `told` is how it said it ended, if it did."""

    def __init__(self, job_id: str, device: str, child: Child) -> None:
        self.job_id, self.device, self.child = job_id, device, child
        self.told: Ending | None = None
        self.patience_ends: float | None = None


class Supervisor:
    """One for all processes that have the storage open: a file lock says which of them it is.

    The others wait to take over. Children outlive it; the next one finds them by their identity.
    """

    def __init__(
        self,
        ground: Ground,
        shelf: AdapterShelf,
        engines: Registry,
        actor_of: Callable[[str], Actor],
        device: str,
    ) -> None:
        self._ground, self._shelf, self._engines, self._actor_of = ground, shelf, engines, actor_of
        self._device = device
        self._runs: dict[str, Run] = {}
        self._lock_file: IO[bytes] | None = None
        self._devices: tuple[str, ...] = ()
        self._thread: threading.Thread | None = None
        self._closing, self._wake = threading.Event(), threading.Event()
        self._watched_at = self._swept_at = 0.0

    # Life

    def start(self) -> None:
        """Begin in a thread of its own; once."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._loop, name="training", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """End the thread; processes that train go on."""
        self._closing.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(30)
        if self._lock_file is not None:
            self._lock_file.close()
            self._lock_file = None

    def wake(self) -> None:
        """Something has changed: look now."""
        self._wake.set()

    @property
    def at_work(self) -> bool:
        """Whether this is the process that supervises."""
        return self._lock_file is not None

    def somewhere(self) -> bool:
        """Whether any process supervises: this one, or one that holds the lock."""
        if self.at_work:
            return True
        path = self._ground.runs / ".supervisor"
        if not path.exists():
            return False
        with path.open("ab") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    def _loop(self) -> None:
        while not self._closing.is_set():
            try:
                if self.at_work or self._take_over():
                    self.tick()
            except Exception:
                log.exception("the supervisor stumbled; it goes on")
            self._wake.wait(TICK_S)
            self._wake.clear()

    def _take_over(self) -> bool:
        """Become the supervisor when nobody is: find the children of the one before."""
        self._ground.runs.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._ground.runs / ".supervisor"
        path.touch(mode=0o600)
        lock_file = path.open("ab")
        try:
            fcntl.flock(lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock_file.close()
            return False
        self._lock_file, self._devices = lock_file, devices(self._device)
        with self._ground.database.read() as session:
            rows = in_state(session, [JobState.RUNNING])
            children = [(row, found(session, self._ground, row)) for row in rows]
        for row, child in children:
            if child is not None:
                self._runs[row.id] = Run(row.id, row.device, child)
            else:
                self._close_books(row.id)
        return True

    # One look at everything

    def tick(self) -> None:
        """Follow, watch, sweep, claim."""
        self._mind()
        if time.monotonic() - self._swept_at > SWEEP_S:
            self._swept_at = time.monotonic()
            self._sweep()
        for device in self._free():
            self._claim(device)

    def _mind(self) -> None:
        for run in list(self._runs.values()):
            self._follow(run)
        if time.monotonic() - self._watched_at > CONSENT_S:
            self._watched_at = time.monotonic()
            for run in list(self._runs.values()):
                self._watch(run)

    def _free(self) -> list[str]:
        taken = {run.device for run in self._runs.values()}
        return [device for device in self._devices if device not in taken]

    # Following

    def _follow(self, run: Run) -> None:
        """Bring in what the child told; when it is gone, close its books."""
        alive = run.child.alive()  # asked first: what it wrote before it went is read below
        known = self._hear(run)
        if not known:
            self._discard(run)
        elif not alive:
            self._runs.pop(run.job_id, None)
            self._end(run.job_id, run.told or _killed(run.child))
        else:
            self._hurry(run)

    def _hear(self, run: Run) -> bool:
        """False when the job is no longer there."""
        with self._ground.database.read() as session:
            row = session.get(TrainingJob, run.job_id)
            if row is None:
                return False
            offset, wish = row.events_offset, row.wish
        self._pass_on(run, Wish(wish))
        told = [*read_events(self._folder(run.job_id) / "events.jsonl", offset)]
        if told:
            with self._ground.database.write() as session:
                row = session.get(TrainingJob, run.job_id)
                if row is None:
                    return False
                run.told = bring_in(session, row, [event for event, _ in told], told[-1][1])
        return True

    def _pass_on(self, run: Run, wish: Wish) -> None:
        """See to it that the child knows what was asked of it: it may have been asked before there was a child."""
        if wish is Wish.CANCEL and run.patience_ends is None:
            run.patience_ends = time.monotonic() + CANCEL_S
        folder = RunFolder(self._folder(run.job_id), b"")
        if wish and folder.root.is_dir() and not folder.asked():
            folder.ask("stop" if wish is Wish.CANCEL else "pause")

    def _hurry(self, run: Run) -> None:
        """A child that has ended its work, or was told to, is not waited for without end."""
        if run.told is not None and run.patience_ends is None:
            run.patience_ends = time.monotonic() + LEAVE_S
        if run.patience_ends is not None and time.monotonic() > run.patience_ends:
            run.child.end()
            run.told = run.told or Ending(JobState.CANCELLED)

    def _close_books(self, job_id: str) -> None:
        """A job whose process is gone: read the rest of what it told."""
        with self._ground.database.write() as session:
            row = session.get(TrainingJob, job_id)
            if row is None:
                return
            told = [*read_events(self._folder(job_id) / "events.jsonl", row.events_offset)]
            ending = bring_in(session, row, [e for e, _ in told], told[-1][1]) if told else None
        self._end(
            job_id, ending or Ending(JobState.INTERRUPTED, reason_of(StudioError("training.restarted")))
        )

    # Ending

    def _end(self, job_id: str, ending: Ending) -> None:
        try:
            if ending.state is JobState.DONE and not self._make_adapter(job_id):
                ending = Ending(JobState.DONE, reason_of(StudioError("training.no_better")))
        except (ConsentMissing, LicenceForbids) as error:
            self._drop(job_id, error)
            return
        except StudioError as error:
            ending = Ending(JobState.FAILED, reason_of(error))
        with self._ground.database.write() as session:
            row = session.get(TrainingJob, job_id)
            if row is not None:
                row.state, row.wish, row.reason = ending.state.value, "", ending.reason
                row.ended_at = None if ending.state is JobState.QUEUED else now()
                audit.append(session, row.owner_id, f"training.{ending.state.value}", job_id, step=row.step)
        if row is None:
            remove_run(self._folder(job_id))
        elif ending.state in (JobState.DONE, JobState.CANCELLED):
            tidy(self._folder(job_id))

    def _make_adapter(self, job_id: str) -> bool:
        """The best checkpoint into the vault, the gate asked before; False where no step was better than none."""
        with self._ground.database.write() as session:
            row = session.get_one(TrainingJob, job_id)
            voice, spec = session.get_one(Voice, row.voice_id), self._engines.spec(row.engine_id)
            consent = permits(session, voice, PURPOSES, spec)
            query = select(Checkpoint).where(Checkpoint.job_id == job_id, Checkpoint.best.is_(True))
            best = session.scalars(query).first()
            if best is None or best.step == 0:
                return False
            base_hash = self._shelf.run(session, row).facts.base_hash
            card = card_of(row, best, spec, consent.id, base_hash)
            adapter = self._shelf.store(session, row, best, card)
            audit.append(session, row.owner_id, "adapter.made", adapter.id, job=job_id, step=best.step)
            return True

    # Consent

    def _watch(self, run: Run) -> None:
        """The gate, asked again while a job runs: without consent it stops and leaves nothing."""
        try:
            with self._ground.database.read() as session:
                row = session.get(TrainingJob, run.job_id)
                if row is None:
                    self._discard(run)
                    return
                voice = session.get_one(Voice, row.voice_id)
                permits(session, voice, PURPOSES, self._engines.spec(row.engine_id))
        except (ConsentMissing, LicenceForbids, NotFound) as error:
            run.child.end()
            self._runs.pop(run.job_id, None)
            self._drop(run.job_id, error)

    def _drop(self, job_id: str, error: StudioError) -> None:
        """Destroy a run: its folder, its key, its checkpoints. The row stays and says why."""
        shutil.rmtree(self._folder(job_id), ignore_errors=True)
        with self._ground.database.write() as session:
            row = session.get(TrainingJob, job_id)
            if row is None:
                return
            destroy(session, self._ground, row)
            row.state, row.wish, row.ended_at = JobState.CANCELLED.value, "", now()
            row.reason = reason_of(error)
            audit.append(session, row.owner_id, "training.consent_lost", job_id, why=error.key)

    def _discard(self, run: Run) -> None:
        """The job was deleted, or its speaker erased: the process and the folder go, too."""
        run.child.end()
        self._runs.pop(run.job_id, None)
        shutil.rmtree(self._folder(run.job_id), ignore_errors=True)

    def _sweep(self) -> None:
        """Run folders that no job names: their processes are ended, the folders removed."""
        folders = [path for path in self._ground.runs.iterdir() if path.is_dir()]
        with self._ground.database.read() as session:
            known = set(session.scalars(select(TrainingJob.id)))
        for folder in folders:
            if folder.name not in known:
                remove_run(folder)

    # Claiming

    def _claim(self, device: str) -> None:
        with self._ground.database.write() as session:
            row = next(iter(in_state(session, [JobState.QUEUED])), None)
            if row is None:
                return
            row.state, row.device, row.stage, row.reason = JobState.RUNNING.value, device, "load", None
            row.started_at, row.ended_at, row.wish = row.started_at or now(), None, ""
        try:
            self._begin(row, device)
        except (ConsentMissing, LicenceForbids) as error:
            self._drop(row.id, error)
        except Cancelled:
            self._end(row.id, Ending(JobState.QUEUED if self._closing.is_set() else JobState.CANCELLED))
        except StudioError as error:
            self._end(row.id, Ending(JobState.FAILED, reason_of(error)))
        except OSError as error:
            self._end(row.id, Ending(JobState.FAILED, reason_of(disk_trouble(error, self._ground.runs))))

    def _begin(self, row: TrainingJob, device: str) -> None:
        spec, actor = self._engines.spec(row.engine_id), self._actor_of(row.owner_id)
        with self._ground.database.write() as session:
            job = session.get_one(TrainingJob, row.id)
            consent = permits(session, session.get_one(Voice, job.voice_id), PURPOSES, spec)
            job.consent_id = consent.id
            audit.append(session, job.owner_id, "training.started", job.id, consent=consent.id, device=device)
        child = launch(self._ground, job, actor, spec, self._interrupted(row.id))
        self._runs[row.id] = Run(row.id, device, child)

    def _interrupted(self, job_id: str) -> Callable[[], bool]:
        """Whether the filling of a run folder should end; in between, other jobs are minded."""
        looked_at = time.monotonic()

        def should_stop() -> bool:
            nonlocal looked_at
            if time.monotonic() - looked_at < 1.0:
                return self._closing.is_set()
            looked_at = time.monotonic()
            self._mind()
            with self._ground.database.read() as session:
                row = session.get(TrainingJob, job_id)
                return row is None or row.wish == Wish.CANCEL or self._closing.is_set()

        return should_stop

    def _folder(self, job_id: str) -> Path:
        return self._ground.runs / job_id


def _killed(child: Child) -> Ending:
    """The process went without a word."""
    code: Any = child.process.returncode if child.process is not None else None
    if code is not None and code < 0:
        return Ending(JobState.INTERRUPTED, reason_of(StudioError("training.killed", signal=-code)))
    return Ending(
        JobState.INTERRUPTED, reason_of(StudioError("training.crashed", code="?" if code is None else code))
    )


def destroy(session: Session, ground: Ground, row: TrainingJob) -> None:
    """A run's key and checkpoints, in the caller's transaction: what is left of its folder opens no more."""
    session.execute(delete(Checkpoint).where(Checkpoint.job_id == row.id))
    key_asset_id, row.key_asset_id, row.best_step = row.key_asset_id, None, None
    session.flush()
    if key_asset_id is not None:
        ground.vault.delete(session, key_asset_id)


def remove_run(folder: Path) -> None:
    """End whoever still works in a run folder, and remove it."""
    if (folder / "worker.pid").exists():
        identity = RunFolder(folder, b"").worker()
        if identity is not None:
            identity.kill()
    shutil.rmtree(folder, ignore_errors=True)


def tidy(folder: Path) -> None:
    """A run that will not go on needs no recordings any more, and no optimiser's state."""
    shutil.rmtree(folder / "data", ignore_errors=True)
    for path in (folder / "ready", folder / "manifest", *folder.glob("checkpoints/*/trainer")):
        path.unlink(missing_ok=True)
