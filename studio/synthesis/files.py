"""Files of takes that were asked for lately."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

MOST_BYTES = 64 * 2**20
KEPT_S = 600.0
Key = tuple[str, str]


class FilesOfTakes:
    """A file by take id and format, in memory, for ten minutes after it was made.

    Every signature is another one, so a file made twice is not the same bytes twice: a browser that seeks in a
    take, or goes on with a download, has to be answered from one file.
    """

    def __init__(self, most_bytes: int = MOST_BYTES, clock: Callable[[], float] = time.monotonic) -> None:
        self._most_bytes = most_bytes
        self._clock = clock
        self._lock = threading.Lock()
        self._files: OrderedDict[Key, tuple[float, bytes]] = OrderedDict()
        self._forgotten = 0

    def of(self, take_id: str, format_name: str, make: Callable[[], bytes]) -> bytes:
        """The file at hand, or the one that `make` makes. Two who ask at once get the same one."""
        key = take_id, format_name
        found, forgotten = self._at_hand(key)
        if found is not None:
            return found
        made = make()
        with self._lock:
            if forgotten != self._forgotten:  # its voice may have gone meanwhile: nothing of it is kept
                return made
            _, data = self._files.setdefault(key, (self._clock(), made))
            self._trim()
        return data

    def forget(self, take_id: str | None = None) -> None:
        """Drop the files of a take, or all: when a voice goes, what others lose is quickly made again."""
        with self._lock:
            self._forgotten += 1
            for key in [key for key in self._files if take_id in (None, key[0])]:
                del self._files[key]

    def _at_hand(self, key: Key) -> tuple[bytes | None, int]:
        with self._lock:
            self._trim()
            found = self._files.get(key)
            return found[1] if found else None, self._forgotten

    def _trim(self) -> None:
        """Drop what is old, and the oldest while there is too much."""
        total = sum(len(data) for _, data in self._files.values())
        while self._files:
            made_at, data = next(iter(self._files.values()))
            if total <= self._most_bytes and self._clock() - made_at <= KEPT_S:
                return
            self._files.popitem(last=False)
            total -= len(data)
