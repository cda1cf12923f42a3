"""Sealed files: what was changed, moved, cut or lengthened does not open."""

from pathlib import Path

import pytest

from studio.errors import StorageTrouble
from studio.privacy.sealing import SEGMENT_BYTES, Seal

KEY = bytes(range(32))
HEAD = 4 + 32 + 7


@pytest.mark.parametrize(
    "size", [0, 1, SEGMENT_BYTES - 1, SEGMENT_BYTES, SEGMENT_BYTES + 1, 3 * SEGMENT_BYTES]
)
def test_what_was_sealed_opens_whatever_its_size(tmp_path: Path, size: int) -> None:
    data = bytes(index * 7 % 256 for index in range(256)) * (size // 256 + 1)
    written = Seal(KEY).write(tmp_path / "f", data[:size], "job|f")
    assert written == (tmp_path / "f").stat().st_size
    assert Seal(KEY).read(tmp_path / "f", "job|f") == data[:size]
    assert (tmp_path / "f").stat().st_mode & 0o777 == 0o600


def test_another_key_or_another_name_does_not_open_it(tmp_path: Path) -> None:
    Seal(KEY).write(tmp_path / "f", b"a voice", "job|f")
    for key, name in ((bytes(32), "job|f"), (KEY, "job|g")):
        with pytest.raises(StorageTrouble):
            Seal(key).read(tmp_path / "f", name)


def test_any_flipped_byte_is_noticed(tmp_path: Path) -> None:
    Seal(KEY).write(tmp_path / "f", b"a voice", "job|f")
    sealed = (tmp_path / "f").read_bytes()
    for place in range(len(sealed)):
        (tmp_path / "f").write_bytes(sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :])
        with pytest.raises(StorageTrouble):
            Seal(KEY).read(tmp_path / "f", "job|f")


def test_segments_can_be_neither_cut_off_nor_swapped_nor_repeated(tmp_path: Path) -> None:
    Seal(KEY).write(tmp_path / "f", bytes(3 * SEGMENT_BYTES), "job|f")
    sealed = (tmp_path / "f").read_bytes()
    size = SEGMENT_BYTES + 16
    head, parts = sealed[:HEAD], [sealed[HEAD + i * size : HEAD + (i + 1) * size] for i in range(3)]
    for wrong in (parts[:2], parts[:1], [], [parts[1], parts[0], parts[2]], [*parts, parts[2]]):
        (tmp_path / "f").write_bytes(head + b"".join(wrong))
        with pytest.raises(StorageTrouble):
            Seal(KEY).read(tmp_path / "f", "job|f")


def test_the_same_bytes_never_look_the_same_twice(tmp_path: Path) -> None:
    for name in ("f", "g"):
        Seal(KEY).write(tmp_path / name, b"a voice", "job|f")
    assert (tmp_path / "f").read_bytes()[HEAD:] != (tmp_path / "g").read_bytes()[HEAD:]
