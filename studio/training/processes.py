"""A child process by its identity: an id alone may belong to somebody else after a restart."""

import contextlib
import os
import signal
import time
from dataclasses import asdict, dataclass
from typing import Any, Self

import psutil

STARTED_WITHIN_S = 1.5  # the kernel's clock and the wall clock drift apart a little
GONE_WITHIN_S = 10.0  # a killed process is away in milliseconds, unless the disk keeps it


@dataclass(frozen=True)
class Identity:
    """`started` is the process's creation time (seconds, epoch); `boot` the machine's boot id."""

    pid: int
    started: float
    boot: str

    @classmethod
    def of(cls, pid: int) -> Self:
        """ProcessLookupError when there is no such process."""
        try:
            return cls(pid, psutil.Process(pid).create_time(), boot_id())
        except psutil.NoSuchProcess as error:
            raise ProcessLookupError(pid) from error

    @classmethod
    def from_json(cls, found: dict[str, Any]) -> Self:
        return cls(int(found["pid"]), float(found["started"]), str(found.get("boot", "")))

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    def alive(self) -> bool:
        """Whether this very process still runs; a zombie and a stranger with its number do not count."""
        if self.boot and self.boot != boot_id():
            return False
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.started) < STARTED_WITHIN_S
            return bool(same and process.status() != psutil.STATUS_ZOMBIE)
        except psutil.NoSuchProcess:
            return False

    def kill(self, sign: signal.Signals = signal.SIGKILL) -> None:
        """Signal it and its children (it leads a process group of its own), if it is still itself."""
        if self.alive():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                group = os.getpgid(self.pid)
                # Never our own group: a child that does not lead its own gets the signal alone.
                os.killpg(group, sign) if group == self.pid else os.kill(self.pid, sign)

    def end(self) -> bool:
        """Kill it with the processes it started, and wait until all are gone; False when one is not, in time."""
        others = self._started()
        self.kill()
        until = time.monotonic() + GONE_WITHIN_S
        while any(one.alive() for one in (self, *others)):
            if time.monotonic() > until:
                return False
            time.sleep(0.01)
        return True

    def _started(self) -> list["Identity"]:
        found: list[Identity] = []
        if self.alive():
            with contextlib.suppress(psutil.NoSuchProcess):
                for child in psutil.Process(self.pid).children(recursive=True):
                    with contextlib.suppress(ProcessLookupError):
                        found.append(Identity.of(child.pid))
        return found


def boot_id() -> str:
    """Changes with every boot of the machine; "" where the system tells none."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:  # noqa: PTH123
            return file.read().strip()
    except OSError:
        return ""
