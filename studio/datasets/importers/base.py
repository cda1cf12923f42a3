"""What every importer gives: rows of sound and text, and what the corpus says of its licence."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Protocol

from studio.audio.decode import shown_name
from studio.datasets.bundles import Bundle, safe_path
from studio.errors import InputRefused

SOUNDS = (".wav", ".flac", ".mp3", ".ogg", ".opus", ".m4a", ".aac", ".webm", ".aiff", ".aif")
TABLES = (".csv", ".tsv")
MOST_TEXTS = 20


@dataclass(frozen=True)
class Row:
    """One clip of a corpus: a file of the bundle ("" when it is not there) and what is said in it.

    `wanted` is what the table calls the sound. `speaker` is the corpus's own mark, which is never stored.
    `language` is the corpus's own word for it ("" where it says none). `fault` is why a line cannot be read:
    the import is refused with it, or counts it where such lines are to be left out.
    """

    sound: str
    wanted: str
    text: str
    speaker: str = ""
    language: str = ""
    fault: InputRefused | None = None


def short_line(name: str, number: int) -> Row:
    """A line of a table that lacks a column it needs."""
    place = shown_name(name)
    refusal = InputRefused("datasets.short_line", file=place, number=number)
    return Row("", f"{place}:{number}", "", fault=refusal)


@dataclass(frozen=True)
class Corpus:
    """What is known of a format's corpora; "" where the person importing has to say it."""

    format: str
    licence: str
    source: str


class Importer(Protocol):
    """A format. `recognise` looks at names and heads of tables only."""

    corpus: Corpus

    def recognise(self, bundle: Bundle) -> bool: ...
    def origin(self, rows: Sequence[Row]) -> Corpus:
        """What these rows show of their licence: `corpus`, or less where they are only laid out like it."""
        ...

    def rows(self, bundle: Bundle) -> list[Row]:
        """InputRefused when the tables are not what the format asks for."""
        ...


class Sounds:
    """Finds the file that a table means."""

    def __init__(self, bundle: Bundle) -> None:
        self._here = {name for name in bundle.names if name.lower().endswith(SOUNDS)}
        self._by_stem: dict[str, list[str]] = {}
        for name in self._here:
            path = PurePosixPath(name)
            for key in {path.name, path.stem}:
                self._by_stem.setdefault(key, []).append(name)

    def __len__(self) -> int:
        return len(self._here)

    def find(self, wanted: str, folder: PurePosixPath, below: Sequence[str] = ("",)) -> str:
        """The bundle's file for a table's entry: in the table's folder or one `below` it, with or without ending;
        else the only file of that name anywhere. "" when there is none. InputRefused for a path that climbs out.
        """
        clean = wanted.strip().removeprefix("./")
        if not safe_path(clean):
            raise InputRefused("datasets.unsafe", file="", entry=shown_name(wanted))
        for place in below:
            path = (folder / place / clean).as_posix()
            found = next((path + end for end in ("", *SOUNDS) if path + end in self._here), "")
            if found:
                return found
        anywhere = self._by_stem.get(PurePosixPath(clean).name, [])
        return anywhere[0] if len(anywhere) == 1 else ""


def tables(bundle: Bundle, *names: str) -> list[str]:
    """The bundle's tables; only those called one of `names` where some are given.

    Plain texts count as tables only where there are few and nothing else: corpora have one beside every sound.
    """
    found = [name for name in bundle.names if name.lower().endswith(TABLES)]
    if not found:
        found = [name for name in bundle.names if name.lower().endswith(".txt")]
        found = found if len(found) <= MOST_TEXTS else []
    return [n for n in found if PurePosixPath(n).name in names] if names else found


def head(bundle: Bundle, name: str) -> str:
    """A table's first line, at most 10 000 characters of it; "" when it is not text."""
    with bundle.open(name) as stream:
        return stream.read(10_000).decode("utf-8-sig", "ignore").split("\n", 1)[0].strip("\r")


def cells(text: str, delimiter: str, *, quoted: bool, name: str) -> Iterator[list[str]]:
    """Rows of a table; `quoted` reads "..." as a spreadsheet writes it."""
    lines = io.StringIO(text, newline="")
    try:
        if quoted:
            yield from csv.reader(lines, delimiter=delimiter)
        else:
            yield from csv.reader(lines, delimiter=delimiter, quoting=csv.QUOTE_NONE)
    except csv.Error as error:
        raise InputRefused("datasets.damaged", file=shown_name(name)) from error


def unquoted(cell: str) -> str:
    """A cell of a table without quoting that was written with it after all."""
    if len(cell) >= 2 and cell[0] == cell[-1] == '"':
        cell = cell[1:-1]
    return cell.replace('""', '"').strip()
