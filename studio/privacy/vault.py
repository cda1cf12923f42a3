"""Encrypted assets: every recording, voice state and take, one file each, sealed with its speaker's keyset."""

import os
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from studio.db.tables import Asset, new_id
from studio.errors import StorageTrouble
from studio.privacy.keyring import STUDIO_KEYSET, Keyring


class Vault:
    """Reads and writes sealed files below `folder`; rows are written in the caller's transaction.

    A crash between file and row leaves a sealed file that no row names: `sweep` removes it at start.
    """

    def __init__(self, folder: Path, keyring: Keyring) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        self.keyring = keyring

    def _path(self, asset_id: str) -> Path:
        return self._folder / asset_id[-2:] / asset_id

    def write(self, session: Session, keyset_id: str | None, kind: str, plaintext: bytes) -> str:
        """Seal and store `plaintext`; returns the asset's id. `keyset_id` None takes the studio's own keyset."""
        asset = Asset(
            id=new_id("ast"), keyset_id=keyset_id or STUDIO_KEYSET, kind=kind, size_bytes=len(plaintext)
        )
        keyset = self.keyring.find_or_create(session, asset.keyset_id)
        self._put(asset.id, keyset.seal(plaintext, f"{asset.id}|{asset.version}"))
        session.add(asset)
        session.flush()
        return asset.id

    def _put(self, asset_id: str, sealed: bytes) -> None:
        path = self._path(asset_id)
        path.parent.mkdir(mode=0o700, exist_ok=True)
        temporary = path.with_suffix(".part")
        try:
            with temporary.open("wb") as file:
                file.write(sealed)
                file.flush()
                os.fsync(file.fileno())
            temporary.rename(path)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            raise StorageTrouble("privacy.disk", reason=error.strerror or "?") from error

    def read(self, session: Session, asset_id: str) -> bytes:
        """The plaintext; StorageTrouble when row, file or key is gone or the bytes were changed."""
        asset = session.get(Asset, asset_id)
        if asset is None:
            raise StorageTrouble("privacy.asset_gone")
        keyset = self.keyring.find(session, asset.keyset_id)
        try:
            sealed = self._path(asset_id).read_bytes()
        except OSError as error:
            raise StorageTrouble("privacy.asset_gone") from error
        return keyset.open(sealed, f"{asset.id}|{asset.version}")

    def delete(self, session: Session, asset_id: str) -> None:
        """Remove row and file. The file goes first: what is left by a crash is a row without content."""
        self._path(asset_id).unlink(missing_ok=True)
        asset = session.get(Asset, asset_id)
        if asset is not None:
            session.delete(asset)

    def sweep(self, session: Session) -> int:
        """Remove files that no row names, and unfinished ones; returns how many. Called at start."""
        known = set(session.scalars(select(Asset.id)))
        strays = [path for path in self._folder.glob("*/*") if path.name not in known]
        for path in strays:
            path.unlink(missing_ok=True)
        return len(strays)
