"""Runs a download client as a child process: watched, capped, and ended within a second when asked."""

import logging
import os
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from studio.errors import ModelBroken, SourceUnavailable
from studio.models.progress import Watch

_log = logging.getLogger(__name__)
_GRACE_S = 0.4  # between asking a client to end and ending it


@dataclass(frozen=True)
class ClientRun:
    """One run of a client; `most_bytes` is what it may leave, `stall_s` how long it may stand still."""

    arguments: Sequence[str]
    folder: Path
    label: str
    most_bytes: int
    keeps_copies: bool  # whether the client has two copies for a while: then the largest file is what arrived
    stall_s: float = 120.0
    poll_s: float = 0.2


def run_client(run: ClientRun, watch: Watch) -> tuple[int, str]:
    """Run it to its end; return the exit status and what it wrote, reporting the growth of `folder`.

    Raises Cancelled (the client is gone by then), ModelBroken above `most_bytes`, SourceUnavailable when
    nothing grew for `stall_s`.
    """
    run.folder.mkdir(parents=True, exist_ok=True)
    words = run.folder / "client.log"
    with words.open("wb") as log:
        child = subprocess.Popen(
            list(run.arguments),
            cwd=run.folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # so that its own children end with it
        )
        try:
            _watch(child, run, watch)
        finally:
            _end(child)
    said = words.read_text(errors="replace")
    words.unlink()
    if child.returncode:
        _log.info("%s: client ended with %s: %s", run.label, child.returncode, said[-2000:])
    return child.returncode, said


def _watch(child: subprocess.Popen[bytes], run: ClientRun, watch: Watch) -> None:
    before = sum(_sizes(run.folder))
    arrived, moved_at = 0, time.monotonic()
    while True:
        watch.report("fetching", under_way=arrived)
        try:
            child.wait(run.poll_s)
            return
        except subprocess.TimeoutExpired:
            sizes = _sizes(run.folder)
        if sum(sizes) - before > run.most_bytes:
            raise ModelBroken("models.oversize", file=run.folder.name, source=run.label, most=run.most_bytes)
        now = max(sizes, default=0) if run.keeps_copies else sum(sizes)
        if now > arrived:
            arrived, moved_at = now, time.monotonic()
        if time.monotonic() - moved_at > run.stall_s:
            raise SourceUnavailable("models.unreachable", source=run.label)


def _end(child: subprocess.Popen[bytes]) -> None:
    """End the client and its own children, politely first."""
    for how in (signal.SIGTERM, signal.SIGKILL):
        if child.poll() is not None:
            return
        os.killpg(child.pid, how)
        try:
            child.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            continue


def _sizes(folder: Path) -> list[int]:
    sizes = []
    for path in folder.rglob("*"):
        try:
            if path.is_file() and path.name != "client.log":
                sizes.append(path.stat().st_size)
        except FileNotFoundError:
            continue  # clients rename and delete while we look
    return sizes
