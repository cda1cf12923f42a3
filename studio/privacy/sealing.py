"""Files sealed with a key of 32 bytes, in segments: of any size, never whole in memory twice."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from studio.errors import StorageTrouble

KEY_BYTES = 32
SEGMENT_BYTES = 1 << 20
_MAGIC = b"tmb1"
_SALT_BYTES, _PREFIX_BYTES, _TAG_BYTES = 32, 7, 16


class Seal:
    """Seals bytes under names with AES-256-GCM in the STREAM construction; what was moved, cut, swapped or
    flipped does not open.

    Every file has a key of its own (HKDF-SHA-256 over a random salt, with the name as its context), so
    nonces never meet. Source: Hoang, Reyhanitabar, Rogaway, Vizár, "Online authenticated encryption and
    its nonce-reuse misuse-resistance", CRYPTO 2015.
    """

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise ValueError(f"a sealing key has {KEY_BYTES} bytes, not {len(key)}")
        self._key = key

    def write(self, path: Path, plaintext: bytes | memoryview, name: str) -> int:
        """Seal into a new file (mode 0600, flushed to the disk); returns its size in bytes. OSError as it comes."""
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            self._write(file, memoryview(plaintext), name)
            file.flush()
            os.fsync(file.fileno())
            return file.tell()

    def read(self, path: Path, name: str) -> bytes:
        """The plaintext; StorageTrouble when the file is not what was sealed under this name with this key."""
        try:
            with path.open("rb") as file:
                return b"".join(self._read(file, name))
        except (InvalidTag, ValueError) as error:
            raise StorageTrouble("learning.seal_broken", name=name.rpartition("|")[2]) from error

    def _write(self, file: BinaryIO, plaintext: memoryview, name: str) -> None:
        salt, prefix = os.urandom(_SALT_BYTES), os.urandom(_PREFIX_BYTES)
        file.write(_MAGIC + salt + prefix)
        cipher = self._cipher(salt, name)
        starts = range(0, len(plaintext), SEGMENT_BYTES) or range(1)
        for index, start in enumerate(starts):
            last = index == len(starts) - 1
            segment = bytes(plaintext[start : start + SEGMENT_BYTES])
            file.write(cipher.encrypt(_nonce(prefix, index, last), segment, None))

    def _read(self, file: BinaryIO, name: str) -> Iterator[bytes]:
        head = file.read(len(_MAGIC) + _SALT_BYTES + _PREFIX_BYTES)
        if not head.startswith(_MAGIC) or len(head) < len(_MAGIC) + _SALT_BYTES + _PREFIX_BYTES:
            raise ValueError("not a sealed file")
        salt, prefix = head[len(_MAGIC) : -_PREFIX_BYTES], head[-_PREFIX_BYTES:]
        cipher = self._cipher(salt, name)
        index, segment = 0, file.read(SEGMENT_BYTES + _TAG_BYTES)
        while True:
            following = file.read(SEGMENT_BYTES + _TAG_BYTES)
            yield cipher.decrypt(_nonce(prefix, index, not following), segment, None)
            if not following:
                return
            index, segment = index + 1, following

    def _cipher(self, salt: bytes, name: str) -> AESGCM:
        return AESGCM(HKDF(SHA256(), 32, salt, b"timbro file\0" + name.encode()).derive(self._key))


def _nonce(prefix: bytes, index: int, last: bool) -> bytes:
    return prefix + index.to_bytes(4, "big") + bytes([last])
