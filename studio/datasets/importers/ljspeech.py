"""LJSpeech and what is made like it: ``metadata.csv`` (``id|text|normalised text``) beside ``wavs``."""

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from studio.datasets.bundles import Bundle
from studio.datasets.importers.base import Corpus, Row, Sounds, cells, head, tables, unquoted
from studio.errors import InputRefused

_IDS = re.compile(r"LJ\d{3}-\d{4}")


def pipe_rows(bundle: Bundle, name: str, sounds: Sounds, speaker: str, language: str = "") -> list[Row]:
    """Rows of ``id|text`` or ``id|text|normalised text``: the text as it is spoken, where there is one."""
    folder = PurePosixPath(name).parent
    found = []
    for line in cells(bundle.text(name), "|", quoted=False, name=name):
        if not any(cell.strip() for cell in line):
            continue
        if len(line) < 2:
            raise InputRefused("datasets.pipes", file=name)
        spoken = [unquoted(cell) for cell in line[1:3]]
        text = next((cell for cell in reversed(spoken) if cell), "")
        found.append(Row(sounds.find(line[0], folder, ("wavs", "")), line[0], text, speaker, language))
    return found


class LJSpeech:
    corpus = Corpus("ljspeech", "public domain", "LJ Speech")

    def recognise(self, bundle: Bundle) -> bool:
        return any("|" in head(bundle, name) for name in tables(bundle, "metadata.csv"))

    def origin(self, rows: Sequence[Row]) -> Corpus:
        """Anybody's recordings may be laid out so; Linda Johnson's carry her initials."""
        genuine = bool(rows) and all(_IDS.fullmatch(row.wanted.strip()) for row in rows)
        return self.corpus if genuine else Corpus(self.corpus.format, "", "")

    def rows(self, bundle: Bundle) -> list[Row]:
        found = [name for name in tables(bundle, "metadata.csv") if "|" in head(bundle, name)]
        if not found:
            raise InputRefused("datasets.no_table", format="LJSpeech", wanted="metadata.csv (id|text)")
        sounds = Sounds(bundle)
        return [row for name in found for row in pipe_rows(bundle, name, sounds, "")]
