"""Retention: how long what is kept without end, and the job that removes what is over its time."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.orm import Session

from studio.db.database import Database
from studio.db.tables import ConsentLink, ConsentRecord, RetentionRule, Speaker, Synthesis, now
from studio.errors import InputRefused
from studio.privacy import audit
from studio.privacy.access import Actor, Permission
from studio.privacy.erasure import Erasure
from studio.privacy.vault import Vault

TAKE, ENDED, LINK = "take", "ended_consent", "link"
# None keeps it as long as the consent lasts. The notice promises twelve months: what is left of a speaker goes
# a month after the consent has ended, unless the office decides otherwise.
DEFAULTS: Mapping[str, int | None] = {TAKE: None, ENDED: 30, LINK: 90}
MOST_DAYS = 3650
SYSTEM = "studio"  # the actor in the audit log when the job runs by itself


@dataclass(frozen=True)
class Rule:
    """How many days `kind` is kept, and how many are over their time now."""

    kind: str
    days: int | None
    due: int


class RetentionDesk:
    """The rules, and the job. The audit log is never part of it."""

    def __init__(self, database: Database, vault: Vault, erasure: Erasure) -> None:
        self._database = database
        self._vault = vault
        self._erasure = erasure

    def rules(self, actor: Actor) -> list[Rule]:
        actor.require(Permission.REVIEW)
        with self._database.read() as session:
            days = {kind: self._days(session, kind) for kind in DEFAULTS}
            return [Rule(kind, kept, _count(session, kind, kept)) for kind, kept in days.items()]

    def days(self, kind: str) -> int | None:
        """What holds for a kind."""
        with self._database.read() as session:
            return self._days(session, kind)

    def set(self, actor: Actor, kind: str, days: int | None) -> None:
        """Change a rule; it takes effect at the job's next run. InputRefused for an unknown kind or odd days."""
        actor.require(Permission.REVIEW)
        if kind not in DEFAULTS or (days is not None and not 0 <= days <= MOST_DAYS):
            raise InputRefused("privacy.retention", most=MOST_DAYS)
        with self._database.write() as session:
            row = session.get(RetentionRule, kind)
            if row is None:
                session.add(RetentionRule(kind=kind, days=days, changed_by=actor.account_id))
            else:
                row.days, row.changed_by, row.changed_at = days, actor.account_id, now()
            audit.append(session, actor.account_id, "retention.set", kind, days=days)

    def run(self, actor: Actor) -> dict[str, int]:
        """The job, now, by somebody."""
        actor.require(Permission.REVIEW)
        return self.purge(actor.account_id)

    def purge(self, by: str = SYSTEM) -> dict[str, int]:
        """Remove everything over its time; returns how many of each kind. Safe to call again."""
        gone: Counter[str] = Counter()
        for speaker_id in self._ended():
            self._erasure.erase(by, speaker_id)
            gone[ENDED] += 1
        with self._database.write() as session:
            gone[TAKE] += self._purge_takes(session)
            gone[LINK] += self._purge_links(session)
            gone = +gone
            if gone:
                audit.append(session, by, "retention.purged", "storage", **gone)
        if gone:
            self._database.checkpoint()
        return dict(gone)

    @staticmethod
    def _days(session: Session, kind: str) -> int | None:
        row = session.get(RetentionRule, kind)
        return row.days if row else DEFAULTS[kind]

    def _ended(self) -> list[str]:
        with self._database.read() as session:
            days = self._days(session, ENDED)
            return [] if days is None else list(session.scalars(_over(ENDED, days)))

    def _purge_takes(self, session: Session) -> int:
        days = self._days(session, TAKE)
        ids = [] if days is None else list(session.scalars(_over(TAKE, days)))
        for take_id in ids:
            take = session.get_one(Synthesis, take_id)
            session.delete(take)
            session.flush()
            self._vault.delete(session, take.asset_id)
        return len(ids)

    def _purge_links(self, session: Session) -> int:
        days = self._days(session, LINK)
        ids = [] if days is None else list(session.scalars(_over(LINK, days)))
        for link_id in ids:
            session.delete(session.get_one(ConsentLink, link_id))
        session.flush()
        return len(ids)


def _count(session: Session, kind: str, days: int | None) -> int:
    if days is None:
        return 0
    return session.scalar(select(func.count()).select_from(_over(kind, days).subquery())) or 0


def _over(kind: str, days: int) -> Select[tuple[str]]:
    """The ids of what is over its time: takes, speakers without a consent since then, ended links."""
    before = (datetime.now(UTC) - timedelta(days=days)).isoformat(timespec="milliseconds")
    if kind == TAKE:
        return select(Synthesis.id).where(Synthesis.created_at < before)
    if kind == LINK:
        return select(ConsentLink.id).where(ConsentLink.expires_at < before)
    # The newest version counts, in whatever state it is: a renewal that waits for a person is not an end. Whoever
    # was invited and never answered goes once the link has been over for as long.
    last = func.max(ConsentRecord.expires_at)
    over = select(ConsentRecord.speaker_id).group_by(ConsentRecord.speaker_id).having(last < before)
    silent = and_(
        Speaker.created_at < before,
        Speaker.id.not_in(select(ConsentRecord.speaker_id)),
        Speaker.id.not_in(select(ConsentLink.speaker_id).where(ConsentLink.expires_at >= before)),
    )
    return select(Speaker.id).where(Speaker.withdrawn_at.is_(None), or_(Speaker.id.in_(over), silent))
