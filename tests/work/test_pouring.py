"""What is written in one thread is read in another, whole, in order, and never far ahead."""

import threading
import zipfile
from pathlib import Path
from typing import IO

import pytest

from studio.work.pouring import AHEAD, PIECE, poured


def test_what_is_written_is_read_whole(tmp_path: Path) -> None:
    def write(sink: IO[bytes]) -> None:
        with zipfile.ZipFile(sink, "w") as archive, archive.open("a", "w", force_zip64=True) as file:
            for number in range(5):
                file.write(bytes([number]) * PIECE)

    path = tmp_path / "whole.zip"
    path.write_bytes(b"".join(poured(write)))
    assert zipfile.ZipFile(path).read("a") == b"".join(bytes([n]) * PIECE for n in range(5))


def test_what_the_writer_raises_reaches_the_reader() -> None:
    def write(sink: IO[bytes]) -> None:
        sink.write(b"begun")
        raise LookupError("no more")

    with pytest.raises(LookupError):
        list(poured(write))


def test_a_writer_does_not_run_ahead_and_ends_when_the_reader_leaves() -> None:
    written, over = [], threading.Event()

    def write(sink: IO[bytes]) -> None:
        try:
            for _ in range(100):
                sink.write(bytes(PIECE))
                written.append(1)
        finally:
            over.set()

    pieces = poured(write)
    assert len(next(pieces)) == PIECE
    pieces.close()
    assert over.wait(60)
    assert len(written) <= AHEAD + 3
