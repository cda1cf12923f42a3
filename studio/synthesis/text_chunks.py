"""Cutting a text where a speaker would breathe."""

import re
from collections.abc import Iterator

from studio.errors import TextRefused
from studio.spoken.languages import WITHOUT_SPACES, rules_for

SHORT = 24  # characters; a fragment this short sounds abrupt on its own
_END = re.compile(r"[.!?…]+[\"'»”’)\]]*(?=\s)|[。！？]+[」』”’)]*")
_CLAUSE = re.compile(r"[;:,]+[\"'»”’)\]]*(?=\s)|\s(?=[–—]\s)|[、，；：]+")


def chunks(text: str, language: str, limit: int) -> tuple[str, ...]:
    """Sentences of one-line `text`, cut where longer than `limit`, short ones joined to a neighbour."""
    if limit < 1:
        raise ValueError("limit must be at least one character")
    pieces = [
        piece
        for sentence in _sentences(text, language)
        for piece in _within(sentence, limit, language in WITHOUT_SPACES)
    ]
    return tuple(_merged(pieces, limit, "" if language in WITHOUT_SPACES else " "))


def _sentences(text: str, language: str) -> Iterator[str]:
    start = 0
    for match in _END.finditer(text):
        if match[0][0] == "." and not _ends(text, match, language):
            continue
        yield text[start : match.end()].strip()
        start = match.end()
    if text[start:].strip():
        yield text[start:].strip()


def _ends(text: str, dot: re.Match[str], language: str) -> bool:
    """A full stop ends a sentence unless it follows an abbreviation or an initial, or small letters go on."""
    following = text[dot.end() :].lstrip()
    if following[:1].islower():
        return False
    word = text[: dot.start() + 1].split()[-1].lstrip("\"'(«“")
    if re.fullmatch(r"(?:[^\W\d_]\.)+", word) and word[0].isupper():
        return False  # an initial: "G. Verdi"
    rules = rules_for(language)
    known = {**rules.abbreviations, **rules.before_number} if rules else {}
    return word not in known or (rules is not None and word in rules.ends_sentence)


def _within(sentence: str, limit: int, anywhere: bool) -> Iterator[str]:
    """The sentence in pieces of at most `limit`: at the last clause of the second half, else at a space."""
    rest = sentence
    while len(rest) > limit:
        cut = _cut(rest, limit, anywhere)
        yield rest[:cut].strip()
        rest = rest[cut:].strip()
    if rest:
        yield rest


def _cut(text: str, limit: int, anywhere: bool) -> int:
    # Two pieces of like length sound better than a full one and a crumb.
    aim = limit if len(text) >= 2 * limit else min(limit, len(text) // 2 + limit // 4 + 1)
    for reach in (aim, limit):
        clauses = [match.end() for match in _CLAUSE.finditer(text, 0, limit + 1) if match.end() <= reach]
        if clauses and clauses[-1] >= reach // 3:
            return clauses[-1]
    for reach in (aim, limit):
        space = text.rfind(" ", 0, reach + 1)
        if space > 0:
            return space
    if anywhere:
        return limit
    word = text.split(" ", 1)[0]
    raise TextRefused("text.word_too_long", word=word[:20], characters=len(word), limit=limit)


def _merged(pieces: list[str], limit: int, joint: str) -> list[str]:
    """Join a short piece to the one before it, or after it, where both fit in one chunk."""
    merged: list[str] = []
    for piece in pieces:
        short = merged and (len(piece) < SHORT or len(merged[-1]) < SHORT)
        if short and len(merged[-1]) + len(joint) + len(piece) <= limit:
            merged[-1] += joint + piece
        else:
            merged.append(piece)
    return merged
