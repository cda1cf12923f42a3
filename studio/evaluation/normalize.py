"""One form for a text and for what a recogniser wrote, so that only what was said differs."""

import re
import unicodedata
from typing import Literal, get_args

from studio.errors import InputRefused
from studio.spoken.grammar import spoken
from studio.spoken.languages import LANGUAGES, WITHOUT_SPACES, base, rules_for

VERSION = "2"
# "spoken": numbers, dates, money and abbreviations in words, then as "letters".
# "letters": NFC, lower case, apostrophes and hyphens to spaces, no punctuation; digits stay.
# "as_is": nothing but spaces.
Normalization = Literal["spoken", "letters", "as_is"]
NORMALIZATIONS = get_args(Normalization)

_APOSTROPHES = re.compile(r"['’‘ʼ`´′＇]")
# Spellings of one word that only fashion tells apart.
_SAME_WORD = {
    "it": {
        "ok": "okay",
        "okey": "okay",
        "perchè": "perché",
        "poichè": "poiché",
        "nè": "né",
        "sè": "sé",
        "pò": "po",
        "percento": "per cento",
        "dottor": "dottore",
        "signor": "signore",
        "professor": "professore",
        "ingegner": "ingegnere",
        "ragionier": "ragioniere",
        "monsignor": "monsignore",
    },
    "en": {
        "ok": "okay",
        "alright": "all right",
        "mr": "mister",
        "mrs": "missus",
        "ms": "miz",
        "dr": "doctor",
    },
}
# The same for words beside others, or for parts of a word.
_SAME_PHRASE = {
    "it": (
        (re.compile(r"\b(\w*(?:nti|nta|cento|mila))tr[eè]\b"), r"\1tré"),  # 23: ventitre, ventitrè, ventitré
        (re.compile(r"\b(euro|dollar[oi]|sterlin[ae]) e (\w+) (?:centesimi|penny)\b"), r"\1 e \2"),
    )
}


def normalize(text: str, language: str, normalization: Normalization = "spoken") -> str:
    """`text` in the form in which words are compared; accents are kept. Chinese and Japanese: one
    "word" a character. Raises InputRefused for a language without rules, an unknown normalization, and what is
    no text."""
    if not isinstance(language, str) or base(language) not in LANGUAGES:
        raise InputRefused("evaluation.language", language=language)
    if normalization not in NORMALIZATIONS:
        raise InputRefused(
            "evaluation.normalization", name=str(normalization)[:32], known=", ".join(NORMALIZATIONS)
        )
    if not isinstance(text, str):
        raise InputRefused("evaluation.no_text", kind=type(text).__name__)
    if normalization == "as_is":
        return " ".join(text.split())
    rules = rules_for(language)
    said = spoken(text, rules) if rules and normalization == "spoken" else text
    letters = _letters(said)
    if normalization == "spoken":
        same = _SAME_WORD.get(base(language), {})
        letters = " ".join(same.get(word, word) for word in letters.split())
        for pattern, one_way in _SAME_PHRASE.get(base(language), ()):
            letters = pattern.sub(one_way, letters)
    return " ".join(letters.replace(" ", "")) if base(language) in WITHOUT_SPACES else letters


def _letters(text: str) -> str:
    composed = _APOSTROPHES.sub(" ", unicodedata.normalize("NFC", text)).lower()
    kept = (c if unicodedata.category(c)[0] in "LMN" else " " for c in composed)
    return " ".join("".join(kept).split())
