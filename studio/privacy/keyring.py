"""The key-encryption key, and one wrapped keyset per speaker (Tink)."""

import contextlib
import io
import os
from pathlib import Path

import tink
from sqlalchemy.orm import Session
from tink import aead, json_proto_keyset_format, proto_keyset_format, secret_key_access, streaming_aead

from studio.db.tables import SpeakerKeyset
from studio.errors import StorageTrouble

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


class Keyring:
    """Makes, wraps, finds and destroys keysets. The key-encryption key is a file of mode 0400."""

    def __init__(self, key_file: Path) -> None:
        aead.register()
        streaming_aead.register()
        self._key = self._read(key_file) if key_file.exists() else self._create(key_file)

    @staticmethod
    def _create(key_file: Path) -> aead.Aead:
        key_file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = tink.new_keyset_handle(aead.aead_key_templates.AES256_GCM)
        text = json_proto_keyset_format.serialize(handle, secret_key_access.TOKEN)
        temporary = key_file.with_suffix(".new")
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400)
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(key_file)
        return handle.primitive(aead.Aead)

    @staticmethod
    def _read(key_file: Path) -> aead.Aead:
        try:
            handle = json_proto_keyset_format.parse(key_file.read_text(), secret_key_access.TOKEN)
            return handle.primitive(aead.Aead)
        except (OSError, tink.TinkError) as error:
            raise StorageTrouble("privacy.key_unreadable") from error

    def create(self, session: Session, keyset_id: str) -> Keyset:
        """Make and store a new wrapped keyset."""
        handle = tink.new_keyset_handle(streaming_aead.streaming_aead_key_templates.AES256_GCM_HKDF_1MB)
        wrapped = proto_keyset_format.serialize_encrypted(handle, self._key, keyset_id.encode())
        session.add(SpeakerKeyset(speaker_id=keyset_id, wrapped=wrapped))
        session.flush()
        return Keyset(handle)

    def find(self, session: Session, keyset_id: str) -> Keyset:
        """Unwrap a keyset; StorageTrouble when it is gone (crypto-shredded) or the key is another."""
        row = session.get(SpeakerKeyset, keyset_id)
        if row is None:
            raise StorageTrouble("privacy.keyset_gone")
        try:
            return Keyset(proto_keyset_format.parse_encrypted(row.wrapped, self._key, keyset_id.encode()))
        except tink.TinkError as error:
            raise StorageTrouble("privacy.wrong_key") from error

    def find_or_create(self, session: Session, keyset_id: str) -> Keyset:
        if session.get(SpeakerKeyset, keyset_id) is None:
            return self.create(session, keyset_id)
        return self.find(session, keyset_id)

    def destroy(self, session: Session, keyset_id: str) -> None:
        """Crypto-shred: what this keyset sealed is unreadable from now on. The one way to end a keyset;
        ending one that has ended is no error. Follow the transaction by `Database.checkpoint`.
        """
        row = session.get(SpeakerKeyset, keyset_id)
        if row is not None:
            session.delete(row)
            session.flush()
