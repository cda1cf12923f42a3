"""Restore: a backup unpacked beside an empty storage, verified whole, and moved into place at once."""

import hashlib
import re
import shutil
import sqlite3
import tarfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import tink

from studio.db.database import Database
from studio.db.tables import now
from studio.errors import InputRefused, StorageTrouble
from studio.privacy import audit, portable
from studio.privacy.backup import CHUNK, DATABASE, KEYSET, MANIFEST, SEAL, Hashed, Manifest
from studio.privacy.heads import Heads
from studio.privacy.keyring import STUDIO_KEYSET, Keyring, open_keyring
from studio.settings import Settings

STAGE = "restore.part"
CONTENT = ("studio.db", "assets", "runs")
MEMBER = re.compile(
    r"database|keyset|manifest\.(json|sealed)|speakers/[A-Za-z0-9_]{1,64}|assets/[A-Za-z0-9]{2}/[A-Za-z0-9_]{1,64}"
    r"|runs/([A-Za-z0-9_.@-]{1,200}/){0,8}[A-Za-z0-9_.@-]{1,200}"
)
LARGEST_MANIFEST = 500_000_000
Report = Callable[[str], None]


@dataclass(frozen=True)
class RestoreView:
    """What came back. `left_out` are speakers whose key is gone: erased since the backup was written."""

    created_at: str
    assets: int
    speakers: int
    left_out: tuple[str, ...]
    mended: int


def check(file: Path) -> Manifest:
    """Read a whole backup and compare every sum; StorageTrouble when anything differs. Needs no key."""
    return _read(file, None)


def restore(settings: Settings, by: str, file: Path, report: Report = lambda step: None) -> RestoreView:
    """Bring a backup back into an empty storage folder.

    InputRefused when there is anything already; StorageTrouble when the backup is damaged, or the keys it needs
    are not in the key folder. Until the last step the storage stays empty: an interrupted restore is begun anew.
    """
    _refuse_content(settings)
    stage = settings.storage / STAGE
    shutil.rmtree(stage, ignore_errors=True)
    stage.mkdir(mode=0o700, parents=True)
    try:
        report("unpacking")
        manifest = _read(file, stage)
        keyring = _keys(settings)
        report("opening")
        left_out, mended = _rebuild(keyring, stage, manifest)
        report("moving")
        _verify_database(stage / "studio.db")
        heads = Heads(settings.keys_folder)
        head = _take_note(stage, by, manifest, left_out)
        heads.went_back(*head)
        for name in reversed(CONTENT):  # the database last: with it the restore has happened
            if (stage / name).exists():
                (stage / name).rename(settings.storage / name)
    finally:
        shutil.rmtree(stage, ignore_errors=True)
    assets = sum(1 for path in (settings.storage / "assets").glob("*/*") if path.is_file())
    back = len(manifest.speakers) - len(left_out)
    return RestoreView(manifest.created_at, assets, back, tuple(left_out), mended)


def _refuse_content(settings: Settings) -> None:
    there = [name for name in CONTENT if _has_content(settings.storage / name)]
    if (settings.storage / "studio.db").exists() or there:
        raise InputRefused("backup.not_empty", folder=settings.storage.name, found=", ".join(there))
    for name in CONTENT:  # empty folders, or what an interrupted restore had moved
        shutil.rmtree(settings.storage / name, ignore_errors=True)


def _has_content(path: Path) -> bool:
    return path.is_file() or (path.is_dir() and any(p.is_file() for p in path.rglob("*")))


def _keys(settings: Settings) -> Keyring:
    folder = settings.keys_folder
    if settings.key_store == "file" and not settings.master_key_file.exists():
        raise StorageTrouble("backup.no_keys")
    if not (folder / "speakers" / f"{STUDIO_KEYSET}.key").exists():
        raise StorageTrouble("backup.no_keys")
    return open_keyring(settings)


# Unpacking


def _read(file: Path, stage: Path | None) -> Manifest:
    """Every member once: named as it may be, of the size and sum that the manifest says."""
    seen: dict[str, tuple[int, str]] = {}
    kept: dict[str, bytes] = {}
    try:
        with tarfile.open(file, mode="r|") as archive:
            for info in archive:
                _refuse_member(info, seen)
                source = archive.extractfile(info)
                assert source is not None
                hashed = Hashed(source, info.size)
                if info.name in (MANIFEST, SEAL):
                    kept[info.name] = hashed.read()
                else:
                    _pour(hashed, stage / info.name if stage else None)
                seen[info.name] = (info.size, hashed.sha256)
    except (OSError, tarfile.TarError, EOFError) as error:
        raise StorageTrouble("backup.damaged", reason="it cannot be read to its end") from error
    return _compared(seen, kept, stage)


def _refuse_member(info: tarfile.TarInfo, seen: dict[str, tuple[int, str]]) -> None:
    proper = info.isreg() and MEMBER.fullmatch(info.name) and ".." not in info.name.split("/")
    small = info.name not in (MANIFEST, SEAL) or info.size <= LARGEST_MANIFEST
    if not proper or not small or info.name in seen:
        raise StorageTrouble("backup.damaged", reason=f"it holds {info.name[:80]!r}, which no backup does")


def _pour(source: Hashed, target: Path | None) -> None:
    if target is None:
        while source.read(CHUNK):
            pass
        return
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with target.open("xb") as sink:
        while piece := source.read(CHUNK):
            sink.write(piece)
    target.chmod(0o600)


def _compared(seen: dict[str, tuple[int, str]], kept: dict[str, bytes], stage: Path | None) -> Manifest:
    try:
        manifest = Manifest.from_json(kept[MANIFEST])
    except (KeyError, TypeError, ValueError) as error:
        raise StorageTrouble("backup.damaged", reason="its manifest is missing or broken") from error
    told = {name: (entry.size, entry.sha256) for name, entry in manifest.entries.items()}
    found = {name: value for name, value in seen.items() if name not in (MANIFEST, SEAL)}
    wrong = sorted(name for name in told.keys() | found.keys() if told.get(name) != found.get(name))
    if wrong or not {DATABASE, KEYSET} <= found.keys() or SEAL not in kept:
        name = wrong[0] if wrong else DATABASE
        raise StorageTrouble("backup.damaged", reason=f"{name} is not what the manifest says")
    if stage is not None:
        (stage / SEAL).write_bytes(kept[SEAL])
        (stage / MANIFEST).write_bytes(kept[MANIFEST])
    return manifest


# Rebuilding the database


def _rebuild(keyring: Keyring, stage: Path, manifest: Manifest) -> tuple[list[str], int]:
    """Open the database and put back the rows of every speaker whose key is still there."""
    _open_database(keyring, stage)
    with closing(sqlite3.connect(stage / "studio.db", isolation_level=None)) as copy:
        left_out = []
        for speaker_id in reversed(manifest.speakers):
            rows = _rows_of(keyring, copy, stage, speaker_id)
            if rows is None:
                left_out.append(speaker_id)
                _leave_out(copy, stage, speaker_id)
            else:
                portable.put_back(copy, rows)
        mended = portable.mend(copy)
        _drop_strays(copy, stage)
    for name in (DATABASE, KEYSET, SEAL, MANIFEST):
        (stage / name).unlink()
    shutil.rmtree(stage / "speakers", ignore_errors=True)
    return left_out, mended


def _open_database(keyring: Keyring, stage: Path) -> None:
    """Open the database with the studio's own keyset, once the manifest is known to be the one it sealed."""
    keyset = keyring.unwrap(STUDIO_KEYSET, (stage / KEYSET).read_bytes())
    told = (stage / MANIFEST).read_bytes()
    if keyset.open((stage / SEAL).read_bytes(), "backup|manifest") != hashlib.sha256(told).digest():
        raise StorageTrouble("backup.damaged", reason="its manifest was exchanged")
    (stage / "studio.db").write_bytes(keyset.open((stage / DATABASE).read_bytes(), "backup|database"))
    (stage / "studio.db").chmod(0o600)


def _rows_of(
    keyring: Keyring, copy: sqlite3.Connection, stage: Path, speaker_id: str
) -> portable.Belongings | None:
    """A speaker's rows; None when the key is gone. StorageTrouble when it is there and they do not open."""
    if not keyring.speaker_file(speaker_id).exists():
        return None
    row = copy.execute("select wrapped from speaker_keyset where speaker_id = ?", (speaker_id,)).fetchone()
    try:
        keyset = keyring.unwrap(speaker_id, row[0])
        sealed = (stage / "speakers" / speaker_id).read_bytes()
        return portable.Belongings.from_json(keyset.open(sealed, f"backup|{speaker_id}"))
    except (tink.TinkError, TypeError, ValueError) as error:
        raise StorageTrouble("backup.damaged", reason=f"the rows of {speaker_id} do not open") from error


def _leave_out(copy: sqlite3.Connection, stage: Path, speaker_id: str) -> None:
    """Erased since the backup: what is left is the tombstone, as the erasure left it."""
    rows = copy.execute("select id from asset where keyset_id = ?", (speaker_id,)).fetchall()
    for (asset_id,) in rows:
        (stage / "assets" / asset_id[-2:] / asset_id).unlink(missing_ok=True)
    copy.execute("delete from asset where keyset_id = ?", (speaker_id,))
    copy.execute("delete from speaker_keyset where speaker_id = ?", (speaker_id,))
    copy.execute(
        "update speaker set withdrawn_at = coalesce(withdrawn_at, ?) where id = ?", (now(), speaker_id)
    )


def _drop_strays(copy: sqlite3.Connection, stage: Path) -> None:
    """Files that no row names: assets and runs of who was left out."""
    assets = {row[0] for row in copy.execute("select id from asset")}
    for path in _files(stage / "assets"):
        if path.name not in assets:
            path.unlink()
    jobs = {row[0] for row in copy.execute("select id from training_job")}
    for folder in [path for path in (stage / "runs").glob("*") if path.is_dir() and path.name not in jobs]:
        shutil.rmtree(folder)


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in list(folder.rglob("*")) if path.is_file())


def _verify_database(file: Path) -> None:
    with closing(sqlite3.connect(file)) as copy:
        told = copy.execute("pragma integrity_check").fetchone()[0]
        broken = copy.execute("pragma foreign_key_check").fetchone()
    if told != "ok" or broken is not None:
        raise StorageTrouble("backup.damaged", reason=f"its database is not sound ({told})")


def _take_note(stage: Path, by: str, manifest: Manifest, left_out: list[str]) -> tuple[int, str]:
    """The restored log goes on with what happened; returns its new head."""
    database = Database(stage / "studio.db")
    try:
        database.migrate()
        with database.write() as session:
            verdict = audit.verify(session)
            if not verdict.intact or verdict.head != manifest.audit_head:
                raise StorageTrouble("backup.damaged", reason="its audit log does not verify")
            audit.append(
                session,
                by,
                "backup.restored",
                "studio",
                written_at=manifest.created_at,
                left_out=sorted(left_out),
            )
            head: tuple[int, str] = session.info[audit.HEAD]
        database.checkpoint()
    finally:
        database.close()
    for name in ("studio.db-wal", "studio.db-shm"):
        (stage / name).unlink(missing_ok=True)
    return head
