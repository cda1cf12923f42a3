"""The texts a speaker reads: the notice, and the statement to say aloud."""

import functools
import hashlib
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from studio.consent.purposes import Purpose

_FOLDER = Path(__file__).parent


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


def notice(language: str) -> Notice:
    """The privacy notice in "it" or "en"."""
    texts = _texts(language)
    text = texts["notice"].strip()
    return Notice(text, texts["version"], language, hashlib.sha256(text.encode()).hexdigest())


def purpose_label(purpose: Purpose, language: str) -> str:
    return str(_texts(language)["purposes"][purpose.value])


def statement(language: str, purposes: Iterable[Purpose], day: date, organisation: str = "") -> str:
    """The sentence to read aloud: organisation, purposes and date in words."""
    texts = _texts(language)
    labels = [texts["purposes"][p.value] for p in Purpose if p in set(purposes)]
    listed = texts["joiner"].join(filter(None, [", ".join(labels[:-1]), *labels[-1:]]))
    month = texts["months"][day.month - 1]
    return str(texts["statement"]).format(
        organisation=organisation or texts["organisation"],
        purposes=listed,
        date=f"{day.day} {month} {day.year}",
    )
