"""A run on more than one device: the worker starts further processes like itself, each with its share of a step."""

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from studio.training.run_folder import Order

_POLL_S = 1.0
_LEAVE_S = 20.0


@contextmanager
def ranks(order: Order, run: Path, lost: Callable[[int], None]) -> Iterator[None]:
    """While open, `order.processes` processes work on the run, this one as the first of them.

    `lost` is told the exit code of another that ended before its time: the rest would wait for it for ever.
    """
    if order.processes <= 1 or "RANK" in os.environ:
        yield
        return
    place = {"WORLD_SIZE": str(order.processes), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(_free_port())}
    os.environ.update(place | {"RANK": "0", "LOCAL_RANK": "0"})
    others = [_start(order, run, rank) for rank in range(1, order.processes)]
    over = threading.Event()
    threading.Thread(target=_watch, args=(others, over, lost), daemon=True).start()
    try:
        yield
        over.set()
        _leave(others)
    finally:
        over.set()
        for process in others:
            process.kill()  # those that have ended do not mind
            process.wait()
        for name in (*place, "RANK", "LOCAL_RANK"):
            os.environ.pop(name, None)


def _start(order: Order, run: Path, rank: int) -> subprocess.Popen[bytes]:
    environment = os.environ | {"RANK": str(rank), "LOCAL_RANK": str(rank)}
    process = subprocess.Popen(
        [sys.executable, "-m", "studio.training.worker", str(run)], env=environment, stdin=subprocess.PIPE
    )
    assert process.stdin is not None
    process.stdin.write(order.line().encode())
    process.stdin.close()
    return process


def _watch(others: list[subprocess.Popen[bytes]], over: threading.Event, lost: Callable[[int], None]) -> None:
    while not over.wait(_POLL_S):
        for process in others:
            code = process.poll()
            if code not in (None, 0, 3) and not over.is_set():
                lost(code)
                return


def _leave(others: list[subprocess.Popen[bytes]]) -> None:
    """Give them a while to end by themselves, as they do after the last step."""
    until = time.monotonic() + _LEAVE_S
    while time.monotonic() < until and any(process.poll() is None for process in others):
        time.sleep(0.05)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
