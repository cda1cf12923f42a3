"""Text made ready to be spoken: checked, written out in words, cut into chunks."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field

from studio.errors import TextRefused
from studio.spoken.grammar import spoken
from studio.spoken.languages import LANGUAGES, base, rules_for, scripts
from studio.spoken.tidy import clean, one_line, same_signs
from studio.synthesis.text_chunks import chunks

MOST_CHARACTERS = 10_000
FOREIGN_SHARE = 0.2  # of the letters; a foreign word among many is left to the engine


@dataclass(frozen=True)
class Glossary:
    """How certain words are to be said: written form -> spoken form. Whole words only, case as given.

    An entry in lower case also matches its capitalised form.
    """

    entries: Mapping[str, str] = field(default_factory=dict)

    def apply(self, text: str) -> str:
        """Replace every entry once, the longest first; what was replaced is not replaced again."""
        known = {key: said for key, said in self.entries.items() if key.strip()}
        if not known:
            return text
        capital = {key[0].upper() + key[1:]: said for key, said in known.items()}
        known = capital | known
        alternatives = "|".join(re.escape(key) for key in sorted(known, key=len, reverse=True))
        return re.sub(rf"(?<!\w)(?:{alternatives})(?!\w)", lambda match: known[match[0]], text)


@dataclass(frozen=True)
class PreparedText:
    """What will be spoken, whole and in chunks; the chunks joined by spaces are the whole."""

    normalised: str
    chunks: tuple[str, ...]


def prepare(
    text: str, language: str, limit: int, *, most: int = MOST_CHARACTERS, glossary: Glossary | None = None
) -> PreparedText:
    """Check, normalise and cut a text; chunks have at most `limit` characters. Raises TextRefused."""
    check(text, language, most)
    said = normalise(glossary.apply(text) if glossary else text, language)
    if not _has_words(said):
        raise TextRefused("text.nothing_to_say")
    return PreparedText(said, split(said, language, limit))


def check(text: str, language: str, most: int = MOST_CHARACTERS) -> None:
    """Refuse what cannot be spoken (TextRefused): empty, over `most` characters, control characters,
    only signs or emoji, another script than the language's, a language without rules."""
    if len(text) > most:
        raise TextRefused("text.too_long", characters=len(text), most=most)
    if not text.strip():
        raise TextRefused("text.empty")
    _known(language)
    strange = next(
        (c for c in text if c not in "\n\r\t\f\v\x85" and unicodedata.category(c) in ("Cc", "Cs", "Co")), ""
    )
    if strange:
        raise TextRefused(
            "text.control_character", code=f"U+{ord(strange):04X}", place=text.index(strange) + 1
        )
    if not _has_words(text):
        raise TextRefused("text.nothing_to_say")
    _check_script(text, language)


def normalise(text: str, language: str) -> str:
    """The text as it is said aloud: numbers, dates, money, abbreviations in words; one line.

    Languages without rules of their own keep their digits. Raises TextRefused for an unknown language.
    """
    _known(language)
    rules = rules_for(language)
    return spoken(text, rules) if rules else clean(one_line(same_signs(text)))


def split(text: str, language: str, limit: int) -> tuple[str, ...]:
    """Cut into chunks of at most `limit` characters at sentences, then clauses, then spaces.

    Nothing is lost but the space between chunks. Raises TextRefused for a word longer than `limit`.
    """
    return chunks(" ".join(text.split()), base(language), limit)


def _known(language: str) -> None:
    if base(language) not in LANGUAGES:
        raise TextRefused("text.language", language=language, languages=", ".join(LANGUAGES))


def _has_words(text: str) -> bool:
    return any(unicodedata.category(character)[0] in "LN" for character in text)


def _check_script(text: str, language: str) -> None:
    letters = [character for character in text if unicodedata.category(character) in ("Lu", "Ll", "Lt", "Lo")]
    own = scripts(language)
    foreign = [c for c in letters if unicodedata.name(c, "").split(" ")[0] not in own]
    latin = sum(unicodedata.name(c, "").startswith("LATIN") for c in foreign)
    # Brands and names in Latin letters are at home in every script, as long as some of the text is not.
    counted = len(foreign) - latin if latin and len(foreign) < len(letters) else len(foreign)
    if letters and counted > FOREIGN_SHARE * len(letters):
        sample = next(c for c in foreign)
        raise TextRefused("text.script", language=language, sample=sample)
