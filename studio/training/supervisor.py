"""The supervisor: one thread that takes up, follows, ends and claims jobs."""

import fcntl
import logging
import threading
import time
from collections.abc import Callable
from typing import IO

from studio.engines.registry import Registry
from studio.privacy.access import Actor
from studio.training.books import Books
from studio.training.claiming import Queue
from studio.training.following import Followed
from studio.training.hardware import devices
from studio.training.launching import Ground
from studio.training.shelf import AdapterShelf
from studio.training.sweeping import sweep

TICK_S = 0.5
SWEEP_S = 15.0
log = logging.getLogger(__name__)


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
        self._closing, self._wake, self._looking = threading.Event(), threading.Event(), threading.Lock()
        self._ground, self._engines, self._device = ground, engines, device
        self._books = Books(ground, shelf, engines)
        self._followed = Followed(self._books, engines)
        self._queue = Queue(self._books, self._followed, engines, actor_of, device, self._closing.is_set)
        self._lock_file: IO[bytes] | None = None
        self._devices: tuple[str, ...] = ()
        self._thread: threading.Thread | None = None
        self._swept_at = 0.0

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
        """Become the supervisor when nobody is; what runs already is adopted by the first look."""
        self._ground.runs.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._ground.runs / ".supervisor"
        path.touch(mode=0o600)
        lock_file = path.open("ab")
        try:
            fcntl.flock(lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock_file.close()
            return False
        self._devices = devices(self._device)
        self._lock_file = lock_file
        return True

    # One look at everything

    def tick(self) -> None:
        """Adopt, follow, watch, sweep, claim. One job's trouble is not another's."""
        with self._looking:
            self._followed.adopt()
            self._followed.mind()
            if time.monotonic() - self._swept_at > SWEEP_S:
                self._swept_at = time.monotonic()
                sweep(self._books, self._engines)
            self._queue.claim(self._devices)
