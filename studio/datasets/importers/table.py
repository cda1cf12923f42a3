"""A plain table (CSV or TSV with a head line) beside its sounds."""

from collections.abc import Sequence
from pathlib import PurePosixPath

from studio.audio.decode import shown_name
from studio.datasets.bundles import Bundle
from studio.datasets.importers.base import Corpus, Row, Sounds, cells, head, short_line, tables
from studio.errors import InputRefused

SOUND_COLUMNS = ("path", "audio", "file", "filename", "file_name", "audio_file", "wav", "audio_path", "clip")
TEXT_COLUMNS = ("text", "sentence", "transcript", "transcription", "testo", "frase")
SPEAKER_COLUMNS = ("speaker", "speaker_id", "speaker_name", "client_id", "voice", "parlante")
_DELIMITERS = ("\t", ";", ",", "|")


class Table:
    corpus = Corpus("table", "", "")

    def recognise(self, bundle: Bundle) -> bool:
        return any(self._columns(head(bundle, name)) for name in tables(bundle))

    def rows(self, bundle: Bundle) -> list[Row]:
        there = tables(bundle)
        if not there:
            raise InputRefused("datasets.no_table", format="CSV/TSV", wanted=".csv, .tsv")
        usable = [name for name in there if self._columns(head(bundle, name))]
        if not usable:
            raise _wrong_columns(bundle, there[0])
        sounds = Sounds(bundle)
        others = [name for name in there if name not in usable]
        faulty = [Row("", shown_name(name), "", fault=_wrong_columns(bundle, name)) for name in others]
        return faulty + [row for name in usable for row in self._read(bundle, name, sounds)]

    def origin(self, rows: Sequence[Row]) -> Corpus:
        return self.corpus

    @staticmethod
    def _columns(line: str) -> tuple[int, int, int | None] | None:
        """Where sound, text and speaker stand; None when one of the first two is missing."""
        names = [name.strip().strip('"').lower() for name in _split(line)[0]]
        sound, text, speaker = (
            _first(names, known) for known in (SOUND_COLUMNS, TEXT_COLUMNS, SPEAKER_COLUMNS)
        )
        return None if sound is None or text is None else (sound, text, speaker)

    def _read(self, bundle: Bundle, name: str, sounds: Sounds) -> list[Row]:
        first = head(bundle, name)
        columns = self._columns(first)
        assert columns is not None, "only usable tables are read"
        sound, text, speaker = columns
        delimiter = _split(first)[1]
        lines = cells(bundle.text(name), delimiter, quoted=delimiter != "|", name=name)
        next(lines)
        folder, found = PurePosixPath(name).parent, []
        for number, line in enumerate(lines, 2):
            if not any(cell.strip() for cell in line):
                continue
            if len(line) <= max(sound, text):
                found.append(short_line(name, number))
                continue
            who = line[speaker].strip() if speaker is not None and speaker < len(line) else ""
            place = sounds.find(line[sound], folder, ("", "wavs", "clips", "audio"))
            found.append(Row(place, line[sound].strip(), line[text].strip(), who))
        return found


def _wrong_columns(bundle: Bundle, name: str) -> InputRefused:
    found = ", ".join(_split(head(bundle, name))[0])[:120]
    return InputRefused(
        "datasets.columns", file=shown_name(name), found=found, sound=", ".join(SOUND_COLUMNS[:4]),
        text=", ".join(TEXT_COLUMNS[:4]),
    )  # fmt: skip


def _split(line: str) -> tuple[list[str], str]:
    """A head line's columns, and the delimiter that makes most of them."""
    best = max(_DELIMITERS, key=line.count)
    return [cell.strip() for cell in line.split(best)], best


def _first(names: Sequence[str], known: Sequence[str]) -> int | None:
    return next((names.index(name) for name in known if name in names), None)
