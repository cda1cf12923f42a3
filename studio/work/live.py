"""A piece of running work: its events, who may see them, how it ends, and cancel."""

import logging
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from studio.errors import Cancelled, NotFound, StudioError

Event = TypeVar("Event")
log = logging.getLogger(__name__)


class Live(Generic[Event]):
    """Work in a thread of its own. Any number of readers see all events from the first one on.

    The work belongs to the studio, not to the page that started it: closing the page loses nothing.
    """

    def __init__(self, owner_id: str) -> None:
        self.token = secrets.token_urlsafe(18)
        self.owner_id = owner_id
        self.finished_at: float | None = None
        self._events: list[Event] = []
        self._error: BaseException | None = None
        self._changed = threading.Condition()
        self._stop = threading.Event()

    def start(self, work: Callable[["Live[Event]"], None], name: str) -> "Live[Event]":
        """Run `work(self)` in a daemon thread."""
        threading.Thread(target=self._run, args=(work,), name=name, daemon=True).start()
        return self

    def _run(self, work: Callable[["Live[Event]"], None]) -> None:
        try:
            work(self)
        except StudioError as error:
            self._error = error
        except Exception as error:
            log.exception("work failed")
            self._error = error
        finally:
            with self._changed:
                self.finished_at = time.monotonic()
                self._changed.notify_all()

    def publish(self, event: Event) -> None:
        with self._changed:
            self._events.append(event)
            self._changed.notify_all()

    def cancel(self) -> None:
        """Ask the work to stop; it does so at its next look."""
        self._stop.set()

    def should_stop(self) -> bool:
        return self._stop.is_set()

    def check(self, name: str = "") -> None:
        """Cancelled if somebody pressed cancel; `name` is what people call the work, where it has a name."""
        if self._stop.is_set():
            raise Cancelled("engines.cancelled", task=name) if name else Cancelled("work.cancelled")

    @property
    def finished(self) -> bool:
        return self.finished_at is not None

    @property
    def latest(self) -> Event | None:
        with self._changed:
            return self._events[-1] if self._events else None

    def events(self) -> Iterator[Event]:
        """Every event in order, waiting for more until the work ends; then raises what ended it, if anything."""
        seen, done = 0, False
        while not done:
            with self._changed:
                while len(self._events) == seen and not self.finished:
                    self._changed.wait()
                fresh, done = self._events[seen:], self.finished
            yield from fresh
            seen += len(fresh)
        if self._error is not None:
            raise self._error

    def wait(self) -> None:
        """Until the work ends; raises what ended it, if anything."""
        for _ in self.events():
            pass


class LiveBoard(Generic[Event]):
    """The work of one service, by token; finished work stays readable for a while."""

    def __init__(self, keep_s: float = 900) -> None:
        self._keep_s = keep_s
        self._lock = threading.Lock()
        self._board: dict[str, Live[Event]] = {}

    def add(self, live: Live[Event]) -> Live[Event]:
        with self._lock:
            limit = time.monotonic() - self._keep_s
            old = [t for t, work in self._board.items() if (work.finished_at or limit) < limit]
            for token in old:
                del self._board[token]
            self._board[live.token] = live
        return live

    def find(self, owner_id: str, token: str) -> Live[Event]:
        """NotFound for an unknown token and for somebody else's: the answer is the same."""
        with self._lock:
            live = self._board.get(token)
        if live is None or live.owner_id != owner_id:
            raise NotFound("work.unknown")
        return live

    def drop(self, unwanted: Callable[[Live[Event]], bool]) -> None:
        """Cancel work and forget it at once: nobody can read what it had to say."""
        with self._lock:
            gone = [live for live in self._board.values() if unwanted(live)]
            for live in gone:
                del self._board[live.token]
        for live in gone:
            live.cancel()

    def running(self, owner_id: str) -> list[Live[Event]]:
        """The owner's work that has not ended, oldest first: what a reloaded page takes up again."""
        with self._lock:
            return [live for live in self._board.values() if live.owner_id == owner_id and not live.finished]
