"""A process that turns sound into mel-cepstra, so that WORLD's long work holds no other thread up."""

import multiprocessing
import signal
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from studio.audio.clip import AudioClip
from studio.evaluation.mcd import coefficients
from studio.evaluation.mel_cepstrum import Pitch


class Analyst:
    """One process, started with its first sound; it ends by itself when the studio does. One caller at a time."""

    def __init__(self, *, alone: bool = False) -> None:
        self._alone = alone  # one core: a process more would gain nothing
        self._process: BaseProcess | None = None
        self._pipe: Connection | None = None

    def coefficients(self, sound: AudioClip, pitch: Pitch) -> NDArray[np.float64]:
        """As `mcd.coefficients`; done here when the process cannot be had or died (out of memory, killed)."""
        if not self._alone:
            try:
                pipe = self._pipe or self._start()
                pipe.send((sound.samples, sound.sample_rate_hz, pitch))
                found: NDArray[np.float64] = pipe.recv()
            except (EOFError, OSError):
                self.stop()
            else:
                return found
        return coefficients(sound, sound.sample_rate_hz, pitch)

    def stop(self) -> None:
        """End the process; the next sound starts another."""
        if self._pipe is not None:
            self._pipe.close()  # the process reads the end of it and returns
        if self._process is not None:
            self._process.join()
        self._pipe = self._process = None

    def _start(self) -> Connection:
        context = multiprocessing.get_context("spawn")  # a fork would copy the studio's threads' locks
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_analyse, args=(theirs,), name="mcd", daemon=True)
        self._process.start()
        theirs.close()
        return self._pipe


def _analyse(pipe: Connection) -> None:
    """What the process does until its pipe is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is the studio's to answer
    with threadpool_limits(1):  # there is a process a core: threads more would only stand in each other's way
        while True:
            try:
                samples, sample_rate_hz, pitch = pipe.recv()
            except EOFError:
                return
            pipe.send(coefficients(samples, sample_rate_hz, pitch))
