"""A few seconds' memory of who holds which session, so that a page of a hundred requests asks once."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from studio.privacy.access import Actor

KEPT_S = 3.0  # how long a session ended by another process may still be answered
LIMIT = 1024


@dataclass
class SessionCache:
    """Session hash -> actor, for `KEPT_S` seconds."""

    clock: Callable[[], float] = time.monotonic
    forgotten: int = 0  # how often everything was: what others keep by it is stale then, too
    _known: dict[str, tuple[float, Actor]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self, key: str) -> Actor | None:
        with self._lock:
            until, actor = self._known.get(key, (0.0, None))
            return actor if actor is not None and until > self.clock() else None

    def put(self, key: str, actor: Actor) -> Actor:
        with self._lock:
            if len(self._known) >= LIMIT:
                self._known.clear()
            self._known[key] = (self.clock() + KEPT_S, actor)
        return actor

    def forget_all(self) -> None:
        with self._lock:
            self._known.clear()
            self.forgotten += 1
