"""The watermark: what a watermarker does, how a stream and a long clip are marked, how a mark is found."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from studio.audio.clip import AudioClip, Samples

CERTAIN = (
    0.9  # from here on the mark is there: no real recording at hand comes near (benchmarks/provenance.py)
)
DOUBTFUL = 0.7  # from here on nobody can say
SHORTEST_S = 0.5  # of sound; less carries too little of a mark to be found or to be missed
CONTEXT_S = 0.25  # what the mark of a moment depends on, on both sides (Perth: 5 convolutions, 1 window)
SHORTEST_BLOCK_S = 0.2  # shorter pieces wait for more: each block costs its context, too
LONGEST_BLOCK_S = 10.0  # marked at once: a long take needs no more memory than a short one
WINDOW_S, HOP_S = 12.0, 6.0  # looked at together when a mark is sought


class Watermarker(Protocol):
    """A mark that nobody hears and that outlives copying."""

    @property
    def name(self) -> str: ...

    def check(self) -> None:
        """EngineTrouble when it could not be loaded: cheap, loads nothing heavy."""

    def load(self) -> None:
        """Load it now; EngineTrouble when it can't mark or does not find its own mark."""

    def mark_of(self, clip: AudioClip) -> Samples:
        """What to add to the clip's samples, shape (n,); nothing at all where the clip is silent."""

    def confidence(self, clip: AudioClip) -> float:
        """0 (no mark) to 1 (marked), for a clip of some seconds."""


@dataclass(frozen=True)
class Reading:
    """What was found: the highest confidence of any stretch, and how much sound there was to look at."""

    confidence: float
    sound_s: float

    @property
    def found(self) -> bool:
        return self.confidence >= CERTAIN

    @property
    def doubtful(self) -> bool:
        return not self.found and (self.confidence >= DOUBTFUL or self.sound_s < SHORTEST_S)


class StreamMarker:
    """Marks a stream as it comes: the same samples as marking the whole, a quarter of a second later.

    `feed` every clip, then `close`; each gives back what is ready (None: nothing yet). Blocks start on the
    watermarker's own 10 ms grid, so where the stream was cut leaves no trace (under -110 dB).
    """

    def __init__(self, watermarker: Watermarker, sample_rate_hz: int) -> None:
        self._watermarker = watermarker
        self._rate = sample_rate_hz
        self._grid = sample_rate_hz // math.gcd(sample_rate_hz, 100)
        self._context = -(-int(CONTEXT_S * sample_rate_hz) // self._grid) * self._grid
        self._kept = np.zeros(0, dtype=np.float32)  # context before, then what waits
        self._waits_from = 0

    def feed(self, clip: AudioClip) -> AudioClip | None:
        """Take the next clip, of the stream's rate."""
        if clip.sample_rate_hz != self._rate:
            raise ValueError(f"the stream is at {self._rate} Hz, the clip at {clip.sample_rate_hz}")
        self._kept = np.concatenate([self._kept, clip.samples])
        ready = len(self._kept) - self._context - self._waits_from
        return self._marked(ready) if ready >= SHORTEST_BLOCK_S * self._rate else None

    def close(self) -> AudioClip | None:
        """The rest."""
        return self._marked(len(self._kept) - self._waits_from)

    def _marked(self, count: int) -> AudioClip | None:
        longest = int(LONGEST_BLOCK_S) * self._rate
        pieces = []
        while count > 0:
            pieces.append(self._block(min(count, longest)))
            count -= len(pieces[-1])
        return AudioClip(np.concatenate(pieces), self._rate) if pieces else None

    def _block(self, count: int) -> Samples:
        start, end = self._waits_from, self._waits_from + count
        heard = AudioClip(self._kept[: end + self._context], self._rate)
        marked: Samples = self._kept[start:end] + self._watermarker.mark_of(heard)[start:end]
        keep_from = max(0, end - self._context) // self._grid * self._grid
        self._kept, self._waits_from = self._kept[keep_from:], end - keep_from
        return marked


def marked(watermarker: Watermarker, clip: AudioClip) -> AudioClip:
    """The whole clip, marked, in bounded memory."""
    stream = StreamMarker(watermarker, clip.sample_rate_hz)
    pieces = [piece.samples for piece in (stream.feed(clip), stream.close()) if piece is not None]
    return AudioClip(np.concatenate(pieces) if pieces else clip.samples, clip.sample_rate_hz)


def read_mark(watermarker: Watermarker, clip: AudioClip) -> Reading:
    """Look for the mark, stretch by stretch: a marked sentence is found within a long recording."""
    sound_s = _sound_s(clip)
    if sound_s == 0:
        return Reading(0.0, 0.0)
    best = 0.0
    for stretch in _stretches(clip):
        best = max(best, min(1.0, max(0.0, watermarker.confidence(stretch))))
        if best >= CERTAIN:
            break
    return Reading(best, sound_s)


def _stretches(clip: AudioClip) -> Iterator[AudioClip]:
    window, hop = int(WINDOW_S * clip.sample_rate_hz), int(HOP_S * clip.sample_rate_hz)
    for start in range(0, max(1, len(clip.samples) - hop), hop):
        stretch = AudioClip(clip.samples[start : start + window], clip.sample_rate_hz)
        if _sound_s(stretch) > 0:
            yield stretch


def _sound_s(clip: AudioClip) -> float:
    """Seconds that are not silence: 20 ms frames above -60 dB of full scale."""
    frame = max(1, clip.sample_rate_hz // 50)
    count = len(clip.samples) // frame
    if not count:
        return 0.0
    frames = clip.samples[: count * frame].reshape(count, frame)
    return float((np.abs(frames).max(axis=1) > 1e-3).sum()) / 50
