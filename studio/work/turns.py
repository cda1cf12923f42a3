"""Turns at a scarce thing (the processor, the GPU): strictly first come, first served."""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from studio.errors import Cancelled


class Turns:
    """A first-in first-out lock. threading.Lock promises no order and may starve a waiter; this does not."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._queue: deque[object] = deque()

    @contextmanager
    def turn(
        self,
        should_stop: Callable[[], bool] = lambda: False,
        on_position: Callable[[int], None] = lambda position: None,
    ) -> Iterator[None]:
        """Wait for the turn and hold it; `on_position` hears how many are still ahead. Cancelled while waiting."""
        ticket = object()
        with self._changed:
            self._queue.append(ticket)
        try:
            self._wait(ticket, should_stop, on_position)
            yield
        finally:
            with self._changed:
                self._queue.remove(ticket)
                self._changed.notify_all()

    def _wait(
        self, ticket: object, should_stop: Callable[[], bool], on_position: Callable[[int], None]
    ) -> None:
        told = -1
        while True:
            with self._changed:
                position = self._queue.index(ticket)
                if position and position == told:
                    self._changed.wait(timeout=0.25)  # wakes now and then to look at should_stop
                    position = self._queue.index(ticket)
            if position == 0:
                return
            if should_stop():
                raise Cancelled("work.cancelled_waiting")
            if position != told:
                told = position
                on_position(position)
