"""One-time challenges: a statement with words nobody could know before, read within minutes or not at all."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete
from sqlalchemy.orm import Session

from studio.consent import statements
from studio.consent.purposes import Purpose
from studio.db.database import Database
from studio.db.tables import ConsentChallenge, now
from studio.errors import ConsentMissing, InputRefused

MINUTES = 5
TRIES = 3
TOKEN_BYTES = 32
KEPT = timedelta(hours=1)  # an ended challenge still says why it ended


@dataclass(frozen=True)
class Challenge:
    """What has to be read aloud before `expires_at`; `token` is the answerer's to keep."""

    token: str
    statement: str
    words: tuple[str, ...]
    language: str
    purposes: frozenset[Purpose]
    notice_hash: str
    expires_at: str
    tries_left: int


def hashed(token: str) -> str:
    """What is stored of a token that somebody else holds."""
    return hashlib.sha256(token.encode()).hexdigest()


class ChallengeDesk:
    """Hands challenges out and takes them back. `subject` is an account's id, or a speaker's."""

    def __init__(self, database: Database, organisation: str = "") -> None:
        self._database = database
        self._organisation = organisation

    def issue(self, subject: str, language: str, purposes: frozenset[Purpose], notice_hash: str) -> Challenge:
        """A new challenge; what the subject had before no longer counts. InputRefused without a purpose."""
        if not purposes:
            raise InputRefused("consent.no_purpose")
        token, today = secrets.token_urlsafe(TOKEN_BYTES), datetime.now(UTC)
        words, neutral = statements.draw(language)
        text = statements.statement(language, purposes, today.date(), self._organisation, words, neutral)
        row = ConsentChallenge(
            token_hash=hashed(token), subject=subject, language=language, purposes=sorted(p.value for p in purposes),
            statement=text, words=list(words), notice_hash=notice_hash, tries_left=TRIES,
            expires_at=(today + timedelta(minutes=MINUTES)).isoformat(timespec="milliseconds"),
        )  # fmt: skip
        with self._database.write() as session:
            old = (today - KEPT).isoformat(timespec="milliseconds")
            session.execute(delete(ConsentChallenge).where(ConsentChallenge.expires_at < old))
            session.execute(
                delete(ConsentChallenge).where(
                    ConsentChallenge.subject == subject, ConsentChallenge.used_at.is_(None)
                )
            )
            session.add(row)
        return _of(row, token)

    def attempt(self, subject: str, token: str) -> Challenge:
        """Use one try, for good: it counts even if what follows fails.

        ConsentMissing for a challenge that is unknown (or another's), used, expired, or out of tries.
        """
        with self._database.write() as session:
            row = _living(session, subject, token)
            row.tries_left -= 1
            return _of(row, token)

    @staticmethod
    def spend(session: Session, subject: str, token: str) -> None:
        """End a challenge in the transaction that stores its consent: of two at once, one is refused."""
        row = session.get(ConsentChallenge, hashed(token))
        if row is None or row.subject != subject or row.used_at is not None:
            raise ConsentMissing("consent.challenge_used")
        row.used_at = now()
        session.flush()


def _living(session: Session, subject: str, token: str) -> ConsentChallenge:
    row = session.get(ConsentChallenge, hashed(token))
    if row is None or row.subject != subject:
        raise ConsentMissing("consent.challenge_unknown")
    if row.used_at is not None:
        raise ConsentMissing("consent.challenge_used")
    if row.expires_at <= now():
        raise ConsentMissing("consent.challenge_expired", minutes=MINUTES)
    if row.tries_left < 1:
        raise ConsentMissing("consent.challenge_tries", tries=TRIES)
    return row


def _of(row: ConsentChallenge, token: str) -> Challenge:
    return Challenge(
        token, row.statement, tuple(row.words), row.language, frozenset(Purpose(name) for name in row.purposes),
        row.notice_hash, row.expires_at, row.tries_left,
    )  # fmt: skip
