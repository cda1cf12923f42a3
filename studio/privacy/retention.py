"""Retention: how long what is kept without end, and the job that removes what is over its time."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select
from sqlalchemy.orm import Session

from studio.db.database import Database
from studio.db.tables import ConsentLink, ConsentRecord, RetentionRule, Speaker, Synthesis, now
from studio.errors import InputRefused
from studio.privacy import audit
from studio.privacy.access import Actor, Permission
from studio.privacy.erasure import Erasure
from studio.privacy.vault import Vault

TAKE, ENDED, WAITING, LINK = "take", "ended_consent", "waiting_consent", "link"
# None keeps it as long as the consent lasts. The notice promises twelve months: what is left of a speaker goes
# a month after the consent has ended or was refused, and two months after nobody decided on it, unless the office
# sets it otherwise.
DEFAULTS: Mapping[str, int | None] = {TAKE: None, ENDED: 30, WAITING: 60, LINK: 90}
OF_SPEAKERS = (ENDED, WAITING)  # the rules that erase a whole speaker
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

    def until(self, speaker_id: str) -> str:
        """When the job will erase a speaker, as things stand; empty where no rule ever does."""
        with self._database.read() as session:
            days = {kind: self._days(session, kind) for kind in OF_SPEAKERS}
            ends = {kind: session.scalar(_last(kind, speaker_id)) for kind in OF_SPEAKERS}
        due = [_after(ends[kind], days[kind]) for kind in OF_SPEAKERS]
        return min((day for day in due if day), default="")

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
        for kind in OF_SPEAKERS:
            for speaker_id in self._speakers(kind):
                self._erasure.erase(by, speaker_id)
                gone[kind] += 1
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

    def _speakers(self, kind: str) -> list[str]:
        with self._database.read() as session:
            days = self._days(session, kind)
            return [] if days is None else list(session.scalars(_over(kind, days)))

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
    """The ids of what is over its time: takes, speakers, ended links."""
    before = (datetime.now(UTC) - timedelta(days=days)).isoformat(timespec="milliseconds")
    if kind == TAKE:
        return select(Synthesis.id).where(Synthesis.created_at < before)
    if kind == LINK:
        return select(ConsentLink.id).where(ConsentLink.expires_at < before)
    over = _undecided(before) if kind == WAITING else or_(_over_since(before), _silent(before))
    return select(Speaker.id).where(Speaker.withdrawn_at.is_(None), over)


def _after(moment: str | None, days: int | None) -> str:
    if moment is None or days is None:
        return ""
    return (datetime.fromisoformat(moment) + timedelta(days=days)).isoformat(timespec="milliseconds")


# When the last consent ended: its time ran out, or somebody refused it. One that waits for a person is not at its
# end; the rule for those is another.
ENDED_AT = func.max(
    case(
        (
            ConsentRecord.status == "refused",
            func.coalesce(ConsentRecord.decided_at, ConsentRecord.granted_at),
        ),
        else_=ConsentRecord.expires_at,
    )
)
# Since when nobody has decided; a consent that lasted longer counts until its own end.
WAITED_SINCE = func.max(
    case((ConsentRecord.status == "granted", ConsentRecord.expires_at), else_=ConsentRecord.granted_at)
)
WAITS = func.max(ConsentRecord.status == "review")


def _last(kind: str, speaker_id: str) -> Select[tuple[str]]:
    """The moment from which a speaker's days of this rule are counted; None where it does not apply."""
    mine = ConsentRecord.speaker_id == speaker_id
    if kind == WAITING:
        return select(case((WAITS, WAITED_SINCE))).where(mine)
    links = select(func.max(ConsentLink.expires_at)).where(ConsentLink.speaker_id == speaker_id)
    return select(func.coalesce(ENDED_AT, links.scalar_subquery())).where(mine)


def _over_since(before: str) -> ColumnElement[bool]:
    """Speakers whose last consent ended before then."""
    grouped = select(ConsentRecord.speaker_id).group_by(ConsentRecord.speaker_id)
    return Speaker.id.in_(grouped.having(before > ENDED_AT))


def _undecided(before: str) -> ColumnElement[bool]:
    """Speakers with a consent that nobody has decided on since then, and none that lasted longer."""
    grouped = select(ConsentRecord.speaker_id).group_by(ConsentRecord.speaker_id)
    return Speaker.id.in_(grouped.having(before > WAITED_SINCE, WAITS))


def _silent(before: str) -> ColumnElement[bool]:
    """Speakers who were invited and never answered, once the link has been over since then."""
    return and_(
        Speaker.created_at < before,
        Speaker.id.not_in(select(ConsentRecord.speaker_id)),
        Speaker.id.not_in(select(ConsentLink.speaker_id).where(ConsentLink.expires_at >= before)),
    )
