"""VoxPopuli, transcribed: ``asr_train.tsv`` (and dev, test), sounds below it by their id."""

import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from studio.datasets.bundles import Bundle
from studio.datasets.importers.base import Corpus, Row, Sounds, cells, head, short_line, tables, unquoted
from studio.errors import InputRefused

_IDS = ("id", "id_", "audio_id")
_LANGUAGE = re.compile(r"[a-z]{2}(_accented)?")  # the folder of a table: it, en, en_accented
_TEXTS = ("raw_text", "normalized_text")  # as written, with capitals and punctuation, where there is one


class VoxPopuli:
    corpus = Corpus("voxpopuli", "CC0-1.0", "VoxPopuli (European Parliament)")

    def recognise(self, bundle: Bundle) -> bool:
        return bool(self._tables(bundle))

    def rows(self, bundle: Bundle) -> list[Row]:
        found = self._tables(bundle)
        if not found:
            wanted = "asr_train.tsv (id, raw_text, normalized_text, speaker_id)"
            raise InputRefused("datasets.no_table", format="VoxPopuli", wanted=wanted)
        sounds = Sounds(bundle)
        rows: dict[str, Row] = {}  # a clip may stand in several tables
        for name in found:
            for row in self._read(bundle, name, sounds):
                rows.setdefault(row.wanted, row)
        return [*rows.values()]

    def origin(self, rows: Sequence[Row]) -> Corpus:
        return self.corpus

    @staticmethod
    def _tables(bundle: Bundle) -> list[str]:
        names = [name for name in tables(bundle) if name.endswith(".tsv")]
        heads = {name: set(head(bundle, name).split("\t")) for name in names}
        return [n for n, h in heads.items() if h & set(_IDS) and "speaker_id" in h and "normalized_text" in h]

    @staticmethod
    def _read(bundle: Bundle, name: str, sounds: Sounds) -> Iterator[Row]:
        lines = cells(bundle.text(name), "\t", quoted=False, name=name)
        columns = next(lines)
        at = {column: index for index, column in enumerate(columns)}
        own, speaker = next(at[column] for column in _IDS if column in at), at["speaker_id"]
        written = [at[column] for column in _TEXTS if column in at]
        folder = PurePosixPath(name).parent
        language = folder.name[:2] if _LANGUAGE.fullmatch(folder.name) else ""
        for number, line in enumerate(lines, 2):
            if not any(line):
                continue
            if len(line) <= max(own, speaker, *written):
                yield short_line(name, number)
                continue
            text = next((one for column in written if (one := unquoted(line[column]))), "")
            yield Row(sounds.find(line[own], folder), line[own], text, line[speaker], language)
