"""The audit log: a hash chain of canonical JSON, pseudonyms only."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import rfc8785
from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session

from studio.db.database import Database
from studio.db.tables import Account, AuditEntry, now
from studio.errors import InputRefused, NotFound
from studio.privacy.access import Actor, Permission
from studio.privacy.audit_events import AuditEvent, Fact
from studio.privacy.audit_files import to_csv, to_json
from studio.privacy.heads import Head, Heads, SignedHead, broken_by

GENESIS = "0" * 64
HEAD = "audit_head"
MOST_FOUND = 100_000


@dataclass(frozen=True)
class AuditVerdict:
    """Whether the chain holds; `broken_at` is the first entry that does not, and `reason` why: "chain" (edited,
    removed, out of order), "tail" (the newest are missing), "head" (another than was signed), "signature".
    `lost_after` is set where a restored backup is known to lack what came after that entry.
    """

    entries: int
    head: str
    broken_at: int | None = None
    reason: str = ""
    lost_after: int | None = None

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
    link = _link(prev, body)
    session.add(AuditEntry(seq=seq, prev=prev, hash=link, body=body))
    session.flush()
    session.info[HEAD] = (seq, link)  # noted and signed once it is committed


def read(session: Session, limit: int = 100, before: int | None = None) -> Iterator[AuditEvent]:
    """The newest entries first."""
    query = select(AuditEntry).order_by(AuditEntry.seq.desc()).limit(limit)
    if before is not None:
        query = query.where(AuditEntry.seq < before)
    for row in session.scalars(query):
        yield _event(row)


def verify(session: Session) -> AuditVerdict:
    """Walk the whole chain: any edit, gap or reordering breaks it."""
    prev, count = GENESIS, 0
    for row in session.scalars(select(AuditEntry).order_by(AuditEntry.seq)):
        count += 1
        sound = row.seq == count and row.prev == prev and row.hash == _link(prev, row.body)
        if not sound or json.loads(row.body)["seq"] != count:
            return AuditVerdict(count, prev, broken_at=row.seq, reason="chain")
        prev = row.hash
    return AuditVerdict(count, prev)


def sign_heads(database: Database, heads: Heads) -> None:
    """From now on, note the head after every transaction that added to the log."""

    def hear(info: dict[Any, Any]) -> None:
        if HEAD in info:
            heads.note(*info[HEAD])

    database.after_write(hear)


def verify_with(session: Session, heads: Heads, more: Sequence[SignedHead] = ()) -> AuditVerdict:
    """The chain, and whether it reaches every head that was signed: the one noted last, and `more`."""
    verdict = verify(session)
    kept = heads.kept()
    if not verdict.intact:
        return verdict
    against = broken_by(session, [*([kept] if kept else []), *more], heads.public_key)
    if against is not None:
        return replace(verdict, broken_at=against[1], reason=against[0])
    return replace(verdict, lost_after=kept.head.lost_after if kept else None)


@dataclass(frozen=True)
class AuditQuery:
    """What to look for: `text` anywhere in an entry; `since` and `until` are days (YYYY-MM-DD, both included)."""

    text: str = ""
    actor: str = ""
    action: str = ""  # a whole action, or its first word: "sign_in"
    since: str = ""
    until: str = ""

    def apply(self, query: Select[tuple[AuditEntry]]) -> Select[tuple[AuditEntry]]:
        """InputRefused for a day that is none."""
        body = AuditEntry.body
        if self.text.strip():
            query = query.where(body.contains(self.text.strip(), autoescape=True))
        if self.actor:
            query = query.where(func.json_extract(body, "$.actor") == self.actor)
        if self.action:
            action = func.json_extract(body, "$.action")
            query = query.where(
                or_(action == self.action, action.startswith(f"{self.action}.", autoescape=True))
            )
        at = func.json_extract(body, "$.at")
        if self.since:
            query = query.where(at >= _day(self.since).isoformat())
        if self.until:
            query = query.where(at < (_day(self.until) + timedelta(days=1)).isoformat())
        return query


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text.strip())
    except ValueError as error:
        raise InputRefused("access.day", day=text[:20]) from error


def _event(row: AuditEntry) -> AuditEvent:
    body = json.loads(row.body)
    return AuditEvent(row.seq, body["at"], body["actor"], body["action"], body["subject"], body["facts"])


class AuditLog:
    """The log for those who may read it."""

    def __init__(self, database: Database, heads: Heads) -> None:
        self._database = database
        self._heads = heads

    def read(self, actor: Actor, limit: int = 100, before: int | None = None) -> list[AuditEvent]:
        """The newest entries first; NotPermitted without the audit permission."""
        actor.require(Permission.AUDIT)
        with self._database.read() as session:
            return [*read(session, limit, before)]

    def search(
        self, actor: Actor, query: AuditQuery, limit: int = 100, before: int | None = None
    ) -> list[AuditEvent]:
        """The newest entries that fit; NotPermitted without the audit permission, InputRefused for an odd day."""
        actor.require(Permission.AUDIT)
        chosen = query.apply(select(AuditEntry)).order_by(AuditEntry.seq.desc()).limit(min(limit, MOST_FOUND))
        if before is not None:
            chosen = chosen.where(AuditEntry.seq < before)
        with self._database.read() as session:
            return [_event(row) for row in session.scalars(chosen)]

    def count(self, actor: Actor, query: AuditQuery) -> int:
        """How many entries fit."""
        actor.require(Permission.AUDIT)
        chosen = query.apply(select(AuditEntry)).with_only_columns(func.count(AuditEntry.seq))
        with self._database.read() as session:
            return int(session.execute(chosen).scalar_one())

    def actors(self, actor: Actor) -> dict[str, str]:
        """Who appears in the log as actor: pseudonym -> account name, or empty where there is none."""
        actor.require(Permission.AUDIT)
        with self._database.read() as session:
            seen = session.scalars(select(func.json_extract(AuditEntry.body, "$.actor")).distinct())
            names = {row[0]: row[1] for row in session.execute(select(Account.id, Account.name))}
            return {pseudonym: names.get(pseudonym, "") for pseudonym in sorted(seen)}

    def actions(self, actor: Actor) -> list[str]:
        """Every action that appears in the log."""
        actor.require(Permission.AUDIT)
        with self._database.read() as session:
            found = session.scalars(select(func.json_extract(AuditEntry.body, "$.action")).distinct())
            return sorted(found)

    def verify(self, actor: Actor, more: Sequence[SignedHead] = ()) -> AuditVerdict:
        """Walk the chain, and hold it against the signed heads; NotPermitted without the audit permission."""
        actor.require(Permission.AUDIT)
        with self._database.read() as session:
            return verify_with(session, self._heads, more)

    def note(self, actor: Actor, action: str, subject: str = "studio", **facts: Fact) -> None:
        """Write down what an administrator did outside any service."""
        actor.require(Permission.SETTINGS)
        with self._database.write() as session:
            append(session, actor.account_id, action, subject, **facts)

    def head(self, actor: Actor) -> SignedHead:
        """Where the chain stands, signed, for somebody to keep elsewhere."""
        actor.require(Permission.AUDIT)
        with self._database.read() as session:
            last = session.scalars(select(AuditEntry).order_by(AuditEntry.seq.desc()).limit(1)).first()
        return self._heads.sign(Head(last.seq, last.hash, now()) if last else Head(0, GENESIS, now()))

    def export(self, actor: Actor, query: AuditQuery, format_name: str) -> tuple[bytes, str, str]:
        """What fits as (bytes, media type, file name); `format_name` csv or json, NotFound otherwise. Audited."""
        if format_name not in ("csv", "json"):
            raise NotFound("web.not_found")
        found = self.search(actor, query, MOST_FOUND)
        with self._database.write() as session:
            append(
                session, actor.account_id, "audit.exported", "audit", entries=len(found), format=format_name
            )
        name = f"audit-{now()[:10]}.{format_name}"
        if format_name == "csv":
            return to_csv(found), "text/csv; charset=utf-8", name
        return to_json(found, self.head(actor)), "application/json", name
