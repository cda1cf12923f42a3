"""Backup: one file with the database, the sealed assets and the runs; never a key. Readable only with the keys.

The database travels sealed with the studio's own keyset, and each speaker's rows sealed with the speaker's. So an
old backup shows nothing of a speaker whose key an erasure has destroyed: no sound, no text, no name.
"""

import hashlib
import io
import json
import os
import shutil
import sqlite3
import tarfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

from sqlalchemy import select

from studio.db.database import Database
from studio.db.tables import AuditEntry, Speaker, SpeakerKeyset, now
from studio.errors import InputRefused, StorageTrouble
from studio.privacy import audit, portable
from studio.privacy.keyring import STUDIO_KEYSET, Keyset
from studio.privacy.vault import Vault
from studio.settings import Settings

FORMAT = 1
MANIFEST, SEAL, DATABASE = "manifest.json", "manifest.sealed", "database"
KEYSET = "keyset"  # the studio's own, wrapped: it opens the database, and itself only with the key folder
CHUNK = 1 << 20
FORGOTTEN = ("sign_in_link", "sign_in_session", "consent_challenge")  # good for minutes or hours only
Report = Callable[[int, int], None]


@dataclass(frozen=True)
class Entry:
    """A member of the backup: bytes and SHA-256 of what lies in the file."""

    size: int
    sha256: str


@dataclass
class Manifest:
    """What the backup holds, and where the audit log stood."""

    format: int = FORMAT
    created_at: str = field(default_factory=now)
    audit_entries: int = 0
    audit_head: str = ""
    speakers: list[str] = field(
        default_factory=list
    )  # pseudonyms, in the order in which their rows were taken out
    entries: dict[str, Entry] = field(default_factory=dict)

    def as_json(self) -> bytes:
        return json.dumps(asdict(self), indent=1, sort_keys=True).encode()

    @classmethod
    def from_json(cls, data: bytes) -> "Manifest":
        """ValueError, KeyError or TypeError for anything else than a manifest of this format."""
        told = json.loads(data)
        told["entries"] = {name: Entry(**entry) for name, entry in told["entries"].items()}
        made = cls(**told)
        if made.format != FORMAT:
            raise ValueError("a backup of another format")
        return made


@dataclass(frozen=True)
class BackupView:
    """What was written."""

    file: Path
    size_bytes: int
    assets: int
    speakers: int


class BackupService:
    """Writes backups while the studio runs."""

    def __init__(self, settings: Settings, database: Database, vault: Vault) -> None:
        self._settings = settings
        self._database = database
        self._vault = vault

    def write(self, by: str, file: Path, report: Report = lambda done, total: None) -> BackupView:
        """Everything but keys and models, as of one moment. InputRefused when the file is there already."""
        if file.exists():
            raise InputRefused("backup.there", file=file.name)
        partial = file.with_name(file.name + ".part")
        try:
            with self._moment(by) as stage:
                view = self._pack(stage, partial, report)
            partial.rename(file)
        except OSError as error:
            raise StorageTrouble("privacy.disk", reason=error.strerror or "?") from error
        finally:
            partial.unlink(missing_ok=True)
        return BackupView(file, file.stat().st_size, *view)

    @contextmanager
    def _moment(self, by: str) -> Iterator[Path]:
        """A folder with the storage as it is now; writers wait only while links are made, not while bytes move."""
        stage = self._settings.scratch / f"backup-{os.getpid()}-{os.urandom(4).hex()}"
        stage.mkdir(mode=0o700, parents=True)
        try:
            with self._database.write() as session:
                self._vault.keyring.find_or_create(session, STUDIO_KEYSET)
                audit.append(session, by, "backup.written", "studio")
            with self._database.write() as session:
                session.execute(select(1))  # takes the lock: what is committed is what is copied
                _copy_database(self._database.file, stage / "studio.db")
                for name in ("assets", "runs"):
                    _link_tree(self._settings.storage / name, stage / name)
            yield stage
        finally:
            shutil.rmtree(stage, ignore_errors=True)

    def _pack(self, stage: Path, partial: Path, report: Report) -> tuple[int, int]:
        """Fill the file; returns how many assets and speakers it holds."""
        manifest = Manifest()
        with self._database.read() as session:
            wrapped = session.get_one(SpeakerKeyset, STUDIO_KEYSET).wrapped
        studio, keysets = self._vault.keyring.unwrap(STUDIO_KEYSET, wrapped), self._keysets()
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as raw, tarfile.open(fileobj=raw, mode="w|") as archive:
            packer = _Packer(archive, manifest)
            for speaker_id, sealed in _take_out_speakers(stage / "studio.db", keysets):
                manifest.speakers.append(speaker_id)
                packer.add_bytes(f"speakers/{speaker_id}", sealed)
            packer.add_bytes(KEYSET, wrapped)
            _note_audit(stage / "studio.db", manifest)
            packer.add_bytes(DATABASE, studio.seal((stage / "studio.db").read_bytes(), "backup|database"))
            (stage / "studio.db").unlink()
            files = sorted(path for path in stage.rglob("*") if path.is_file())
            for done, path in enumerate(files, 1):
                packer.add_file(str(path.relative_to(stage)), path)
                report(done, len(files))
            told = manifest.as_json()
            seal = studio.seal(hashlib.sha256(told).digest(), "backup|manifest")
            packer.add_bytes(MANIFEST, told)
            packer.add_bytes(SEAL, seal)
            archive.close()
            raw.flush()
            os.fsync(raw.fileno())
        assets = sum(name.startswith("assets/") for name in manifest.entries)
        return assets, len(manifest.speakers)

    def _keysets(self) -> dict[str, Keyset]:
        """Of every speaker who has not withdrawn."""
        with self._database.read() as session:
            query = select(Speaker.id).join(SpeakerKeyset, SpeakerKeyset.speaker_id == Speaker.id)
            present = session.scalars(query.where(Speaker.withdrawn_at.is_(None)).order_by(Speaker.id)).all()
            return {speaker_id: self._vault.keyring.find(session, speaker_id) for speaker_id in present}


def _copy_database(source: Path, target: Path) -> None:
    with closing(sqlite3.connect(source)) as live, closing(sqlite3.connect(target)) as copy:
        live.backup(copy)
        copy.execute("pragma journal_mode = delete")
    target.chmod(0o600)


def _link_tree(source: Path, target: Path) -> None:
    """Hard links, so that it takes no time and no room; copies where the disk knows no links."""

    def link(here: str, there: str) -> str:
        try:
            os.link(here, there)
        except FileNotFoundError:
            return there  # a run's file of passage
        except OSError:
            shutil.copy2(here, there)
        return there

    if source.is_dir():
        shutil.copytree(source, target, copy_function=link, symlinks=True)


def _take_out_speakers(file: Path, keysets: dict[str, Keyset]) -> Iterator[tuple[str, bytes]]:
    """Seal each speaker's rows and delete them from the copy; the freed pages are overwritten."""
    with closing(sqlite3.connect(file, isolation_level=None)) as copy:
        copy.execute("pragma secure_delete = on")
        for table in FORGOTTEN:
            copy.execute(f"delete from {table}")
        for speaker_id, keyset in keysets.items():
            found = portable.belongings(copy, speaker_id)
            yield speaker_id, keyset.seal(found.as_json(), f"backup|{speaker_id}")
            portable.take_out(copy, found)


def _note_audit(file: Path, manifest: Manifest) -> None:
    with closing(sqlite3.connect(file)) as copy:
        query = f"select seq, hash from {AuditEntry.__tablename__} order by seq desc limit 1"
        row = copy.execute(query).fetchone()
        manifest.audit_entries, manifest.audit_head = row or (0, audit.GENESIS)


class _Packer:
    """Adds members and notes their sums."""

    def __init__(self, archive: tarfile.TarFile, manifest: Manifest) -> None:
        self._archive = archive
        self._manifest = manifest

    def add_bytes(self, name: str, data: bytes) -> None:
        self._add(name, len(data), io.BytesIO(data))

    def add_file(self, name: str, path: Path) -> None:
        with path.open("rb") as file:
            self._add(name, os.fstat(file.fileno()).st_size, file)

    def _add(self, name: str, size: int, source: IO[bytes]) -> None:
        info = tarfile.TarInfo(name)
        info.size, info.mode = size, 0o600
        hashed = Hashed(source, size)
        self._archive.addfile(info, hashed)
        if name not in (MANIFEST, SEAL):
            self._manifest.entries[name] = Entry(size, hashed.sha256)


class Hashed:
    """A file of a known size that is summed while it is read; what was appended meanwhile is left out."""

    def __init__(self, source: IO[bytes], size: int) -> None:
        self._source = source
        self._left = size
        self._sum = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        piece = self._source.read(self._left if size < 0 else min(size, self._left))
        self._left -= len(piece)
        self._sum.update(piece)
        return piece

    @property
    def sha256(self) -> str:
        return self._sum.hexdigest()


def told_by(file: Path) -> dict[str, Any]:
    """The manifest of a backup without any check, for a first look."""
    with tarfile.open(file, mode="r:") as archive:
        member = archive.extractfile(MANIFEST)
        return dict(json.loads(member.read())) if member else {}
