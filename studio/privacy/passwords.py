"""Passwords: Argon2id, checked in constant time whether or not the account has one."""

import threading
from functools import cached_property

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy.orm import Session

from studio.db.tables import Password, now
from studio.errors import InputRefused

SHORTEST = 12
LONGEST = 256
DIFFERENT = 5  # characters
AT_ONCE = 2  # each costs 64 MiB and half a core: a flood waits instead of filling the memory


class Passwords:
    """Keeps and checks them; RFC 9106's second recommendation (64 MiB, 3 passes), argon2-cffi's default."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._turns = threading.BoundedSemaphore(AT_ONCE)

    @cached_property
    def _nobodys(self) -> str:
        """What a try is compared with when there is no password: as much work, and never right."""
        return self._hasher.hash("nobody has this password")

    def encode(self, password: str, account_name: str) -> str:
        """The password as it is kept. InputRefused when it could be guessed."""
        refuse_weak(password, account_name)
        with self._turns:
            return self._hasher.hash(password)

    def store(self, session: Session, account_id: str, encoded: str) -> None:
        """Set or replace an account's password, in the caller's transaction."""
        row = session.get(Password, account_id)
        if row is None:
            session.add(Password(account_id=account_id, encoded=encoded))
        else:
            row.encoded, row.changed_at = encoded, now()
        session.flush()

    def right(self, encoded: str | None, password: str) -> bool:
        """Whether it is the password; takes as long where there is none to compare with."""
        with self._turns:
            try:
                self._hasher.verify(encoded or self._nobodys, password[:LONGEST])
            except (VerificationError, InvalidHashError):
                return False
        return encoded is not None


def refuse_weak(password: str, account_name: str) -> None:
    """InputRefused for a password that is too short, too long, too even, or holds the account's name."""
    told = password.casefold()
    even = len(set(told)) < DIFFERENT
    named = len(account_name) >= 3 and account_name.casefold() in told
    if not SHORTEST <= len(password) <= LONGEST or even or named or not password.isprintable():
        raise InputRefused("access.password_weak", shortest=SHORTEST, longest=LONGEST, different=DIFFERENT)
