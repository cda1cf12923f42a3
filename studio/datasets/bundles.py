"""What a dataset is imported from: a zip or a folder, never believed, read file by file."""

import lzma
import os
import shutil
import stat
import zipfile
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from studio.audio.decode import shown_name
from studio.errors import InputRefused, NotFound

MOST_FILES = 500_000
MOST_BYTES = 200 * 10**9
MOST_RATIO = 100  # unpacked to packed; sound hardly shrinks, tables by ten
SMALL = 50_000_000  # under this a zip may unpack to anything
MOST_TABLE_BYTES = 256_000_000
CHUNK = 1 << 20
# What reading a zip may end in: each method of compression has an error of its own.
_BROKEN = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, OSError, EOFError, NotImplementedError, RuntimeError,
)  # fmt: skip


class Bundle(ABC):
    """Files by their names (posix paths within the bundle, sorted); `sizes` are what they claim."""

    name: str
    sizes: dict[str, int]

    @property
    def names(self) -> Sequence[str]:
        return [*self.sizes]

    @property
    def total_bytes(self) -> int:
        return sum(self.sizes.values())

    @abstractmethod
    def _open(self, name: str) -> IO[bytes]: ...

    @abstractmethod
    def close(self) -> None: ...

    @contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        """The file as a stream; InputRefused when it is damaged."""
        try:
            with self._open(name) as stream:
                yield stream
        except _BROKEN as error:
            raise InputRefused("datasets.damaged", file=shown_name(name)) from error

    def read(self, name: str, most: int) -> bytes:
        """The whole file; InputRefused when it is larger than `most` bytes, whatever it claims."""
        with self.open(name) as stream:
            data = stream.read(most + 1)
        if len(data) > most:
            raise InputRefused("datasets.file_too_big", file=shown_name(name), limit_mb=most // 10**6)
        return data

    def text(self, name: str) -> str:
        """A table as text; InputRefused when it is not UTF-8."""
        data = self.read(name, MOST_TABLE_BYTES)
        try:
            return data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise InputRefused("datasets.not_utf8", file=shown_name(name)) from error

    def copy(self, name: str, target: Path) -> None:
        """Write the file to `target`, piece by piece."""
        left = self.sizes[name]
        with self.open(name) as stream, target.open("wb") as out:
            while chunk := stream.read(CHUNK):
                left -= len(chunk)
                if left < 0:
                    raise InputRefused("datasets.damaged", file=shown_name(name))
                out.write(chunk)


class ZipBundle(Bundle):
    """A zip. Every entry is looked at before anything is unpacked; nothing is unpacked under its own name."""

    def __init__(self, path: Path, name: str) -> None:
        self.name = shown_name(name)
        try:
            self._zip = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, OSError, ValueError) as error:
            raise InputRefused("datasets.not_zip", file=self.name) from error
        try:
            self.sizes = self._checked(path.stat().st_size)
        except InputRefused:
            self._zip.close()
            raise

    def _checked(self, packed: int) -> dict[str, int]:
        entries = [entry for entry in self._zip.infolist() if not entry.is_dir()]
        if not entries:
            raise InputRefused("datasets.empty_zip", file=self.name)
        total = sum(entry.file_size for entry in entries)
        if len(entries) > MOST_FILES or total > MOST_BYTES or (total > SMALL and total > MOST_RATIO * packed):
            raise InputRefused(
                "datasets.bomb", file=self.name, files=len(entries), unpacked_mb=total // 10**6,
                packed_mb=round(packed / 10**6, 2),
            )  # fmt: skip
        for entry in entries:
            self._refuse_unsafe(entry)
        names = [entry.filename for entry in entries]
        if len(set(names)) != len(names):
            raise InputRefused("datasets.twice", file=self.name)
        wanted = [entry for entry in entries if _wanted(entry.filename)]
        return {e.filename: e.file_size for e in sorted(wanted, key=lambda e: e.filename)}

    def _refuse_unsafe(self, entry: zipfile.ZipInfo) -> None:
        if not safe_path(entry.filename) or stat.S_ISLNK(entry.external_attr >> 16):
            raise InputRefused("datasets.unsafe", file=self.name, entry=shown_name(entry.filename))
        if entry.flag_bits & 0x1:
            raise InputRefused("datasets.encrypted", file=self.name)

    def _open(self, name: str) -> IO[bytes]:
        return self._zip.open(name)

    def close(self) -> None:
        self._zip.close()


class FolderBundle(Bundle):
    """A folder of the server, below the import root; a link that leads out of it is refused."""

    def __init__(self, folder: Path, root: Path) -> None:
        self.name = folder.name
        self._folder, self._root = folder.resolve(), root.resolve()
        self.sizes = dict(sorted(self._walk()))
        if not self.sizes:
            raise InputRefused("datasets.empty_folder", folder=self.name)

    def _walk(self) -> Iterator[tuple[str, int]]:
        count = 0
        for here, folders, files in os.walk(self._folder, followlinks=False):
            for name in [*folders, *files]:
                self._refuse_leading_out(Path(here, name))
            for name in files:
                path = Path(here, name)
                count += 1
                if count > MOST_FILES:
                    raise InputRefused("datasets.too_many_files", folder=self.name, most=MOST_FILES)
                shown = path.relative_to(self._folder).as_posix()
                if path.is_file() and _wanted(shown):
                    yield shown, path.stat().st_size

    def _refuse_leading_out(self, path: Path) -> None:
        if path.is_symlink() and not path.resolve().is_relative_to(self._root):
            raise InputRefused("datasets.leads_out", folder=self.name, entry=shown_name(path.name))

    def _open(self, name: str) -> IO[bytes]:
        path = self._folder / name
        if not path.resolve().is_relative_to(self._root):  # changed since it was looked at
            raise InputRefused("datasets.leads_out", folder=self.name, entry=shown_name(name))
        return path.open("rb")

    def close(self) -> None:
        """Nothing is held open."""


def safe_path(name: str) -> bool:
    """Whether a path stays below where it starts: relative, no `..`, no backslash, no drive, no NUL."""
    path = PurePosixPath(name)
    return bool(name) and not (
        path.is_absolute() or ".." in path.parts or "\\" in name or "\0" in name or name[1:2] == ":"
    )


def _wanted(name: str) -> bool:
    """Leave out what systems add by themselves."""
    parts = PurePosixPath(name).parts
    return "__MACOSX" not in parts and not parts[-1].startswith(".")


class ImportRoot:
    """The one folder of the server from which datasets are imported."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def entries(self) -> list[tuple[str, int]]:
        """Folders and zips directly below it, with their bytes; none where the root is not there."""
        if not self.folder.is_dir():
            return []
        found = [path for path in self.folder.iterdir() if self._offered(path)]
        return sorted((path.name, _bytes(path)) for path in found)

    def _offered(self, path: Path) -> bool:
        inside = path.resolve().is_relative_to(self.folder.resolve())
        kind = path.is_dir() or (path.is_file() and path.suffix.lower() == ".zip")
        return inside and kind and not path.name.startswith(".")

    def path(self, name: str) -> Path:
        """Where the entry of this name lies; NotFound for anything that is not directly below the root."""
        path = self.folder / name
        if name != path.name or not safe_path(name) or not path.exists() or not self._offered(path):
            raise NotFound("datasets.no_folder", folder=shown_name(name), root=self.folder.name)
        return path

    def open(self, name: str) -> Bundle:
        """The folder or zip of this name; NotFound as `path`."""
        path = self.path(name)
        return FolderBundle(path, self.folder) if path.is_dir() else ZipBundle(path, name)


def _bytes(path: Path) -> int:
    if path.is_file():
        return path.stat().st_size
    total = 0
    for here, _folders, files in os.walk(path):
        for name in files:
            try:
                total += Path(here, name).lstat().st_size
            except FileNotFoundError:
                continue
    return total


def free_bytes(folder: Path) -> int:
    """Free room on the disk that holds the folder."""
    return shutil.disk_usage(folder).free
