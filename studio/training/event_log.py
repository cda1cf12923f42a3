"""The child's side of events.jsonl: appended only, continued after a crash without holes in `seq`."""

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from studio.training.events import KINDS, Event

Emit = Callable[[str, dict[str, Any]], None]


class EventLog:
    """Appends events; a line half written by a process that died is cut off before the next."""

    def __init__(self, path: Path) -> None:
        self._next = _whole_lines(path)
        self._file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a")

    def emit(self, kind: str, facts: dict[str, Any]) -> None:
        """Write one event and hand it to the operating system at once."""
        if kind not in KINDS:
            raise ValueError(f"{kind!r} is no kind of event")
        event = Event(self._next, datetime.now(UTC).isoformat(timespec="milliseconds"), kind, facts)
        self._file.write(event.line())
        self._file.flush()
        self._next += 1
        if kind not in ("step", "stage"):  # those are many, and a machine that loses power redoes them
            os.fsync(self._file.fileno())

    def close(self) -> None:
        self._file.close()


def _whole_lines(path: Path) -> int:
    """The number of the next event, after cutting off a half-written last line."""
    if not path.exists():
        return 0
    data = path.read_bytes()
    whole = data[: data.rfind(b"\n") + 1]
    if len(whole) < len(data):
        os.truncate(path, len(whole))
    lines = whole.splitlines()
    return int(json.loads(lines[-1])["seq"]) + 1 if lines else 0
