"""The texts a speaker reads: the notice that comes with the studio, and the statement to say aloud."""

import functools
import hashlib
import secrets
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from studio.consent.purposes import Purpose

_FOLDER = Path(__file__).parent
WORDS = 4  # random words in a statement


@dataclass(frozen=True)
class Notice:
    """What the speaker is told; `hash` proves later which text it was."""

    text: str
    version: str
    language: str
    hash: str


@functools.cache
def _texts(language: str) -> dict[str, Any]:
    return tomllib.loads((_FOLDER / f"{language}.toml").read_text(encoding="utf-8"))


def fingerprint(text: str) -> str:
    """SHA-256 of a notice's text."""
    return hashlib.sha256(text.encode()).hexdigest()


def notice(language: str) -> Notice:
    """The privacy notice that comes with the studio, in "it" or "en"."""
    texts = _texts(language)
    text = texts["notice"].strip()
    return Notice(text, texts["version"], language, fingerprint(text))


def draw(language: str) -> tuple[tuple[str, ...], str]:
    """Four random words and a neutral sentence; from the system's source, for nobody may guess them."""
    texts, chance = _texts(language), secrets.SystemRandom()
    return tuple(chance.sample(texts["words"], WORDS)), str(chance.choice(texts["neutral"]))


def statement(
    language: str,
    purposes: Iterable[Purpose],
    day: date,
    organisation: str,
    words: Sequence[str],
    neutral: str,
) -> str:
    """What is read aloud: the agreement with organisation, purposes and date, then what is new each time."""
    texts = _texts(language)
    labels = [texts["purposes"][p.value] for p in Purpose if p in set(purposes)]
    month = texts["months"][day.month - 1]
    return str(texts["statement"]).format(
        organisation=organisation or texts["organisation"],
        purposes=_listed(labels, texts["joiner"]),
        date=f"{day.day} {month} {day.year}",
        words=", ".join(words),
        neutral=neutral,
    )


def _listed(labels: Sequence[str], joiner: str) -> str:
    return joiner.join(filter(None, [", ".join(labels[:-1]), *labels[-1:]]))


@dataclass(frozen=True)
class Signs:
    """What a statement must contain, and what would turn it round."""

    phrase: str
    agreement: str
    negations: frozenset[str]


def signs(language: str) -> Signs:
    texts = _texts(language)
    return Signs(texts["phrase"], texts["agreement"], frozenset(texts["negations"]))
