"""The Piper process: reads requests on stdin, answers on stdout, and ends when stdin does.

A small program of its own, so that espeak-ng (GPL) is never loaded into the studio's process:
``python -m studio.engines.piper.runner THREADS``. It knows two requests: "plan" (text to phoneme ids,
sentence by sentence) and "speak" (ids to sound). Every request gets exactly one answer.
"""

import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

from studio.engines.piper.espeak import Espeak
from studio.engines.piper.frames import Frame, read_frame, write_frame
from studio.engines.piper.speaking import SpokenVoice, plan, read_config

_VOICES_KEPT = 3


class Runner:
    """Answers requests; keeps the voices spoken last."""

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._espeak = Espeak()
        self._voices: dict[Path, SpokenVoice] = {}

    def answer(self, request: Mapping[str, Any]) -> Frame:
        model = Path(request["model"])
        if request["op"] == "plan":
            made = plan(request["text"], read_config(model), self._espeak)
            return Frame({"sentences": made.sentences, "unknown": made.unknown})
        if request["op"] == "speak":
            return Frame({}, self._voice(model).speak(request).tobytes())
        raise ValueError(f"unknown request {request['op']!r}")

    def _voice(self, model: Path) -> SpokenVoice:
        voice = self._voices.pop(model, None) or SpokenVoice(model, self._threads)
        self._voices[model] = voice  # last in line: spoken most recently
        while len(self._voices) > _VOICES_KEPT:
            self._voices.pop(next(iter(self._voices)))
        return voice


def serve(runner: Runner, requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer until the studio closes its end; what goes wrong with one request is its answer."""
    while (request := read_frame(requests)) is not None:
        try:
            answer = runner.answer(request.header)
        except Exception as error:  # noqa: BLE001  the edge of this program: the studio is told, and asks on
            answer = Frame({"error": f"{type(error).__name__}: {error}"})
        write_frame(answers, answer)


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the studio's to handle; stdin's end follows
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints must not land between two messages
    serve(Runner(threads=int(sys.argv[1])), sys.stdin.buffer, answers)


if __name__ == "__main__":
    main()
