"""M-AILABS: ``by_book/<female|male|mix>/<speaker>/<book>/metadata.csv``, each beside a folder ``wavs``."""

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from studio.datasets.bundles import Bundle
from studio.datasets.importers.base import Corpus, Row, Sounds, tables
from studio.datasets.importers.ljspeech import pipe_rows
from studio.errors import InputRefused

_BOOKS = "by_book"
_LOCALE = re.compile(r"[a-z]{2}_[A-Z]{2}")
_MIXED = "mix"  # books read by many, who are not told apart


class MAILabs:
    corpus = Corpus("m_ailabs", "M-AILABS licence (BSD-like)", "M-AILABS Speech Dataset")

    def recognise(self, bundle: Bundle) -> bool:
        return bool(self._tables(bundle))

    def rows(self, bundle: Bundle) -> list[Row]:
        found = self._tables(bundle)
        if not found:
            raise InputRefused("datasets.no_table", format="M-AILABS", wanted="by_book/.../metadata.csv")
        sounds = Sounds(bundle)
        return [row for name in found for row in self._book(bundle, name, sounds)]

    def origin(self, rows: Sequence[Row]) -> Corpus:
        return self.corpus

    def _book(self, bundle: Bundle, name: str, sounds: Sounds) -> list[Row]:
        return pipe_rows(bundle, name, sounds, self._reader(name), self._language(name))

    @staticmethod
    def _language(name: str) -> str:
        """``it_IT`` of ``it_IT/by_book/...``; "" where the folder above is not there."""
        parts = PurePosixPath(name).parts
        above = parts[parts.index(_BOOKS) - 1] if parts.index(_BOOKS) else ""
        return above[:2] if _LOCALE.fullmatch(above) else ""

    @staticmethod
    def _tables(bundle: Bundle) -> list[str]:
        return [n for n in tables(bundle, "metadata.csv") if _BOOKS in PurePosixPath(n).parts[:-1]]

    @staticmethod
    def _reader(name: str) -> str:
        """``male/<speaker>`` of a book by one reader, ``mix/<book>`` of the others."""
        after = PurePosixPath(name).parts[:-1]
        after = after[after.index(_BOOKS) + 1 :]
        return "/".join(after) if after[:1] == (_MIXED,) else "/".join(after[:2])
