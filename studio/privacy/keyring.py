"""Three layers of keys: the master key wraps a key a speaker, which wraps that speaker's keyset (Tink).

The keyset lies in the database, the speaker's key in the key folder, the master key in a file or the system's
keyring. Backups hold the database and never the key folder: when a speaker's key is destroyed there, no copy
of the database, however old, opens anything of theirs, though the master key lives on.
"""

import fcntl
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import tink
from sqlalchemy import select
from sqlalchemy.orm import Session
from tink import aead, json_proto_keyset_format, proto_keyset_format, secret_key_access, streaming_aead

from studio.db.tables import SpeakerKeyset
from studio.errors import StorageTrouble
from studio.privacy.key_places import FilePlace, KeyPlace, SystemPlace, wipe, write_private
from studio.settings import Settings

STUDIO_KEYSET = "studio"  # for what belongs to no speaker: takes of preset voices


class _Kept(io.BytesIO):
    """A buffer that outlives the encrypting stream, which closes what it writes to."""

    def close(self) -> None:
        self.kept = self.getvalue()
        super().close()


class Keyset:
    """A speaker's keyset: seals and opens bytes bound to associated data.

    AES-256-GCM-HKDF streaming AEAD, 1 MB segments (Tink): swapped, flipped or cut ciphertext is refused.
    """

    def __init__(self, handle: tink.KeysetHandle) -> None:
        self._primitive = handle.primitive(streaming_aead.StreamingAead)

    def seal(self, plaintext: bytes, associated: str) -> bytes:
        sink = _Kept()
        with self._primitive.new_encrypting_stream(sink, associated.encode()) as stream:
            stream.write(plaintext)
        return sink.kept

    def open(self, sealed: bytes, associated: str) -> bytes:
        """StorageTrouble when the bytes are not what was sealed under this name."""
        try:
            with self._primitive.new_decrypting_stream(io.BytesIO(sealed), associated.encode()) as stream:
                return bytes(stream.read())
        except tink.TinkError as error:
            raise StorageTrouble("privacy.unreadable", name=associated) from error


def new_key() -> str:
    """A fresh wrapping key, as it is kept (AES-256-GCM)."""
    handle = tink.new_keyset_handle(aead.aead_key_templates.AES256_GCM)
    return json_proto_keyset_format.serialize(handle, secret_key_access.TOKEN)


def opened(text: str) -> aead.Aead:
    """The wrapping key in this text; StorageTrouble when it is none."""
    try:
        return json_proto_keyset_format.parse(text, secret_key_access.TOKEN).primitive(aead.Aead)
    except tink.TinkError as error:
        raise StorageTrouble("privacy.key_unreadable") from error


class Keyring:
    """Makes, wraps, finds and destroys keysets.

    `place` keeps the master key (default: the file `key_file`); `folder` the speakers' keys (default: beside
    it). Several processes may share them; `rotation.py` changes the master key under their feet.
    """

    def __init__(self, key_file: Path, folder: Path | None = None, place: KeyPlace | None = None) -> None:
        aead.register()
        streaming_aead.register()
        self.place = place or FilePlace(key_file)
        self.folder = folder or key_file.parent
        self._speakers = self.folder / "speakers"
        self._speakers.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self.locked(shared=False):
            if self.place.read("master") is None:
                self.place.write("master", new_key())
        self._masters = self._read_masters()

    @contextmanager
    def locked(self, *, shared: bool) -> Iterator[None]:
        """Many may make keys at once; whoever exchanges the master key is alone."""
        with (self.folder / ".lock").open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
            yield

    def _read_masters(self) -> list[aead.Aead]:
        """The master key, and the next one while a rotation is under way."""
        texts = [self.place.read("master"), self.place.read("next")]
        if texts[0] is None:
            raise StorageTrouble("privacy.key_unreadable")
        return [opened(text) for text in texts if text is not None]

    # Speakers' keys

    def speaker_file(self, keyset_id: str) -> Path:
        return self._speakers / f"{keyset_id}.key"

    def speaker_files(self) -> list[Path]:
        return sorted(self._speakers.glob("*.key"))

    def _new_speaker_key(self, keyset_id: str) -> aead.Aead:
        with self.locked(shared=True):
            self._masters = self._read_masters()  # it may have been exchanged since
            text = new_key()
            sealed = self._masters[-1].encrypt(text.encode(), associated_name(keyset_id))
            write_private(self.speaker_file(keyset_id), sealed)
        return opened(text)

    def _speaker_key(self, keyset_id: str) -> aead.Aead | None:
        """The speaker's key; None when there is none. StorageTrouble when the master key is another."""
        try:
            sealed = self.speaker_file(keyset_id).read_bytes()
        except FileNotFoundError:
            return None
        text = unwrapped(self._masters, sealed, keyset_id)
        if text is None:
            self._masters = self._read_masters()
            text = unwrapped(self._masters, sealed, keyset_id)
        if text is None:
            raise StorageTrouble("privacy.wrong_key")
        return opened(text)

    # Keysets

    def create(self, session: Session, keyset_id: str) -> Keyset:
        """Make and store a new wrapped keyset."""
        handle = tink.new_keyset_handle(streaming_aead.streaming_aead_key_templates.AES256_GCM_HKDF_1MB)
        key = self._new_speaker_key(keyset_id)
        wrapped = proto_keyset_format.serialize_encrypted(handle, key, keyset_id.encode())
        session.add(SpeakerKeyset(speaker_id=keyset_id, wrapped=wrapped))
        session.flush()
        return Keyset(handle)

    def find(self, session: Session, keyset_id: str) -> Keyset:
        """Unwrap a keyset; StorageTrouble when it is gone (crypto-shredded) or the key is another."""
        row = session.get(SpeakerKeyset, keyset_id)
        if row is None:
            raise StorageTrouble("privacy.keyset_gone")
        return self.unwrap(keyset_id, row.wrapped)

    def unwrap(self, keyset_id: str, wrapped: bytes) -> Keyset:
        """A keyset from its wrapped bytes, wherever they were kept; StorageTrouble when its key is gone."""
        return Keyset(self._unwrap(keyset_id, wrapped))

    def _unwrap(self, keyset_id: str, wrapped: bytes) -> tink.KeysetHandle:
        """With the speaker's key; with the master key itself, as the first release wrapped."""
        key = self._speaker_key(keyset_id)
        for candidate in (key, *self._masters):
            if candidate is not None:
                try:
                    return proto_keyset_format.parse_encrypted(wrapped, candidate, keyset_id.encode())
                except tink.TinkError:
                    continue
        raise StorageTrouble("privacy.wrong_key" if key else "privacy.keyset_gone")

    def find_or_create(self, session: Session, keyset_id: str) -> Keyset:
        if session.get(SpeakerKeyset, keyset_id) is None:
            return self.create(session, keyset_id)
        return self.find(session, keyset_id)

    def upgrade(self, session: Session) -> int:
        """Give keysets of the first release a speaker's key of their own; returns how many."""
        rows = [
            row
            for row in session.scalars(select(SpeakerKeyset))
            if not self.speaker_file(row.speaker_id).exists()
        ]
        count = 0
        for row in rows:
            try:
                handle = self._unwrap(row.speaker_id, row.wrapped)
            except StorageTrouble:
                continue  # its key was destroyed: an erasure that is still to be finished
            key = self._new_speaker_key(row.speaker_id)
            row.wrapped = proto_keyset_format.serialize_encrypted(handle, key, row.speaker_id.encode())
            count += 1
        return count

    def destroy(self, session: Session, keyset_id: str) -> bool:
        """Crypto-shred: what this keyset sealed is unreadable from now on, in every copy of the database.

        The one way to end a keyset; returns whether there was one. The key goes at once, whatever becomes of
        the transaction; follow that by `Database.checkpoint`.
        """
        wipe(self.speaker_file(keyset_id))
        note = self.folder / "saved.json"
        if note.exists():  # a copy of the key folder was put away: it still holds this key
            write_private(self.folder / "stale", b"")
        row = session.get(SpeakerKeyset, keyset_id)
        if row is not None:
            session.delete(row)
            session.flush()
        return row is not None


def associated_name(keyset_id: str) -> bytes:
    return f"speaker-key|{keyset_id}".encode()


def unwrapped(masters: list[aead.Aead], sealed: bytes, keyset_id: str) -> str | None:
    """The speaker's key as text, by whichever master key wrapped it."""
    for master in masters:
        try:
            return bytes(master.decrypt(sealed, associated_name(keyset_id))).decode()
        except tink.TinkError:
            continue
    return None


def open_keyring(settings: Settings) -> Keyring:
    """The keyring that settings describe; made on the first start."""
    place = SystemPlace(settings.storage) if settings.key_store == "system" else None
    return Keyring(settings.master_key_file, settings.keys_folder, place)
