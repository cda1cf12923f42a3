"""From a writer to a reader: what one function writes into a file, another reads piece by piece, and holds little."""

import contextlib
import io
import threading
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from queue import Full, Queue
from typing import IO

PIECE = 1 << 20
AHEAD = 8  # pieces that may wait to be read
LOOK_S = 0.2  # how soon a writer notices that nobody reads


def poured(write: Callable[[IO[bytes]], None]) -> Generator[bytes]:
    """The bytes that `write` writes, while it writes them in a thread of its own; what it raises is raised here.

    When the reader leaves, the next write raises BrokenPipeError and the thread ends.
    """
    pipe = _Pipe()
    with ThreadPoolExecutor(1) as thread:
        writing = thread.submit(pipe.run, write)
        try:
            yield from pipe.pieces()
            writing.result()
        finally:
            pipe.left.set()


class _Pipe(io.RawIOBase):
    def __init__(self) -> None:
        self.left = threading.Event()
        self._queue: Queue[bytes] = Queue(AHEAD)
        self._held = bytearray()

    def run(self, write: Callable[[IO[bytes]], None]) -> None:
        try:
            write(self)  # type: ignore[arg-type]
            self._put(bytes(self._held))
        finally:
            with contextlib.suppress(BrokenPipeError):
                self._put(b"")  # the end

    def pieces(self) -> Iterator[bytes]:
        while piece := self._queue.get():
            yield piece

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        piece = bytes(data)  # type: ignore[call-overload]
        self._held += piece
        if len(self._held) >= PIECE:
            self._put(bytes(self._held))
            self._held.clear()
        return len(piece)

    def _put(self, piece: bytes) -> None:
        while not self.left.is_set():
            with contextlib.suppress(Full):
                self._queue.put(piece, timeout=LOOK_S)
                return
        raise BrokenPipeError("nobody reads any more")
