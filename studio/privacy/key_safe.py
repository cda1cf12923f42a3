"""The key folder as one file, sealed with a passphrase: what a backup needs and never holds."""

import base64
import json
import os
import struct
from dataclasses import dataclass
from typing import Any

from argon2.low_level import Type, hash_secret_raw
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from studio.db.tables import now
from studio.errors import InputRefused, StorageTrouble
from studio.privacy.key_places import write_private
from studio.privacy.keyring import Keyring
from studio.privacy.rotation import is_unfinished
from studio.settings import Settings

MAGIC = b"timbro keys 1\n"
SHORTEST = 20
SALT_BYTES, NONCE_BYTES = 16, 12
PASSES, MEMORY_KIB, LANES = 4, 262_144, 4  # Argon2id: about a second, 256 MiB
NOT_KEPT = {".lock", "saved.json", "stale"}
SAVED, STALE = "saved.json", "stale"


@dataclass(frozen=True)
class KeysView:
    """How the keys stand. `stale`: a speaker was erased since `saved_at`, so the copy that was put away still
    holds a key that must not exist any more.
    """

    place: str
    speakers: int
    unfinished: bool
    saved_at: str | None
    stale: bool


def status(settings: Settings, keyring: Keyring) -> KeysView:
    note = keyring.folder / SAVED
    saved_at = str(json.loads(note.read_text())["at"]) if note.exists() else None
    return KeysView(
        settings.key_store, len(keyring.speaker_files()), is_unfinished(keyring), saved_at,
        (keyring.folder / STALE).exists(),
    )  # fmt: skip


def save(keyring: Keyring, passphrase: str) -> bytes:
    """Every key, sealed; noted, so that the studio can say when the copy has to be made anew."""
    if len(passphrase) < SHORTEST:
        raise InputRefused("backup.safe_weak", shortest=SHORTEST)
    with keyring.locked(shared=False):
        files = {
            str(path.relative_to(keyring.folder)): base64.b64encode(path.read_bytes()).decode()
            for path in sorted(keyring.folder.rglob("*"))
            if path.is_file() and path.name not in NOT_KEPT and not path.name.endswith(".part")
        }
        masters = {name: keyring.place.read(name) for name in ("master", "next")}
        plain = json.dumps({"files": files, "masters": masters}).encode()
    salt, nonce = os.urandom(SALT_BYTES), os.urandom(NONCE_BYTES)
    head = MAGIC + struct.pack("<3I", PASSES, MEMORY_KIB, LANES) + salt + nonce
    sealed = AESGCM(_key(passphrase, salt, PASSES, MEMORY_KIB, LANES)).encrypt(nonce, plain, head)
    write_private(keyring.folder / SAVED, json.dumps({"at": now()}).encode())
    (keyring.folder / STALE).unlink(missing_ok=True)
    return head + sealed


def load(settings: Settings, data: bytes, passphrase: str) -> int:
    """Fill an empty key folder from a saved file; returns how many speakers' keys came back.

    InputRefused when there are keys already; StorageTrouble when passphrase or file are wrong.
    """
    folder = settings.keys_folder
    if settings.master_key_file.exists() or any((folder / "speakers").glob("*.key")):
        raise InputRefused("backup.keys_there")
    found = _opened(data, passphrase)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, content in found["files"].items():
        target = folder / name
        if not target.resolve().is_relative_to(folder.resolve()):
            raise StorageTrouble("backup.safe_wrong")
        write_private(
            target, base64.b64decode(content), 0o400 if target == settings.master_key_file else 0o600
        )
    _place_masters(settings, found["masters"])
    return sum(name.startswith("speakers/") for name in found["files"])


def _place_masters(settings: Settings, masters: dict[str, str | None]) -> None:
    from studio.privacy.key_places import FilePlace, SystemPlace

    system = settings.key_store == "system"
    place = SystemPlace(settings.storage) if system else FilePlace(settings.master_key_file)
    for name in ("master", "next"):
        text = masters.get(name)
        if text is not None and place.read(name) != text:
            place.write(name, text)


def _opened(data: bytes, passphrase: str) -> dict[str, Any]:
    size = len(MAGIC) + 12 + SALT_BYTES + NONCE_BYTES
    head, sealed = data[:size], data[size:]
    if not head.startswith(MAGIC) or len(head) < size:
        raise StorageTrouble("backup.safe_wrong")
    passes, memory, lanes = struct.unpack_from("<3I", head, len(MAGIC))
    if not (1 <= passes <= 64 and 8 <= memory <= 4_194_304 and 1 <= lanes <= 64):
        raise StorageTrouble("backup.safe_wrong")
    salt = head[len(MAGIC) + 12 : -NONCE_BYTES]
    try:
        key = _key(passphrase, salt, passes, memory, lanes)
        return dict(json.loads(AESGCM(key).decrypt(head[-NONCE_BYTES:], sealed, head)))
    except (InvalidTag, ValueError) as error:
        raise StorageTrouble("backup.safe_wrong") from error


def _key(passphrase: str, salt: bytes, passes: int, memory: int, lanes: int) -> bytes:
    return hash_secret_raw(passphrase.encode(), salt, passes, memory, lanes, 32, Type.ID)
