"""Every visible word of the pages, from i18n/<language>/*.toml; numbers and dates in the language's manner."""

import functools
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parent / "i18n"


@functools.cache
def catalogue(language: str) -> dict[str, str]:
    """All texts of a language under dotted keys."""
    found: dict[str, str] = {}
    for file in sorted((_FOLDER / language).glob("*.toml")):
        texts = dict(_flat("", tomllib.loads(file.read_text(encoding="utf-8"))))
        if twice := found.keys() & texts.keys():
            raise ValueError(f"{file.name} says again: {', '.join(sorted(twice))}")
        found |= texts
    return found


def _flat(prefix: str, nested: dict[str, Any]) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for name, value in nested.items():
        key = f"{prefix}{name}"
        found += _flat(f"{key}.", value) if isinstance(value, dict) else [(key, str(value))]
    return found


class Words:
    """The texts of one language: ``words("clone.generate")``; facts fill ``{placeholders}``."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._texts = catalogue(language)

    def __call__(self, key: str, **facts: object) -> str:
        return self._texts[key].format(**facts) if facts else self._texts[key]

    def maybe(self, key: str, otherwise: str) -> str:
        """The text under `key`, or `otherwise` where the catalogue has none (names given by plug-ins)."""
        return self._texts.get(key, otherwise)

    def under(self, prefix: str) -> dict[str, str]:
        """All texts under a prefix, by the rest of their key."""
        start = f"{prefix}."
        return {key.removeprefix(start): text for key, text in self._texts.items() if key.startswith(start)}

    def number(self, value: float, digits: int = 2) -> str:
        text = f"{value:.{digits}f}"
        return text.replace(".", ",") if self.language == "it" else text

    def seconds(self, value: float) -> str:
        """ "7,4 s", or "2 min 05 s" from a minute on."""
        if value < 60:
            return f"{self.number(value, 1)} s"
        return f"{int(value // 60)} min {int(value % 60):02d} s"

    def duration(self, value: float) -> str:
        """ "45 s", "12 min", "3 h 05 min", "2 d 4 h": for what is only roughly known."""
        if value < 90:
            return f"{round(value)} s"
        minutes = round(value / 60)
        if minutes < 60:
            return f"{minutes} min"
        hours = minutes // 60
        if hours < 48:
            return f"{hours} h {minutes % 60:02d} min"
        return f"{hours // 24} {self('unit.days')} {hours % 24} h"

    def percent(self, fraction: float) -> str:
        return f"{round(100 * fraction)} %"

    def megabytes(self, count: int) -> str:
        if count >= 10**9:
            return f"{self.number(count / 10**9, 2)} GB"
        return f"{self.number(count / 10**6, 1)} MB"

    def day(self, iso: str) -> str:
        """A stored UTC time as a day, e.g. "3 nov 2026"."""
        moment = datetime.fromisoformat(iso)
        return f"{moment.day} {self(f'month.{moment.month}')} {moment.year}"

    def moment(self, iso: str) -> str:
        """A stored UTC time as day and time of this machine's clock."""
        local = datetime.fromisoformat(iso).replace(tzinfo=UTC).astimezone()
        return f"{local.day} {self(f'month.{local.month}')} {local:%H:%M}"

    def language_name(self, code: str) -> str:
        return self.maybe(f"language.{code}", code)
