"""Signed heads of the audit log (Ed25519): where the chain stood, kept outside the database it vouches for.

The chain shows an edit or a gap; that the newest entries were cut off shows only against a head that was noted
elsewhere. One is noted at every entry, in the key folder; exported ones can be kept by anybody.
"""

import base64
import fcntl
import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from sqlalchemy import select
from sqlalchemy.orm import Session

from studio.db.tables import AuditEntry, now
from studio.errors import InputRefused
from studio.privacy.key_places import write_private

KEY_FILE, HEAD_FILE = "audit.key", "audit-head.json"
LONGEST = 1_000_000  # of a file of heads
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Head:
    """At `at` the chain had `seq` entries and ended in `hash`. `lost_after` is set where a restore went back:
    entries after it, up to the head before, are known to be missing.
    """

    seq: int
    hash: str
    at: str
    lost_after: int | None = None

    def body(self) -> bytes:
        return rfc8785.dumps(asdict(self))


@dataclass(frozen=True)
class SignedHead:
    """A head and who vouches for it."""

    head: Head
    key: str  # the public key, base64
    signature: str

    def as_json(self) -> dict[str, Any]:
        return {"head": asdict(self.head), "key": self.key, "signature": self.signature}

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> "SignedHead":
        """InputRefused for anything that is no signed head."""
        try:
            return cls(Head(**told["head"]), str(told["key"]), str(told["signature"]))
        except (KeyError, TypeError) as error:
            raise InputRefused("access.head_broken") from error

    def is_signed(self) -> bool:
        """Whether the signature is this key's over this head."""
        try:
            public = Ed25519PublicKey.from_public_bytes(base64.b64decode(self.key))
            public.verify(base64.b64decode(self.signature), self.head.body())
        except (InvalidSignature, ValueError, TypeError):
            return False
        return True


class Heads:
    """Signs heads with a key of the key folder and keeps the newest there. Several processes may."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._locked():
            if not (folder / KEY_FILE).exists():
                fresh = Ed25519PrivateKey.generate().private_bytes(
                    Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
                )
                write_private(folder / KEY_FILE, fresh, 0o400)
        self._key = _private_key((folder / KEY_FILE).read_bytes())

    def _locked(self) -> "_Lock":
        return _Lock(self._folder / ".audit.lock")

    @property
    def public_key(self) -> str:
        raw = self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return base64.b64encode(raw).decode()

    def sign(self, head: Head) -> SignedHead:
        return SignedHead(head, self.public_key, base64.b64encode(self._key.sign(head.body())).decode())

    def kept(self) -> SignedHead | None:
        """The newest head that was noted; None before the first."""
        try:
            return SignedHead.from_json(json.loads((self._folder / HEAD_FILE).read_text()))
        except FileNotFoundError:
            return None
        except ValueError as error:
            raise InputRefused("access.head_broken") from error

    def note(self, seq: int, hash_: str) -> None:
        """Keep this head unless a newer one is kept. Called after the entry is committed; a failure is logged,
        for the deed has been done and recorded by then.
        """
        try:
            with self._locked():
                before = self._kept_or_none()
                if before is None or before.head.seq < seq:
                    self._write(Head(seq, hash_, now(), before.head.lost_after if before else None))
        except OSError:
            log.exception("the audit log's head could not be noted")

    def _kept_or_none(self) -> SignedHead | None:
        try:
            return self.kept()
        except InputRefused:
            return None

    def went_back(self, seq: int, hash_: str) -> None:
        """A backup was restored and entry `seq` says so. If the log had gone on after that backup, the head
        says what is missing, instead of crying tampering.
        """
        with self._locked():
            before = self._kept_or_none()
            earlier = before.head.lost_after if before else None
            lost = seq - 1 if before is not None and before.head.seq >= seq else earlier
            self._write(Head(seq, hash_, now(), lost))

    def _write(self, head: Head) -> None:
        # Not flushed to the disk: a head that a power cut loses is an older head, never a wrong one.
        told = json.dumps(self.sign(head).as_json())
        temporary = self._folder / f"{HEAD_FILE}.part"
        temporary.write_text(told)
        temporary.chmod(0o600)
        temporary.rename(self._folder / HEAD_FILE)


class _Lock:
    """A file lock as a context."""

    def __init__(self, file: Path) -> None:
        self._path = file

    def __enter__(self) -> None:
        self._file = self._path.open("ab")
        fcntl.flock(self._file, fcntl.LOCK_EX)

    def __exit__(self, *_: object) -> None:
        self._file.close()


def _private_key(pem: bytes) -> Ed25519PrivateKey:
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    key = load_pem_private_key(pem, None)
    if not isinstance(key, Ed25519PrivateKey):
        raise InputRefused("access.head_broken")
    return key


def broken_by(session: Session, heads: Iterable[SignedHead], public_key: str) -> tuple[str, int] | None:
    """What the heads say against the chain in the database: ("tail", seq) when entries up to `seq` are missing,
    ("head", seq) when entry `seq` is another, ("signature", seq) when the head is not signed by this studio.
    """
    for signed in heads:
        head = signed.head
        if signed.key != public_key or not signed.is_signed():
            return "signature", head.seq
        row = session.scalars(select(AuditEntry).where(AuditEntry.seq == head.seq)).first()
        if row is None:
            return "tail", head.seq
        if row.hash != head.hash:
            return "head", head.seq
    return None


def read_heads(data: bytes) -> list[SignedHead]:
    """Heads from an exported file (JSON lines); InputRefused when it is none."""
    if len(data) > LONGEST:
        raise InputRefused("access.head_broken")
    try:
        return [SignedHead.from_json(json.loads(line)) for line in data.decode().splitlines() if line.strip()]
    except ValueError as error:
        raise InputRefused("access.head_broken") from error
