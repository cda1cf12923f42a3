"""From a long recording to clips of whole sentences: pure, one block of sound in memory at a time."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import numpy as np

from studio.audio.clip import AudioClip
from studio.audio.measures import frame_powers
from studio.audio.speech import Span, speech_spans
from studio.datasets.cuts import Cut, CutRule, Heard, plan
from studio.datasets.edges import faded, part, tail_db
from studio.evaluation.speech_recognition import Word

BLOCK_S = 28.0  # what a recogniser takes at once
_LEAST_STEP_S = 1.0


@dataclass(frozen=True)
class Segment:
    """A clip that was cut out, its text as heard, and its place in the recording."""

    clip: AudioClip
    start_s: float
    end_s: float
    text: str
    confidence: float | None
    tail_db: float
    speech_s: float


class Source(Protocol):
    """A long recording that is read piece by piece."""

    @property
    def duration_s(self) -> float: ...
    def read(self, start_s: float, end_s: float) -> AudioClip: ...


Hear = Callable[[AudioClip], Sequence[Word]]


def segments(source: Source, hear: Hear, language: str, rule: CutRule | None = None) -> Iterator[Segment]:
    """Cut a recording of any length into clips of whole sentences.

    Blocks of at most 28 s are heard; the last sentence of a block is heard again at the start of the next one,
    so that none is torn. Speech in which no word is recognised comes out as a segment without text.
    """
    rule = rule or CutRule()
    position = 0.0
    while source.duration_s - position > 0.1:
        block = source.read(position, min(source.duration_s, position + BLOCK_S))
        last = position + block.duration_s >= source.duration_s - 0.05
        spans = speech_spans(block)
        if not spans:
            position += block.duration_s
            continue
        if spans[0].start_s > 1.0:  # silence first: begin where somebody speaks
            position += spans[0].start_s - 0.5
            continue
        end_s = block.duration_s if last else block_end(spans, block)
        heard = part(block, 0.0, end_s)
        inside = [Span(s.start_s, min(s.end_s, end_s)) for s in spans if s.start_s < end_s]
        planned, next_s = plan(Heard(hear(heard), inside, end_s, language), rule, last=last)
        for cut in planned or _wordless(inside, rule):
            yield segment(heard, cut, inside, offset_s=position)
        position += next_s if next_s >= _LEAST_STEP_S else end_s


def block_end(spans: Sequence[Span], block: AudioClip) -> float:
    """Where to end a block: in the longest pause of its second half; else at its quietest moment there."""
    half = block.duration_s / 2
    edges = [Span(a.end_s, b.start_s) for a, b in pairwise(spans)]
    if spans[-1].end_s < block.duration_s:
        edges.append(Span(spans[-1].end_s, block.duration_s))
    late = [edge for edge in edges if (edge.start_s + edge.end_s) / 2 > half]
    if late:
        widest = max(late, key=lambda edge: edge.duration_s)
        return (widest.start_s + widest.end_s) / 2
    powers = frame_powers(block.samples, block.sample_rate_hz)
    middle = len(powers) // 2
    return float((middle + int(np.argmin(powers[middle:]))) * 0.02)


def _wordless(spans: Sequence[Span], rule: CutRule) -> list[Cut]:
    """Speech that nobody understood: shown in the review rather than lost."""
    return [
        Cut(s.start_s, s.end_s, rule.bare_fade_s, rule.bare_fade_s, "", 0.0)
        for s in spans
        if s.duration_s > 1
    ]


def segment(block: AudioClip, cut: Cut, spans: Sequence[Span], offset_s: float = 0.0) -> Segment:
    """Cut a clip out of its block: the tail is measured before the edges are faded."""
    bare = part(block, cut.start_s, cut.end_s)
    spoken_s = sum(max(0.0, min(s.end_s, cut.end_s) - max(s.start_s, cut.start_s)) for s in spans)
    return Segment(
        faded(bare, cut.fade_in_s, cut.fade_out_s), offset_s + cut.start_s, offset_s + cut.end_s, cut.text,
        cut.confidence if cut.text else None, tail_db(bare), spoken_s,
    )  # fmt: skip
