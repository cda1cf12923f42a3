"""Speakers' own links: made by a producer, opened without an account, shown once and kept as a hash."""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from studio.consent.challenge import TOKEN_BYTES, hashed
from studio.consent.documents import may_see
from studio.consent.gate import consent_versions
from studio.db.database import Database
from studio.db.tables import ConsentLink, Speaker, now
from studio.errors import LANGUAGES, InputRefused, NotFound
from studio.privacy import audit
from studio.privacy.access import Actor, Permission

TOKEN_LENGTH = 43  # characters of 256 bits in URL-safe base64
INVITED_DAYS = 14  # until the speaker has answered
AFTER_DAYS = 30  # a link outlives the consent by this long, and an erasure: its receipt can be read


@dataclass(frozen=True)
class LinkView:
    """A link as its maker sees it; the address itself was shown once."""

    id: str
    speaker_id: str
    voice_name: str
    expires_at: str
    opened_at: str | None
    answered: bool


@dataclass(frozen=True)
class Guest:
    """Whom a link lets in: a speaker, and nobody else's data."""

    link_id: str
    speaker_id: str
    owner_id: str
    voice_name: str
    language: str
    category: str
    erased: bool


def _in_days(days: int) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).isoformat(timespec="milliseconds")


def _living() -> Select[tuple[ConsentLink]]:
    return select(ConsentLink).where(ConsentLink.revoked_at.is_(None), ConsentLink.expires_at > now())


def _lasting(session: Session, speaker_id: str) -> str:
    """Until when a link of this speaker lives: to be answered, or as long as their consents and some days."""
    ends = [
        datetime.fromisoformat(one.expires_at) + timedelta(days=AFTER_DAYS)
        for one in consent_versions(session, speaker_id)
    ]
    return max([_in_days(INVITED_DAYS), *(end.isoformat(timespec="milliseconds") for end in ends)])


class LinkDesk:
    """Makes, finds, prolongs and ends links."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, session: Session, speaker: Speaker, voice_name: str, language: str, by: str) -> str:
        """A new link's token, in the caller's transaction.

        The speaker's earlier links stay: whoever makes one could otherwise take their way out from them.
        """
        name = " ".join(voice_name.split())
        if not 1 <= len(name) <= 60 or not name.isprintable():
            raise InputRefused("voices.no_name")
        token = secrets.token_urlsafe(TOKEN_BYTES)
        link = ConsentLink(
            token_hash=hashed(token), speaker_id=speaker.id, owner_id=speaker.owner_id, voice_name=name,
            language=language if language in LANGUAGES else LANGUAGES[0], expires_at=_lasting(session, speaker.id),
        )  # fmt: skip
        session.add(link)
        session.flush()
        audit.append(session, by, "consent.link_made", speaker.id, link=link.id)
        return token

    def enter(self, token: str) -> Guest:
        """Whoever holds this link; NotFound when it is cut short, unknown, revoked or expired."""
        if len(token) != TOKEN_LENGTH:
            raise NotFound("consent.link_short")
        with self._database.read() as session:
            link = session.scalars(select(ConsentLink).where(ConsentLink.token_hash == hashed(token))).first()
            speaker = session.get(Speaker, link.speaker_id) if link else None
        if link is None or speaker is None:
            raise NotFound("consent.link_unknown")
        if link.revoked_at is not None:
            raise NotFound("consent.link_revoked")
        if link.expires_at <= now():
            raise NotFound("consent.link_expired")
        if link.opened_at is None:
            self._opened(link.id)
        return Guest(
            link.id, speaker.id, link.owner_id, link.voice_name, link.language, speaker.category,
            speaker.withdrawn_at is not None,
        )  # fmt: skip

    def _opened(self, link_id: str) -> None:
        with self._database.write() as session:
            link = session.get_one(ConsentLink, link_id)
            link.opened_at = link.opened_at or now()

    def prolong(self, speaker_id: str) -> None:
        """Let a speaker's links live as long as the consent, and a little longer: each is their way out."""
        with self._database.write() as session:
            ends = _lasting(session, speaker_id)
            for link in session.scalars(_living().where(ConsentLink.speaker_id == speaker_id)):
                link.expires_at = max(link.expires_at, ends)

    def revoke(self, actor: Actor, link_id: str) -> None:
        """End a link; NotFound for another's.

        Once the speaker has answered, the link is theirs: NotPermitted to all but the privacy office and
        administrators.
        """
        with self._database.write() as session:
            link = session.get(ConsentLink, link_id)
            speaker = session.get(Speaker, link.speaker_id) if link else None
            if link is None or speaker is None or not may_see(actor, speaker):
                raise NotFound("consent.link_unknown")
            if consent_versions(session, speaker.id):
                actor.require(Permission.REVIEW)
            link.revoked_at = link.revoked_at or now()
            audit.append(session, actor.account_id, "consent.link_revoked", link.speaker_id, link=link.id)

    def living(self, actor: Actor) -> list[LinkView]:
        """The links that open something, of speakers the actor may see; newest first."""
        actor.require(Permission.VOICES)
        with self._database.read() as session:
            rows = session.scalars(_living().order_by(ConsentLink.created_at.desc()))
            return [
                LinkView(
                    row.id, row.speaker_id, row.voice_name, row.expires_at, row.opened_at,
                    bool(consent_versions(session, row.speaker_id)),
                )
                for row in rows
                if actor.owns(row.owner_id) and session.get_one(Speaker, row.speaker_id).withdrawn_at is None
            ]  # fmt: skip
