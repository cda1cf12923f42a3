"""VoxPopuli, transcribed: ``asr_train.tsv`` (and dev, test), sounds below it by their id."""

from pathlib import PurePosixPath

from studio.datasets.bundles import Bundle
from studio.datasets.importers.base import Corpus, Row, Sounds, cells, head, tables, unquoted
from studio.errors import InputRefused

_IDS = ("id", "id_", "audio_id")
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
        rows = {row.wanted: row for name in found for row in self._read(bundle, name, sounds)}
        return [*rows.values()]

    @staticmethod
    def _tables(bundle: Bundle) -> list[str]:
        names = [name for name in tables(bundle) if name.endswith(".tsv")]
        heads = {name: set(head(bundle, name).split("\t")) for name in names}
        return [n for n, h in heads.items() if h & set(_IDS) and "speaker_id" in h and "normalized_text" in h]

    @staticmethod
    def _read(bundle: Bundle, name: str, sounds: Sounds) -> list[Row]:
        lines = cells(bundle.text(name), "\t", quoted=False, name=name)
        columns = next(lines)
        at = {column: index for index, column in enumerate(columns)}
        own, speaker = next(at[column] for column in _IDS if column in at), at["speaker_id"]
        folder, found = PurePosixPath(name).parent, []
        for line in lines:
            if len(line) < len(columns):
                continue
            texts = [unquoted(line[at[column]]) for column in _TEXTS if column in at]
            text = next((one for one in texts if one), "")
            found.append(Row(sounds.find(line[own], folder), line[own], text, line[speaker]))
        return found
