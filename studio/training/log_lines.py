"""A run's events as lines of its log, for people: steps now and then, everything else as it comes. No texts."""

import logging
import time
from typing import Any

EVERY_S = 10.0  # between two lines about steps
log = logging.getLogger(__name__)


class LogLines:
    """Writes to the log at INFO; `stage` events that only move a fraction on are left out."""

    def __init__(self) -> None:
        self._stepped_at = float("-inf")
        self._stage = ""

    def tell(self, kind: str, facts: dict[str, Any]) -> None:
        """An event's line, if it is worth one."""
        match kind:
            case "stage":
                self._stage_line(str(facts["name"]))
            case "step":
                self._step_line(facts)
            case "held_out":
                log.info("step %d: held-out loss %.4f", facts["step"], facts["loss"])
            case "checkpoint":
                scores = ", ".join(f"{name} {value}" for name, value in facts["scores"].items())
                best = ", the best so far" if facts["best"] else ""
                log.info("checkpoint at step %d (%s)%s", facts["step"], scores or "not scored", best)
            case _:
                log.info("%s: %s", kind, ", ".join(f"{name} {value}" for name, value in facts.items()))

    def _stage_line(self, name: str) -> None:
        if name != self._stage:
            self._stage = name
            log.info("%s", name)

    def _step_line(self, facts: dict[str, Any]) -> None:
        if time.monotonic() - self._stepped_at < EVERY_S:
            return
        self._stepped_at = time.monotonic()
        log.info(
            "step %d: loss %.4f, rate %.2e, %.2f utterances a second", facts["step"], facts["loss"],
            facts["learning_rate"], facts["clips_per_s"],
        )  # fmt: skip
