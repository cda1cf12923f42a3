"""The audit log: a hash chain of canonical JSON, pseudonyms only."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import rfc8785
from sqlalchemy import select
from sqlalchemy.orm import Session

from studio.db.database import Database
from studio.db.tables import AuditEntry, now
from studio.privacy.access import Actor, Permission

GENESIS = "0" * 64
Fact = str | int | float | bool | None | list[str]


@dataclass(frozen=True)
class AuditEvent:
    """One line of the log as people read it."""

    seq: int
    at: str
    actor: str
    action: str
    subject: str
    facts: dict[str, Fact]


@dataclass(frozen=True)
class AuditVerdict:
    """Whether the chain holds; `broken_at` is the first entry that does not."""

    entries: int
    head: str
    broken_at: int | None = None

    @property
    def intact(self) -> bool:
        return self.broken_at is None


def _link(prev: str, body: str) -> str:
    return hashlib.sha256(f"{prev}\n{body}".encode()).hexdigest()


def append(session: Session, actor: str, action: str, subject: str, **facts: Fact) -> None:
    """Add an entry in the caller's (immediate) transaction, so that deed and record stand or fall together."""
    last = session.scalars(select(AuditEntry).order_by(AuditEntry.seq.desc()).limit(1)).first()
    prev, seq = (last.hash, last.seq + 1) if last else (GENESIS, 1)
    content: dict[str, Any] = {"seq": seq, "at": now(), "actor": actor, "action": action}
    content |= {"subject": subject, "facts": facts}
    body = rfc8785.dumps(content).decode()
    session.add(AuditEntry(seq=seq, prev=prev, hash=_link(prev, body), body=body))
    session.flush()


def read(session: Session, limit: int = 100, before: int | None = None) -> Iterator[AuditEvent]:
    """The newest entries first."""
    query = select(AuditEntry).order_by(AuditEntry.seq.desc()).limit(limit)
    if before is not None:
        query = query.where(AuditEntry.seq < before)
    for row in session.scalars(query):
        body = json.loads(row.body)
        yield AuditEvent(row.seq, body["at"], body["actor"], body["action"], body["subject"], body["facts"])


def verify(session: Session) -> AuditVerdict:
    """Walk the whole chain: any edit, gap or reordering breaks it."""
    prev, count = GENESIS, 0
    for row in session.scalars(select(AuditEntry).order_by(AuditEntry.seq)):
        count += 1
        sound = row.seq == count and row.prev == prev and row.hash == _link(prev, row.body)
        if not sound or json.loads(row.body)["seq"] != count:
            return AuditVerdict(count, prev, broken_at=row.seq)
        prev = row.hash
    return AuditVerdict(count, prev)


class AuditLog:
    """The log for those who may read it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self, actor: Actor, limit: int = 100, before: int | None = None) -> list[AuditEvent]:
        """The newest entries first; NotPermitted without the audit permission."""
        actor.require(Permission.AUDIT)
        with self._database.read() as session:
            return [*read(session, limit, before)]

    def verify(self, actor: Actor) -> AuditVerdict:
        """Walk the chain; NotPermitted without the audit permission."""
        actor.require(Permission.AUDIT)
        with self._database.read() as session:
            return verify(session)
