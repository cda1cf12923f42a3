"""Text on its way to XTTS: quotes out, limits kept, and how long it may take to say. No torch."""

import math
import re

TOKENS_PER_SECOND = 22_050 / 1024  # one audio token is 1024 samples at 22.05 kHz
_SLOWEST_CHARACTERS_PER_SECOND = 6.0  # people read at 12 to 18; romanised scripts too
_FASTEST_CHARACTERS_PER_SECOND = 25.0
_SPARE_SECONDS = 2.0  # pauses, breaths, a short word said slowly
_LONGEST_BURST_S = 0.35

# XTTS babbles after closing quotes; an apostrophe is part of a word and stays.
_QUOTES = re.compile(r'["“”„‟«»‹›❝❞＂「」『』]')
_SINGLE_QUOTED = re.compile(r"(?<!\w)'([^']+)'(?!\w)")
_CUTS = (
    re.compile(r"(?<=[.!?…])\s+|(?<=[。！？।؟])"),
    re.compile(r"(?<=[,;:—–])\s+|(?<=[，；：、،])"),
    re.compile(r"\s+"),
)


def without_quotes(text: str) -> str:
    """The text with quotation marks removed, apostrophes made plain and spaces collapsed."""
    text = _QUOTES.sub(" ", text.replace("’", "'").replace("‘", "'"))
    text = _SINGLE_QUOTED.sub(r"\1", text)
    text = re.sub(r"\s+([,.;:!?…])", r"\1", text)
    return " ".join(text.split())


def split_to_limit(text: str, limit: int) -> list[str]:
    """Pieces of at most `limit` characters, of similar length, cut at the best places: nothing is lost.

    Sentence ends first, then commas, then spaces; inside a word only where a word alone exceeds the limit.
    """
    if len(text) <= limit:
        return [text]
    cut = _best_cut(text, limit)
    return [text[:cut].rstrip(), *split_to_limit(text[cut:].lstrip(), limit)]


def _best_cut(text: str, limit: int) -> int:
    # Even pieces: XTTS is at its worst on the tiny remainder that filling each piece would leave.
    ideal = len(text) / math.ceil(len(text) / limit)
    for pattern in _CUTS:
        places = [m.start() for m in pattern.finditer(text) if ideal / 3 <= m.start() <= limit]
        if places:
            return min(places, key=lambda place: abs(place - ideal))
    return limit


def token_limit(spoken_text: str) -> int:
    """The most audio tokens a text can need: what goes on longer is babble, not speech."""
    seconds = _SPARE_SECONDS + len(spoken_text) / _SLOWEST_CHARACTERS_PER_SECOND
    return math.ceil(seconds * TOKENS_PER_SECOND)


def shortest_last_word_s(spoken_text: str, speed: float) -> float:
    """Seconds under which a sound after the last pause can't be the text's last word."""
    words = re.findall(r"\w+", spoken_text)
    letters = len(words[-1]) if words else 0
    return min(letters / _FASTEST_CHARACTERS_PER_SECOND, _LONGEST_BURST_S) / speed
