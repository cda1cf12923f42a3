"""Curves out of a run's events, read on from where the last look ended."""

import threading
from collections import deque
from datetime import datetime
from pathlib import Path

from studio.training.events import Event, read_events
from studio.training.forms import Curves, Point

MOST_POINTS = 400
RECENT = 60  # steps that the pace is taken from


class Curve:
    """One run's events so far. A step told twice (repeated after a crash) counts as it was told last."""

    def __init__(self) -> None:
        self.offset = 0
        self._train: dict[int, float] = {}
        self._held_out: dict[int, float] = {}
        self._refused: dict[str, str] = {}
        self._last: dict[str, object] = {}
        self._stage: tuple[str, float] = ("", 0.0)
        self._times: deque[tuple[int, float]] = deque(maxlen=RECENT)

    def read(self, path: Path) -> None:
        for event, offset in read_events(path, self.offset):
            self._take(event)
            self.offset = offset

    def _take(self, event: Event) -> None:
        facts = event.facts
        match event.kind:
            case "started":
                self._times.clear()
                self._last |= {"parameters": facts.get("parameters")}
            case "stage":
                self._stage = str(facts.get("name", "")), float(facts.get("fraction", 0.0))
            case "refused":
                self._refused[str(facts["id"])] = str(facts["reason"])
            case "held_out":
                self._held_out[int(facts["step"])] = float(facts["loss"])
            case "step":
                self._train[int(facts["step"])] = float(facts["loss"])
                self._last |= {
                    name: facts.get(name) for name in ("memory_bytes", "gpu_share", "learning_rate")
                }
                self._times.append((int(facts["step"]), datetime.fromisoformat(event.at).timestamp()))

    def view(self) -> Curves:
        losses = list(self._train.values())
        numbers = {name: value for name, value in self._last.items() if isinstance(value, int | float)}
        memory, parameters = numbers.get("memory_bytes"), numbers.get("parameters")
        return Curves(
            _thinned(self._train), _thinned(self._held_out), tuple(self._refused.items()), *self._stage,
            int(memory) if memory is not None else None, numbers.get("gpu_share"),
            int(parameters) if parameters is not None else None, losses[-1] if losses else None,
            numbers.get("learning_rate"), self._pace(),
        )  # fmt: skip

    def _pace(self) -> float | None:
        """Seconds a step lately, checkpoints on the way included."""
        if len(self._times) < 2 or self._times[-1][0] <= self._times[0][0]:
            return None
        (first, began), (last, ended) = self._times[0], self._times[-1]
        return (ended - began) / (last - first)


def _thinned(series: dict[int, float]) -> tuple[Point, ...]:
    """At most MOST_POINTS points: means over stretches of equal length, the last point as it is."""
    points = [Point(step, value) for step, value in sorted(series.items())]
    if len(points) <= MOST_POINTS:
        return tuple(points)
    size = -(-len(points) // MOST_POINTS)
    stretches = [points[start : start + size] for start in range(0, len(points), size)]
    means = [Point(s[-1].step, sum(p.value for p in s) / len(s)) for s in stretches]
    return (*means[:-1], points[-1])


class CurveBook:
    """The curves of all jobs that somebody looked at; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._curves: dict[str, Curve] = {}

    def of(self, job_id: str, path: Path) -> Curves:
        with self._lock:
            curve = self._curves.get(job_id)
            if curve is None or (path.exists() and path.stat().st_size < curve.offset):
                curve = self._curves[job_id] = Curve()
            curve.read(path)
            return curve.view()

    def forget(self, job_id: str) -> None:
        with self._lock:
            self._curves.pop(job_id, None)
