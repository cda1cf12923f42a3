"""What a training child tells: one JSON object a line of events.jsonl, read by the supervisor.

A run that died goes on from its last checkpoint and does the steps after it once more: their events come
again under the same step numbers and a higher `seq`. Of `step`, `held_out` and `checkpoint` events a
reader keeps the newest for each step; the curve then has neither holes nor doubles.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# kind -> what its facts hold (numbers and ids only: no text that a person said)
KINDS = {
    "started": "step (where it resumes), steps (planned), epochs, steps_an_epoch, clips, replay (of other languages, "
    "an epoch), parameters (trained), device, processes",
    "stage": "name (load, prepare, baseline, train, score, save), fraction 0..1; train's is of the whole run",
    "refused": "id, reason (message key), facts: an utterance left out; told again when a run is resumed",
    "step": "step, epoch, loss, parts, learning_rate, grad_norm, clips_per_s, memory_bytes, gpu_share",
    "held_out": "step, loss",
    "checkpoint": "step, folder, scores {name: value}, held_out, samples (count), best (bool), chosen_by, bytes",
    "done": "step, best_step, reason (finished, early_stop)",
    "stopped": "step, reason (cancelled, paused)",
    "error": "message (key), facts; the message's own next says what to change",
}


@dataclass(frozen=True)
class Event:
    """`seq` counts from 0 without holes over the whole run, resumes included; `at` is UTC, ISO 8601."""

    seq: int
    at: str
    kind: str
    facts: Mapping[str, Any] = field(default_factory=dict)

    def line(self) -> str:
        return json.dumps({"seq": self.seq, "at": self.at, "kind": self.kind, **self.facts}) + "\n"


ENDINGS = frozenset({"done", "stopped", "error"})
_TAIL_BYTES = 1 << 16  # many times the longest line


def last_event(path: Path) -> Event | None:
    """The newest whole line, whatever was read before; None where there is none."""
    if not path.exists():
        return None
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _TAIL_BYTES))
        tail = file.read()
    whole = tail[: tail.rfind(b"\n") + 1].splitlines()
    return _event(whole[-1]) if whole else None


def _event(raw: bytes) -> Event:
    found = json.loads(raw)
    head = {name: found.pop(name) for name in ("seq", "at", "kind")}
    return Event(**head, facts=found)


def read_events(path: Path, offset: int = 0) -> Iterator[tuple[Event, int]]:
    """Whole lines from a byte offset on, each with the offset after it; a half-written last line waits."""
    if not path.exists():
        return
    with path.open("rb") as file:
        file.seek(offset)
        for raw in file:
            if not raw.endswith(b"\n"):
                return
            offset += len(raw)
            yield _event(raw), offset
