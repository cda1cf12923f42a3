"""Turns at a scarce thing (the processor, the GPU): strictly first come, first served."""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from studio.errors import Cancelled

ShouldStop = Callable[[], bool]
OnPosition = Callable[[int], None]


class Turns:
    """A first-in first-out lock. threading.Lock promises no order and may starve a waiter; this does not."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._queue: deque[Place] = deque()

    def reserve(self) -> "Place":
        """A place in the queue, counted from now; it has to be taken or left."""
        place = Place(self)
        with self._changed:
            self._queue.append(place)
        return place

    @contextmanager
    def turn(
        self, should_stop: ShouldStop = lambda: False, on_position: OnPosition = lambda ahead: None
    ) -> Iterator[None]:
        """Queue, wait for the turn and hold it."""
        with self.reserve().turn(should_stop, on_position):
            yield

    def _leave(self, place: "Place") -> None:
        with self._changed:
            if place in self._queue:
                self._queue.remove(place)
                self._changed.notify_all()

    def _wait(self, place: "Place", should_stop: ShouldStop, on_position: OnPosition) -> None:
        told = -1
        while True:
            with self._changed:
                ahead = self._queue.index(place)
                if ahead and ahead == told:
                    self._changed.wait(timeout=0.25)  # wakes now and then to look at should_stop
                    ahead = self._queue.index(place)
            if ahead == 0:
                return
            if should_stop():
                raise Cancelled("work.cancelled_waiting")
            if ahead != told:
                told = ahead
                on_position(ahead)


class Place:
    """Somebody's place in the queue of a Turns."""

    def __init__(self, turns: Turns) -> None:
        self._turns = turns

    def leave(self) -> None:
        """Give the place away; nothing happens when it was left before."""
        self._turns._leave(self)

    @contextmanager
    def turn(
        self, should_stop: ShouldStop = lambda: False, on_position: OnPosition = lambda ahead: None
    ) -> Iterator[None]:
        """Wait until nobody is ahead, and hold the turn; `on_position` hears how many are.

        Raises Cancelled when `should_stop` turns true while waiting.
        """
        try:
            self._turns._wait(self, should_stop, on_position)
            yield
        finally:
            self.leave()
