"""What is asked for, looked at before any work: names, numbers, and files that are taken over."""

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from studio.audio.decode import shown_name
from studio.datasets.forms import BuildRequest, Incoming
from studio.errors import InputRefused
from studio.evaluation.normalize import normalize

MOST_HELD_OUT = 0.5
LONGEST_NOTE = 120


def checked_name(name: str) -> str:
    """1 to 60 characters; InputRefused otherwise."""
    if not 1 <= len(name.strip()) <= 60:
        raise InputRefused("datasets.no_name")
    return name.strip()


def check_request(request: BuildRequest) -> None:
    """InputRefused for what has no meaning, whatever the sounds are."""
    checked_name(request.name)
    if not 0 < request.held_out_share <= MOST_HELD_OUT:
        raise InputRefused("datasets.share", share=request.held_out_share, most=MOST_HELD_OUT)
    if len(request.licence) > LONGEST_NOTE or len(request.source) > LONGEST_NOTE:
        raise InputRefused("datasets.note_too_long", most=LONGEST_NOTE)


def check_language(language: str) -> None:
    """InputRefused for a language whose sentences cannot be compared."""
    normalize("", language)


class TakenFiles:
    """Files that were brought, moved to a folder of their own that is removed when the work ends."""

    def __init__(self, scratch: Path, files: Sequence[Incoming]) -> None:
        self._folder: Path | None = None
        self.files: tuple[Incoming, ...] = ()
        if files:
            scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._folder = Path(tempfile.mkdtemp(prefix="dataset-", dir=scratch))
            try:
                self.files = tuple(self._taken(number, file) for number, file in enumerate(files))
            except InputRefused:
                self.remove()
                raise

    def _taken(self, number: int, file: Incoming) -> Incoming:
        if file.keep or self._folder is None:
            return file
        place = self._folder / str(number)
        try:
            shutil.move(file.path, place)
        except FileNotFoundError:  # brought before, and used up
            raise InputRefused("datasets.file_gone", file=shown_name(file.name)) from None
        return replace(file, path=place)

    def remove(self) -> None:
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
