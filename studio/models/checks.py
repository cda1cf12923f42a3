"""SHA-256 of model files, remembered until a file changes, so that a start costs no rehash."""

import hashlib
import json
import logging
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile

from studio.models.archives import CHUNK
from studio.models.catalogue import ModelFile
from studio.models.progress import Watch

_log = logging.getLogger(__name__)
_RECORD = ".checked.json"


@dataclass(frozen=True)
class _Seen:
    """A file as it was when it was hashed."""

    sha256: str
    size: int
    mtime_ns: int
    inode: int


class Checks:
    """The hashes of one model's folder, kept in a small file beside the model files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._record = folder / _RECORD
        self._known: dict[str, _Seen] = {}
        self._known_marks: tuple[int, int, int] | None = None

    def is_right(self, file: ModelFile, watch: Watch | None = None, afresh: bool = False) -> bool:
        """Whether the file here is the one of the catalogue; hashes it only if it changed, or `afresh`."""
        path = self._folder / file.name
        now = path.stat()
        if now.st_size != file.size:
            return False
        seen = self._read().get(file.name)
        if not afresh and seen and (seen.size, seen.mtime_ns, seen.inode) == _marks(path):
            return seen.sha256 == file.sha256
        found = sha256_of(path, watch)
        self.remember(file.name, found)
        return found == file.sha256

    def remember(self, name: str, sha256: str) -> None:
        """Write down the hash of the file as it is now; replaces the record in one step."""
        known = self._read() | {name: _Seen(sha256, *_marks(self._folder / name))}
        # One writer's record may drop another's line: it costs one more hash, never a wrong answer.
        text = json.dumps({name: asdict(seen) for name, seen in sorted(known.items())}, indent=1)
        try:
            with NamedTemporaryFile("w", dir=self._folder, prefix=_RECORD, delete=False) as fresh:
                fresh.write(text)
            Path(fresh.name).replace(self._record)
        except PermissionError:
            _log.warning("%s cannot be written: its files are hashed at every look", self._record)

    def _read(self) -> dict[str, _Seen]:
        """The record, parsed again only when it changed: a folder of 54 files asks 54 times."""
        try:
            marks = _marks(self._record)
            if marks != self._known_marks:
                self._known, self._known_marks = self._parsed(), marks
            return self._known
        except FileNotFoundError:
            return {}

    def _parsed(self) -> dict[str, _Seen]:
        try:
            return {name: _Seen(**seen) for name, seen in json.loads(self._record.read_text()).items()}
        except (ValueError, TypeError, AttributeError):
            return {}  # a record that cannot be read is no record: the file is hashed again


def _marks(path: Path) -> tuple[int, int, int]:
    now = path.stat()
    return now.st_size, now.st_mtime_ns, now.st_ino


def sha256_of(path: Path, watch: Watch | None = None) -> str:
    """SHA-256 (hex) of a file; raises Cancelled when the watch says stop."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            digest.update(chunk)
            if watch:
                watch.check()
    return digest.hexdigest()
