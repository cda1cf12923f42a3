"""A test's secret: sealed in the database, opened once, and the tokens made from it."""

import threading

from sqlalchemy.orm import Session

from studio.db.tables import ListeningTest
from studio.listening.tokens import token
from studio.privacy.keyring import STUDIO_KEYSET
from studio.privacy.vault import Vault

KEPT = 256


class SecretKeeper:
    """Seals and opens the secrets of tests."""

    def __init__(self, vault: Vault) -> None:
        self._keyring = vault.keyring
        self._open: dict[str, bytes] = {}
        self._lock = threading.Lock()

    def seal(self, session: Session, test_id: str, secret: bytes) -> bytes:
        keyset = self._keyring.find_or_create(session, STUDIO_KEYSET)
        return keyset.seal(secret, f"listening|{test_id}")

    def of(self, session: Session, test: ListeningTest) -> bytes:
        with self._lock:
            if (known := self._open.get(test.id)) is not None:
                return known
        secret = self._keyring.find(session, STUDIO_KEYSET).open(test.secret, f"listening|{test.id}")
        with self._lock:
            if len(self._open) >= KEPT:
                self._open.clear()
            self._open[test.id] = secret
        return secret

    @staticmethod
    def link_token(secret: bytes, number: int) -> str:
        """The listeners' link; `number` changes when it is renewed."""
        return token(secret, "link", number)

    @staticmethod
    def preview_token(secret: bytes) -> str:
        """The owner's link to see the test as a listener does."""
        return token(secret, "preview")
