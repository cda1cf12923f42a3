"""The way into a test: which test a link opens, whether it is open, and who it is that comes."""

import secrets as randomness

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from studio.db.tables import Listener, now
from studio.errors import InputRefused, NotFound, NotPermitted
from studio.listening.lookups import (
    Chair,
    Door,
    chair_by_account,
    chair_by_cookie,
    door_by_link,
    door_by_preview,
)
from studio.listening.seats import Visitor
from studio.listening.tokens import TOKEN_LENGTH, fingerprint

CONSENT_VERSION = "1"
MOST_COOKIES = 64  # the newest count: browsers send them last


def enter(session: Session, visitor: Visitor) -> tuple[Door, bool]:
    """The test behind a link, and whether the link is the owner's preview."""
    if len(visitor.token) != TOKEN_LENGTH:
        raise NotFound("listening.link_short")
    hashed = fingerprint(visitor.token)
    test = door_by_link(session, hashed)
    if test is not None:
        return test, False
    test = door_by_preview(session, hashed)
    if test is None or visitor.actor is None or not visitor.actor.owns(test.owner_id):
        raise NotFound("listening.link_unknown")
    if test.status == "making":
        raise InputRefused("listening.not_ready")
    return test, True


def refuse_shut(test: Door, preview: bool) -> None:
    """NotPermitted when listeners may not come in: closed, revoked or expired. A preview always may."""
    if preview:
        return
    if test.status == "closed":
        raise NotPermitted("listening.closed")
    if test.revoked_at is not None:
        raise NotPermitted("listening.link_revoked")
    if test.expires_at is None or test.expires_at <= now():
        raise NotPermitted("listening.link_expired")


def listener_of(session: Session, visitor: Visitor, test_id: str, preview: bool) -> Chair | None:
    """By account where somebody is signed in, so that they go on with another browser; else by cookie."""
    if visitor.actor is not None:
        found = chair_by_account(session, test_id, preview, visitor.actor.account_id)
        if found is not None or preview:
            return found
    hashes = [fingerprint(cookie) for cookie in visitor.cookies[-MOST_COOKIES:]]
    account_id = visitor.actor.account_id if visitor.actor else None
    return chair_by_cookie(session, test_id, preview, hashes, account_id) if hashes else None


def new_listener(session: Session, test: Door, visitor: Visitor, language: str, preview: bool) -> str:
    """A listener who has agreed; answers the cookie that is theirs, "" for an account. NotPermitted when full."""
    query = select(func.count(), func.max(Listener.number)).where(
        Listener.test_id == test.id, Listener.preview.is_(preview)
    )
    count, last = session.execute(query).one()
    if not preview and count >= test.quota:
        raise NotPermitted("listening.full", quota=test.quota)
    cookie = randomness.token_urlsafe(32)
    number = 0 if last is None else last + 1
    session.add(
        Listener(
            test_id=test.id,
            number=number,
            pseudonym=f"L{number + 1:03d}-{randomness.token_hex(3)}",
            cookie_hash=fingerprint(cookie),
            account_id=visitor.actor.account_id if visitor.actor else None,
            preview=preview,
            language=language,
            consent=f"{CONSENT_VERSION}-{language}",
        )
    )
    return "" if visitor.actor else cookie
