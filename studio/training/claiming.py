"""The queue: what waits gets a device in its order, is asked for its consent, and started."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from studio.db.tables import TrainingJob, now
from studio.engines.registry import Registry
from studio.errors import Cancelled, InputRefused, StudioError
from studio.privacy import audit
from studio.privacy.access import Actor
from studio.training.books import Books
from studio.training.following import Followed
from studio.training.forms import JobState, Wish
from studio.training.hearing import Ending
from studio.training.launching import launch
from studio.training.permission import permitted
from studio.training.slots import CPU, free, kind_for, of_kind, place
from studio.training.store import in_state, plan_of

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Queue:
    """`device` is the studio's kind of device, `closing` whether it is about to close."""

    books: Books
    followed: Followed
    engines: Registry
    actor_of: Callable[[str], Actor]
    device: str
    closing: Callable[[], bool]

    def claim(self, devices: tuple[str, ...]) -> None:
        """Start what waits, in its order; the devices that the first of a kind waits for are kept for it."""
        with self.books.ground.database.read() as session:
            waiting = in_state(session, [JobState.QUEUED])
        kept: set[str] = set()
        for row in waiting:
            kind, processes = self._asks(row)
            if kind in kept or self.closing():
                continue
            if processes > len(of_kind(devices, kind)) and kind != CPU:
                cards = len(of_kind(devices, kind))
                self.followed.give_up(row.id, InputRefused("training.cards", wanted=processes, cards=cards))
            elif device := place(kind, processes, free(devices, self.followed.devices())):
                self._start(row, device)
            else:
                kept.add(kind)

    def _asks(self, row: TrainingJob) -> tuple[str, int]:
        """The kind of device and how many of it; what cannot be read is told when the job starts."""
        try:
            return kind_for(self.engines.spec(row.engine_id), self.device), plan_of(row).processes
        except StudioError:
            return self.device, 1

    def _start(self, waiting: TrainingJob, device: str) -> None:
        with self.books.ground.database.write() as session:
            row = session.get(TrainingJob, waiting.id)
            if row is None or row.state != JobState.QUEUED:
                return
            row.state, row.device, row.stage, row.reason = JobState.RUNNING.value, device, "load", None
            row.started_at, row.ended_at, row.wish = row.started_at or now(), None, ""
        try:
            self._begin(row, device)
        except Cancelled:
            state = JobState.QUEUED if self.closing() else JobState.CANCELLED
            self.books.end(row.id, Ending(state))
        except StudioError as error:
            self.followed.give_up(row.id, error)
        except Exception as error:
            log.exception("job %s could not be started", row.id)
            self.followed.give_up(row.id, error)

    def _begin(self, row: TrainingJob, device: str) -> None:
        spec, actor = self.engines.spec(row.engine_id), self.actor_of(row.owner_id)
        with self.books.ground.database.write() as session:
            job = session.get_one(TrainingJob, row.id)
            consent = permitted(session, job, spec)
            job.consent_id = consent.id
            audit.append(session, job.owner_id, "training.started", job.id, consent=consent.id, device=device)
        child = launch(self.books.ground, job, actor, spec, self._interrupted(row.id))
        self.followed.add(row.id, device, child)

    def _interrupted(self, job_id: str) -> Callable[[], bool]:
        """Whether the filling of a run folder should end; in between, other jobs are minded."""
        looked_at = time.monotonic()

        def should_stop() -> bool:
            nonlocal looked_at
            if time.monotonic() - looked_at < 1.0:
                return self.closing()
            looked_at = time.monotonic()
            self.followed.mind()
            with self.books.ground.database.read() as session:
                row = session.get(TrainingJob, job_id)
                return row is None or row.wish == Wish.CANCEL or self.closing()

        return should_stop
