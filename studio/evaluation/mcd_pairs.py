"""MCD of many pairs: sounds analysed on every core, and one that comes again analysed once."""

import threading
from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from queue import LifoQueue

import numpy as np
from numpy.typing import NDArray

from studio.audio.clip import AudioClip
from studio.errors import AudioRefused
from studio.evaluation.analysts import Analyst
from studio.evaluation.mcd import MelCepstralDistortion, at_common_rate, checked, distortion
from studio.evaluation.mel_cepstrum import Pitch

Pair = tuple[AudioClip, AudioClip]
Found = Future[NDArray[np.float64]]
MOST_REMEMBERED = 256  # sounds: 5 s are 0.2 MB
IDLE_S = 300.0


class Distortions:
    """Measures pairs with `workers` processes: WORLD's analysis is nine tenths of an MCD, and holds Python's lock.

    The values are `mcd_of_clips`'s. Processes start with the first pair; after `idle_s` without one they end and
    what was analysed is forgotten. Thread-safe.
    """

    def __init__(self, workers: int, idle_s: float = IDLE_S) -> None:
        self._workers, self._idle_s = max(1, workers), idle_s
        self._lock = threading.Lock()
        self._known: OrderedDict[tuple[str, Pitch], Found] = OrderedDict()
        self._analysts: LifoQueue[Analyst] = LifoQueue()  # the one used last is the one that runs already
        for _ in range(self._workers):
            self._analysts.put(Analyst(alone=self._workers == 1))
        self._threads: ThreadPoolExecutor | None = None
        self._busy = 0
        self._timer: threading.Timer | None = None

    def of_clips(self, reference: AudioClip, synthesized: AudioClip) -> MelCepstralDistortion:
        """MCD of a pair of any two rates, both sounds analysed at once; raises AudioRefused as `mcd` does."""
        found = next(self.of_pairs([(reference, synthesized)]))
        if isinstance(found, AudioRefused):
            raise found
        return found

    def of_pairs(
        self, pairs: Iterable[Pair], pitch: Pitch = "harvest"
    ) -> Iterator[MelCepstralDistortion | AudioRefused]:
        """The MCD of every pair, in order and as soon as it is known; for a pair that has none, why.

        Stop taking from it, and no more is begun.
        """
        self._wake()
        try:
            coming = iter(pairs)
            begun = deque(self._begin(pair, pitch) for pair in islice(coming, 2 * self._workers))
            while begun:
                first = begun.popleft()
                begun.extend(self._begin(pair, pitch) for pair in islice(coming, 1))
                yield first if isinstance(first, AudioRefused) else self._ended(*first, pitch)
        finally:
            self._rest_later()

    def close(self) -> None:
        """End the processes and forget every sound, unless pairs are being measured; the next pair starts anew."""
        with self._lock:
            if self._busy:
                return
            threads, self._threads = self._threads, None
            self._known.clear()
        if threads is not None:
            threads.shutdown()
        analysts = [self._analysts.get() for _ in range(self._workers)]
        for analyst in analysts:
            analyst.stop()
            self._analysts.put(analyst)

    def forget(self) -> None:
        """Analyse every sound anew; the processes go on."""
        with self._lock:
            self._known.clear()

    @property
    def remembered(self) -> int:
        """How many sounds need not be analysed again."""
        return len(self._known)

    # One pair

    def _begin(self, pair: Pair, pitch: Pitch) -> tuple[int, Found, Found] | AudioRefused:
        try:
            one, other = at_common_rate(*pair)
            for sound in (one, other):
                checked(sound, one.sample_rate_hz)
        except AudioRefused as error:
            return error
        return one.sample_rate_hz, self._analysed(one, pitch), self._analysed(other, pitch)

    def _analysed(self, sound: AudioClip, pitch: Pitch) -> Found:
        key = (sound.content_id, pitch)
        with self._lock:
            known = self._known.pop(key, None)
            if known is None or (known.done() and known.exception() is not None):
                assert self._threads is not None
                known = self._threads.submit(self._analyse, sound, pitch)
            self._known[key] = known
            if len(self._known) > MOST_REMEMBERED:
                self._known.popitem(last=False)
            return known

    def _analyse(self, sound: AudioClip, pitch: Pitch) -> NDArray[np.float64]:
        analyst = self._analysts.get()
        try:
            return analyst.coefficients(sound, pitch)
        finally:
            self._analysts.put(analyst)

    @staticmethod
    def _ended(rate: int, one: Found, other: Found, pitch: Pitch) -> MelCepstralDistortion:
        return distortion(one.result(), other.result(), rate, pitch)

    # Starting and resting

    def _wake(self) -> None:
        with self._lock:
            self._busy += 1
            if self._timer is not None:
                self._timer.cancel()
            if self._threads is None:
                self._threads = ThreadPoolExecutor(self._workers, "mcd")

    def _rest_later(self) -> None:
        with self._lock:
            self._busy -= 1
            if self._busy:
                return
            self._timer = threading.Timer(self._idle_s, self.close)
            self._timer.daemon = True
            self._timer.start()
