"""From words with their times to clips of whole sentences: pure, no sound is touched."""

from collections.abc import Sequence
from dataclasses import dataclass

from studio.audio.speech import Span
from studio.evaluation.speech_recognition import Word
from studio.spoken.languages import WITHOUT_SPACES, base

_ENDS = (".", "!", "?", "…", "。", "！", "？", "؟", "।")
_PAUSES = (",", ";", ":", "—", "–", "،", "、", "，")
_CLINGS = ("'", "’", "-", ".", ",", "%")  # a piece that begins so belongs to the word before it
_COMMA_WORTH_S = 0.3  # a comma counts like this much of silence when a long sentence has to be split
_SILENCE_S = 0.02  # less than this between two words is none


@dataclass(frozen=True)
class CutRule:
    """How long clips are, and how their edges are treated; seconds."""

    shortest_s: float = 3.0
    longest_s: float = 11.0
    widest_gap_s: float = 1.0  # sentences further apart are never in one clip
    sentence_gap_s: float = 0.9  # so long a silence ends a sentence, whatever the punctuation says
    pad_s: float = 0.2  # or half the gap, where that is less
    fade_s: float = 0.02
    bare_fade_s: float = 0.005  # where there is no gap at all


@dataclass(frozen=True)
class Cut:
    """A clip to be cut out of a block; `fade_in_s` and `fade_out_s` lie within its padding."""

    start_s: float
    end_s: float
    fade_in_s: float
    fade_out_s: float
    text: str
    confidence: float


@dataclass(frozen=True)
class Heard:
    """A block's words, where somebody speaks in it, its length and language."""

    words: Sequence[Word]
    spans: Sequence[Span]
    end_s: float
    language: str


Group = range  # of words, by their place


def plan(heard: Heard, rule: CutRule, *, last: bool) -> tuple[list[Cut], float]:
    """The cuts of one block, and from where to go on (the block's end when nothing is held back).

    Unless the block is the recording's `last`, its last group may be unfinished and is held back.
    """
    return _Planner(heard, rule).plan(last)


def joined(words: Sequence[str], language: str) -> str:
    """The words as a text: pieces such as "'unica" cling to the word before them."""
    if base(language) in WITHOUT_SPACES:
        return "".join(words)
    return "".join(
        word if not at or word.startswith(_CLINGS) else f" {word}" for at, word in enumerate(words)
    )


class _Planner:
    def __init__(self, heard: Heard, rule: CutRule) -> None:
        self._heard, self._rule = heard, rule
        self._words = heard.words
        edges = [0.0, *(edge for span in heard.spans for edge in (span.start_s, span.end_s)), heard.end_s]
        self._silences = [
            Span(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a > _SILENCE_S
        ]
        # The silence before each word, and after the last one.
        self._gaps = [self._gap(at) for at in range(len(self._words) + 1)]

    def plan(self, last: bool) -> tuple[list[Cut], float]:
        groups = self._groups(self._sentences())
        held = None if last or len(groups) < 2 else groups.pop()
        cuts = [self._cut(group) for group in groups]
        return cuts, self._gaps[held.start].end_s - self._pad(held.start) if held else self._heard.end_s

    def _gap(self, at: int) -> Span:
        """The silence before word `at`.

        Recognisers place words to within some tenths of a second, so the widest silence that the speech
        detector found between the words' middles counts; without one, what lies between the words' own times.
        """
        before = self._words[at - 1] if at else None
        after = self._words[at] if at < len(self._words) else None
        low = _middle(before) if before else 0.0
        high = _middle(after) if after else self._heard.end_s
        inside = [Span(max(low, s.start_s), min(high, s.end_s)) for s in self._silences]
        quiet = [span for span in inside if span.duration_s > _SILENCE_S]
        if quiet and before and after:
            return max(quiet, key=lambda span: span.duration_s)
        if quiet:  # at the block's edge the one next to the word: what is beyond it belongs to nobody
            return quiet[-1] if after else quiet[0]
        start = min(before.end_s, high) if before else 0.0
        end = max(after.start_s, low) if after else self._heard.end_s
        return Span(start, max(start, end))

    def _pad(self, at: int) -> float:
        """Up to 0.2 s of the silence before word `at`; half of it where another word is on its other side."""
        gap = self._gaps[at]
        shared = 0 < at < len(self._words)
        return min(self._rule.pad_s, gap.duration_s / 2 if shared else gap.duration_s)

    def _length(self, group: Group) -> float:
        """From the end of the silence before its first word to the start of that after its last one."""
        return self._gaps[group.stop].start_s - self._gaps[group.start].end_s

    def _fits(self, group: Group) -> bool:
        return self._length(group) <= self._rule.longest_s - 2 * self._rule.pad_s

    def _sentences(self) -> list[Group]:
        """Words up to a full stop or a long silence; what is too long is split where it pauses."""
        found, first = [], 0
        for at, word in enumerate(self._words, 1):
            silent = self._gaps[at].duration_s > self._rule.sentence_gap_s
            if word.text.endswith(_ENDS) or silent or at == len(self._words):
                found += self._pieces(range(first, at))
                first = at
        return found

    def _pieces(self, group: Group) -> list[Group]:
        if self._fits(group) or len(group) < 2:
            return [group]
        at = max(group[1:], key=lambda at: self._worth(group, at))
        return self._pieces(range(group.start, at)) + self._pieces(range(at, group.stop))

    def _worth(self, group: Group, at: int) -> tuple[bool, float]:
        """How good it is to split before word `at`: first of all, that neither side gets too short."""
        sides = self._length(range(group.start, at)), self._length(range(at, group.stop))
        comma = _COMMA_WORTH_S if self._words[at - 1].text.endswith(_PAUSES) else 0.0
        return min(sides) >= self._rule.shortest_s, self._gaps[at].duration_s + comma

    def _groups(self, sentences: list[Group]) -> list[Group]:
        """Short sentences joined to their neighbours, as far as length and silence between them allow."""
        groups: list[Group] = []
        for sentence in sentences:
            if groups and self._may_join(groups[-1], sentence):
                groups[-1] = range(groups[-1].start, sentence.stop)
            else:
                groups.append(sentence)
        return groups

    def _may_join(self, before: Group, sentence: Group) -> bool:
        near = self._gaps[sentence.start].duration_s <= self._rule.widest_gap_s
        short = min(self._length(before), self._length(sentence)) < self._rule.shortest_s
        return near and short and self._fits(range(before.start, sentence.stop))

    def _cut(self, group: Group) -> Cut:
        words = [self._words[at] for at in group]
        rooms = self._pad(group.start), self._pad(group.stop)
        fade_in_s, fade_out_s = (max(self._rule.bare_fade_s, min(self._rule.fade_s, room)) for room in rooms)
        return Cut(
            self._gaps[group.start].end_s - rooms[0],
            self._gaps[group.stop].start_s + rooms[1],
            fade_in_s,
            fade_out_s,
            joined([word.text for word in words], self._heard.language),
            sum(word.probability for word in words) / len(words),
        )


def _middle(word: Word) -> float:
    return (word.start_s + word.end_s) / 2
