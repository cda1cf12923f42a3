"""Peak memory of a stretch of work: the process with its children, and the GPU."""

import sys
import threading
from types import TracebackType
from typing import Any

EVERY_S = 0.1


class PeakMemory:
    """Watches while it is open: ``with PeakMemory() as peak: ...`` then read `process_bytes` and `gpu_bytes`.

    `process_bytes` is the resident set of this process and its children (a child may hold an engine),
    looked at ten times a second. `gpu_bytes` is PyTorch's own count, None without a GPU.
    """

    def __init__(self) -> None:
        self.process_bytes = 0
        self.gpu_bytes: int | None = None
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="peak-memory", daemon=True)

    def __enter__(self) -> "PeakMemory":
        if cuda := _cuda():
            cuda.reset_peak_memory_stats()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        self._thread.join()
        if cuda := _cuda():
            self.gpu_bytes = int(cuda.max_memory_allocated())

    def _watch(self) -> None:
        looking = True
        while looking:
            self.process_bytes = max(self.process_bytes, resident_bytes())
            looking = not self._done.wait(EVERY_S)


def resident_bytes() -> int:
    """Memory in use now by this process and its children."""
    import psutil

    total, me = 0, psutil.Process()
    for process in (me, *me.children(recursive=True)):
        try:
            total += process.memory_info().rss
        except psutil.Error:
            continue  # a child that ended while we looked
    return total


def _cuda() -> Any:
    """torch.cuda where an engine has loaded torch and there is a GPU; torch is not loaded to find out."""
    torch = sys.modules.get("torch")
    return torch.cuda if torch is not None and torch.cuda.is_available() else None
