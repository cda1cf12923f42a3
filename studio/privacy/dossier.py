"""A speaker's whole file: what is held, where, why and until when; and all of it as a zip."""

import io
import json
import zipfile
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from studio.db.database import Database
from studio.db.tables import Asset, ConsentRecord, Speaker, Voice, now
from studio.errors import NotFound, StudioError
from studio.privacy import audit
from studio.privacy.access import Actor, Permission
from studio.privacy.telling import Held, HeldFile, Teller
from studio.privacy.told_by_vault import VaultTeller, assets_of
from studio.privacy.vault import Vault

SUFFIX = {b"fLaC": ".flac", b"RIFF": ".wav", b"%PDF": ".pdf", b"\x89PNG": ".png", b"\xff\xd8\xff": ".jpg"}


@dataclass(frozen=True)
class Dossier:
    """A speaker's file. `until` is when the consent ends, empty without one; `purposes` are what it allows."""

    speaker_id: str
    category: str
    name: str
    contact: str
    created_at: str
    withdrawn_at: str | None
    voices: tuple[str, ...]
    purposes: tuple[str, ...]
    until: str
    held: tuple[Held, ...]


Standing = Callable[[Session, str], tuple[ConsentRecord, Collection[str]] | None]
"""The consent of a speaker that counts now, and the purposes it covers; the consent room knows."""


class DossierDesk:
    """Reads files of speakers, for them, their producers and the privacy office; every reading is audited.

    Rooms that hold more of a speaker than the vault plug in: `tells(teller)`.
    """

    def __init__(self, database: Database, vault: Vault, standing: Standing) -> None:
        self._database = database
        self._vault = vault
        self._standing = standing
        self._first = VaultTeller(vault)
        self._tellers: list[Teller] = [self._first]

    def tells(self, teller: Teller) -> None:
        self._tellers.append(teller)

    def speakers(self, actor: Actor) -> list[Dossier]:
        """Every speaker the actor may see, newest first; names are left sealed."""
        with self._database.read() as session:
            rows = session.scalars(select(Speaker).order_by(Speaker.created_at.desc()))
            return [self._read(session, row, named=False) for row in rows if self._may(actor, row)]

    def open(self, actor: Actor, speaker_id: str) -> Dossier:
        """One speaker's file with name and contact; NotFound for a speaker that is not the actor's to see."""
        with self._database.write() as session:
            speaker = self._find(session, actor, speaker_id)
            audit.append(session, actor.account_id, "privacy.file_read", speaker_id)
            return self._read(session, speaker, named=True)

    def own(self, speaker_id: str) -> Dossier:
        """A speaker's file for the speaker, who was let in by their own link."""
        with self._database.read() as session:
            return self._read(session, session.get_one(Speaker, speaker_id), named=True)

    def export(self, actor: Actor, speaker_id: str) -> Iterator[bytes]:
        """Everything as a zip, made while it is read."""
        with self._database.read() as session:
            self._find(session, actor, speaker_id)
        return self.export_own(speaker_id, actor.account_id)

    def export_own(self, speaker_id: str, by: str) -> Iterator[bytes]:
        """The same for the speaker. The plaintext never touches the disk."""
        with self._database.write() as session:
            audit.append(session, by, "privacy.file_exported", speaker_id)
            dossier = self._read(session, session.get_one(Speaker, speaker_id), named=True)
            data = self._data(session, dossier)
            assets = [(a.id, a.kind) for a in assets_of(session, speaker_id)]
            files = [file for teller in self._tellers for file in teller.files(session, speaker_id)]
        return self._zipped(data, assets, files)

    # Reading

    @staticmethod
    def _may(actor: Actor, speaker: Speaker) -> bool:
        may = actor.may(Permission.VOICES) or actor.may(Permission.REVIEW)
        return may and actor.owns(speaker.owner_id)

    def _find(self, session: Session, actor: Actor, speaker_id: str) -> Speaker:
        speaker = session.get(Speaker, speaker_id)
        if speaker is None or not self._may(actor, speaker):
            raise NotFound("voices.unknown")
        return speaker

    def _read(self, session: Session, speaker: Speaker, *, named: bool) -> Dossier:
        consent, purposes = self._standing(session, speaker.id) or (None, ())
        names = session.scalars(select(Voice.name).where(Voice.speaker_id == speaker.id))
        known = self._first.identity(session, speaker.id) if named else {}
        return Dossier(
            speaker.id, speaker.category, str(known.get("name", "")), str(known.get("contact", "")),
            speaker.created_at, speaker.withdrawn_at, tuple(names), tuple(sorted(purposes)),
            _end_of(consent) if consent else "", tuple(self._held(session, speaker.id)),
        )  # fmt: skip

    def _held(self, session: Session, speaker_id: str) -> Iterator[Held]:
        for teller in self._tellers:
            yield from teller.held(session, speaker_id)

    # The export

    def _data(self, session: Session, dossier: Dossier) -> dict[str, Any]:
        data = {"format": "timbro speaker file 2", "made_at": now(), "speaker": asdict(dossier)}
        for teller in self._tellers:
            data |= teller.data(session, dossier.speaker_id)
        return data

    def _zipped(
        self, data: dict[str, Any], assets: Sequence[tuple[str, str]], files: Sequence[HeldFile]
    ) -> Iterator[bytes]:
        sink = _Drain()
        with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:
            archive.writestr("file.json", json.dumps(data, ensure_ascii=False, indent=2))
            yield sink.drain()
            for asset_id, kind in assets:
                with self._database.read() as session:
                    if session.get(Asset, asset_id) is None:
                        continue  # deleted while the zip was read
                    content = self._vault.read(session, asset_id)
                archive.writestr(f"{kind}/{asset_id}{_suffix(content)}", content)
                yield sink.drain()
            for file in files:
                try:
                    content = file.read()
                except (OSError, StudioError):
                    continue  # the run was removed while the zip was read
                archive.writestr(file.name, content)
                yield sink.drain()
        yield sink.drain()


def _end_of(consent: ConsentRecord) -> str:
    """When a consent ends or ended: one that was refused never ran its time."""
    refused = consent.decided_at or consent.granted_at
    return refused if consent.status == "refused" else consent.expires_at


def _suffix(content: bytes) -> str:
    return next((suffix for start, suffix in SUFFIX.items() if content.startswith(start)), ".bin")


class _Drain(io.RawIOBase):
    """A file that can only be written; what was written is taken out piece by piece."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        piece = bytes(data)  # type: ignore[call-overload]
        self._buffer += piece
        return len(piece)

    def drain(self) -> bytes:
        piece = bytes(self._buffer)
        self._buffer.clear()
        return piece
