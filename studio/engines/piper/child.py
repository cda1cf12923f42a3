"""The studio's end of the Piper process: start it when needed, ask, notice when it dies."""

import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import IO, BinaryIO, cast

import studio
from studio.engines.piper.frames import Frame, read_frame, write_frame
from studio.errors import EngineTrouble

_ROOT = Path(studio.__file__).parent.parent
_LAST_WORDS = 400  # characters of its error stream worth showing
_GOODBYE_S = 3.0


class PiperChild:
    """One process, one request at a time; a dead process is replaced at the next request."""

    def __init__(self, threads: int, timeout_s: float = 120.0) -> None:
        self._threads = threads
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._stderr: IO[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The process id while it runs, else None."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    def ask(self, request: Frame) -> Frame:
        """Send one request and wait for its answer.

        EngineTrouble when the process dies, takes longer than the time limit, or answers with an error.
        """
        with self._lock:
            answer = self._exchange(self._running(), request)
        if "error" in answer.header:
            raise EngineTrouble("piper.failed", reason=answer.header["error"])
        return answer

    def close(self) -> None:
        """End the process; nothing happens when there is none."""
        with self._lock:
            self._end()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self._end()
            self._stderr = tempfile.TemporaryFile()  # noqa: SIM115  lives as long as the process
            self._process = subprocess.Popen(
                [sys.executable, "-m", "studio.engines.piper.runner", str(self._threads)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._stderr,
                cwd=_ROOT,
            )
        return self._process

    def _exchange(self, process: subprocess.Popen[bytes], request: Frame) -> Frame:
        watchdog = threading.Timer(self._timeout_s, process.kill)
        watchdog.daemon = True
        watchdog.start()
        try:
            write_frame(cast(BinaryIO, process.stdin), request)
            answer = read_frame(cast(BinaryIO, process.stdout))
        except (OSError, ValueError):
            answer = None
        finally:
            watchdog.cancel()
        if answer is None:
            raise EngineTrouble("piper.died", reason=self._last_words(process))
        return answer

    def _last_words(self, process: subprocess.Popen[bytes]) -> str:
        self._end()
        said = ""
        if self._stderr is not None:
            self._stderr.seek(0)
            said = self._stderr.read().decode(errors="replace").strip()[-_LAST_WORDS:]
        return said or f"exit status {process.returncode}"

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:
                    continue  # a request that could not be flushed to a dead process
        try:
            process.wait(_GOODBYE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
