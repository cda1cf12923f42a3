"""Mozilla Common Voice: ``validated.tsv`` (or train, dev, test) beside a folder ``clips``."""

from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from studio.datasets.bundles import Bundle
from studio.datasets.importers.base import Corpus, Row, Sounds, cells, head, short_line, tables, unquoted
from studio.errors import InputRefused

COLUMNS = ("client_id", "path", "sentence")
_WHOLE = "validated.tsv"
_PARTS = ("train.tsv", "dev.tsv", "test.tsv")


class CommonVoice:
    corpus = Corpus("common_voice", "CC0-1.0", "Mozilla Common Voice")

    def recognise(self, bundle: Bundle) -> bool:
        return bool(self._tables(bundle))

    def rows(self, bundle: Bundle) -> list[Row]:
        if not self._tables(bundle):
            wanted = "validated.tsv (client_id, path, sentence)"
            raise InputRefused("datasets.no_table", format="Common Voice", wanted=wanted)
        sounds = Sounds(bundle)
        found: dict[str, Row] = {}  # a clip may stand in several tables; a faulty line is its own
        for name in self._chosen(bundle):
            for row in self._read(bundle, name, sounds):
                found.setdefault(row.wanted, row)
        return [*found.values()]

    def _tables(self, bundle: Bundle) -> list[str]:
        names = [name for name in tables(bundle) if name.endswith(".tsv")]
        return [name for name in names if set(COLUMNS) <= set(head(bundle, name).split("\t"))]

    def _chosen(self, bundle: Bundle) -> list[str]:
        """What people validated where it is there; else train, dev and test; else every table."""
        there = self._tables(bundle)
        by_name = {
            wanted: [n for n in there if PurePosixPath(n).name == wanted] for wanted in (_WHOLE, *_PARTS)
        }
        return by_name[_WHOLE] or [n for part in _PARTS for n in by_name[part]] or there

    def origin(self, rows: Sequence[Row]) -> Corpus:
        return self.corpus

    @staticmethod
    def _read(bundle: Bundle, name: str, sounds: Sounds) -> Iterator[Row]:
        folder = PurePosixPath(name).parent
        lines = cells(bundle.text(name), "\t", quoted=False, name=name)
        at = {column: index for index, column in enumerate(next(lines))}
        speaker, path, sentence = (at[column] for column in COLUMNS)
        locale = at.get("locale")
        for number, line in enumerate(lines, 2):
            if not any(line):
                continue
            if len(line) <= max(speaker, path, sentence):
                yield short_line(name, number)
                continue
            sound = sounds.find(line[path], folder, ("clips", ""))
            language = line[locale] if locale is not None and locale < len(line) else ""
            yield Row(sound, line[path], unquoted(line[sentence]), line[speaker], language.strip())
