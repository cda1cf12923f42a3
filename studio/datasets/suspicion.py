"""What is wrong, or may be wrong, with an utterance: pure rules on what was measured."""

import re
import statistics
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from studio.consent.evidence import OTHER_VOICE, SAME_VOICE
from studio.datasets.forms import LONGEST_S, SHORTEST_S, USUALLY_S
from studio.spoken.languages import WITHOUT_SPACES, base, scripts

_TOLERANCE_S = 0.05
_LEAST_SPEECH_S = 0.3
_OTHER_WORDS = 0.5  # more characters wrong than this: the text is not what is said
_ELLIPSIS = re.compile(r"\.\.\.|…")
_DIRECTION = re.compile(r"[\(\[\{<\*].*?[\)\]\}>\*]")
_SYMBOLS = re.compile(r"[#*@/\\|_=<>\[\]{}^~]|https?:|www\.")
# A doubt begins where the first value is passed and is certain at the second.
_CER = (0.05, 0.5)
_CONFIDENCE = (0.8, 0.3)
_TAIL_DB = (-22.0, -6.0)
_ODD_PACE = (3.0, 8.0)  # robust deviations from the dataset's median
_SLOWEST, _FASTEST = 3.0, 30.0  # characters a second, whatever the dataset's own pace
_SLOWEST_WIDE, _FASTEST_WIDE = 1.0, 14.0  # scripts that write a syllable or a word with one character


@dataclass(frozen=True)
class Measured:
    """What is known of an utterance. None: it was not measured."""

    text: str
    language: str
    duration_s: float
    speech_s: float
    chars_per_s: float
    tail_db: float
    confidence: float | None = None
    cer: float | None = None
    likeness: float | None = None
    spoken_language: str = ""  # as heard; "" where it was not told


@dataclass(frozen=True)
class Verdict:
    """`reason` is why a rule drops it ("" keeps it); `suspicion` 0..1; `doubts` names them, worst first."""

    reason: str
    suspicion: float
    doubts: tuple[str, ...]


@dataclass(frozen=True)
class Pace:
    """The dataset's usual characters a second, and how much they vary."""

    median: float
    spread: float

    def oddness(self, chars_per_s: float) -> float:
        return abs(chars_per_s - self.median) / self.spread


def pace_of(values: Sequence[float]) -> Pace | None:
    """Median and robust spread (1.4826 * median deviation, at least 1.5); None for fewer than five clips."""
    if len(values) < 5:
        return None
    middle = statistics.median(values)
    spread = 1.4826 * statistics.median(abs(value - middle) for value in values)
    return Pace(middle, max(1.5, spread))


def letters(text: str) -> int:
    """Letters and digits: what is said, without spaces and punctuation."""
    return sum(c.isalnum() for c in text)


def foreign_share(text: str, language: str) -> float:
    """The share of letters that are not in the language's script; 0 where there are no letters."""
    wanted = scripts(language)
    found = [unicodedata.name(c, "?").split(" ")[0] for c in text if c.isalpha()]
    return sum(script not in wanted for script in found) / len(found) if found else 0.0


def judge(measured: Measured, pace: Pace | None) -> Verdict:
    """Weigh one utterance; doubts add up as independent chances do."""
    weights = {name: weight for name, weight in _weights(measured, pace).items() if weight > 0}
    clean = 1.0
    for weight in weights.values():
        clean *= 1 - min(0.98, weight)
    ranked = tuple(sorted(weights, key=lambda name: (-weights[name], name)))
    return Verdict(_refusal(measured), round(1 - clean, 4), ranked)


def _refusal(m: Measured) -> str:
    """The first rule that drops it, or ""."""
    rules = {
        "other_voice": m.likeness is not None and m.likeness < OTHER_VOICE,
        "no_text": letters(m.text) == 0,
        "too_short": m.duration_s < SHORTEST_S - _TOLERANCE_S,
        "too_long": m.duration_s > LONGEST_S + _TOLERANCE_S,
        "silence": m.speech_s < _LEAST_SPEECH_S,
        "other_script": foreign_share(m.text, m.language) > 0.5,
        "other_words": m.cer is not None and m.cer > _OTHER_WORDS,
        "short": m.duration_s < USUALLY_S - _TOLERANCE_S,
    }
    return next((name for name, broken in rules.items() if broken), "")


def _weights(m: Measured, pace: Pace | None) -> dict[str, float]:
    foreign = foreign_share(m.text, m.language)
    return {
        "words_differ": _grade(m.cer, *_CER),
        "unsure": _grade(m.confidence, *_CONFIDENCE),
        "cut_tail": _grade(m.tail_db, *_TAIL_DB),
        "pace": _pace(m, pace),
        "language": 0.8 if m.spoken_language and base(m.spoken_language) != base(m.language) else 0.0,
        "script": 0.5 + foreign / 2 if foreign else 0.0,
        "ellipsis": 0.55 if _ELLIPSIS.search(m.text) else 0.0,
        "direction": 0.8 if _DIRECTION.search(m.text) else 0.0,
        "symbols": 0.5 if _SYMBOLS.search(m.text) else 0.0,
        "digits": 0.1 if any(c.isdigit() for c in m.text) else 0.0,
        "voice_unclear": 0.0 if m.likeness is None or m.likeness >= SAME_VOICE else 0.7,
    }


def _grade(value: float | None, begins: float, certain: float) -> float:
    """0 up to `begins`, then from 0.2 to 1 at `certain`; either may be the larger."""
    if value is None:
        return 0.0
    share = (value - begins) / (certain - begins)
    return 0.0 if share <= 0 else min(1.0, 0.2 + 0.8 * share)


def _pace(m: Measured, pace: Pace | None) -> float:
    wide = base(m.language) in WITHOUT_SPACES
    slowest, fastest = (_SLOWEST_WIDE, _FASTEST_WIDE) if wide else (_SLOWEST, _FASTEST)
    if not slowest <= m.chars_per_s <= fastest:
        return 0.9
    return _grade(pace.oddness(m.chars_per_s), *_ODD_PACE) if pace else 0.0
