"""What the booth asks of the database at every request: statements made once, answered with plain values.

An entity costs several times as much to load as its row, and two hundred listeners share two cores.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, or_, select
from sqlalchemy.orm import Session

from studio.db.tables import Asset, Listener, ListeningTest, Rating, Stimulus

_DOOR = select(
    ListeningTest.id, ListeningTest.owner_id, ListeningTest.status, ListeningTest.revealed,
    ListeningTest.revoked_at, ListeningTest.expires_at, ListeningTest.quota,
)  # fmt: skip
_BY_LINK = _DOOR.where(ListeningTest.link_hash == bindparam("hashed"))
_BY_PREVIEW = _DOOR.where(ListeningTest.preview_hash == bindparam("hashed"))
_BY_ID = _DOOR.where(ListeningTest.id == bindparam("test"))
_CHAIR = select(
    Listener.id, Listener.number, Listener.headphones, Listener.language, Listener.finished_at
).where(Listener.test_id == bindparam("test"), Listener.preview == bindparam("preview"))  # fmt: skip
_BY_ACCOUNT = _CHAIR.where(Listener.account_id == bindparam("account"))
# A browser is shared more often than an account: the chair of somebody who was signed in is nobody else's.
_BY_COOKIE = _CHAIR.where(
    Listener.cookie_hash.in_(bindparam("hashes", expanding=True)),
    or_(Listener.account_id.is_(None), Listener.account_id == bindparam("account")),
)
_RATED = select(Rating.trial_id).where(Rating.listener_id == bindparam("listener"))
_GONE = select(Stimulus.id).where(Stimulus.test_id == bindparam("test"), Stimulus.asset_id.is_(None))


@dataclass(frozen=True)
class Door:
    """A test as far as its door goes; times are ISO 8601 in UTC."""

    id: str
    owner_id: str
    status: str
    revealed: bool
    revoked_at: str | None
    expires_at: str | None
    quota: int


@dataclass(frozen=True)
class Chair:
    """A listener as the booth needs them."""

    id: str
    number: int
    headphones: bool | None
    language: str
    finished_at: str | None = None


def door_by_link(session: Session, hashed: str) -> Door | None:
    return _door(session, _BY_LINK, hashed=hashed)


def door_by_preview(session: Session, hashed: str) -> Door | None:
    return _door(session, _BY_PREVIEW, hashed=hashed)


def door_by_id(session: Session, test_id: str) -> Door | None:
    return _door(session, _BY_ID, test=test_id)


def _door(session: Session, statement: object, **given: str) -> Door | None:
    row = session.connection().execute(statement, given).first()  # type: ignore[call-overload]
    return Door(*row) if row else None


def chair_by_account(session: Session, test_id: str, preview: bool, account_id: str) -> Chair | None:
    return _chair(session, _BY_ACCOUNT, test=test_id, preview=preview, account=account_id)


def chair_by_cookie(
    session: Session, test_id: str, preview: bool, hashes: Sequence[str], account_id: str | None
) -> Chair | None:
    """Of a cookie's chair: one that was taken without an account, or `account_id`'s own."""
    given = {"test": test_id, "preview": preview, "hashes": hashes, "account": account_id}
    return _chair(session, _BY_COOKIE, **given)


def _chair(session: Session, statement: object, **given: object) -> Chair | None:
    row = session.connection().execute(statement, given).first()  # type: ignore[call-overload]
    return Chair(*row) if row else None


def rated_by(session: Session, listener_id: str) -> frozenset[str]:
    """The trials this listener has answered."""
    return frozenset(session.connection().execute(_RATED, {"listener": listener_id}).scalars())


def gone_stimuli(session: Session, test_id: str) -> frozenset[str]:
    """Stimuli whose speaker has withdrawn."""
    return frozenset(session.connection().execute(_GONE, {"test": test_id}).scalars())


def tests_heard(session: Session, speaker_id: str) -> list[str]:
    """Open tests that play sounds sealed with a speaker's key."""
    query = (
        select(Stimulus.test_id)
        .join(Asset, Asset.id == Stimulus.asset_id)
        .join(ListeningTest, ListeningTest.id == Stimulus.test_id)
        .where(Asset.keyset_id == speaker_id, ListeningTest.status == "open")
    )
    return [*session.scalars(query.distinct())]


def heard_of(session: Session, test_id: str, speaker_id: str) -> frozenset[str]:
    """Stimuli of a test that are sealed with a speaker's key."""
    query = select(Stimulus.id).join(Asset, Asset.id == Stimulus.asset_id)
    return frozenset(session.scalars(query.where(Stimulus.test_id == test_id, Asset.keyset_id == speaker_id)))


def unfinished(session: Session, test_id: str) -> list[tuple[Chair, frozenset[str]]]:
    """Listeners (previews aside) with pages left, and what they have answered."""
    query = select(Listener).where(
        Listener.test_id == test_id, Listener.preview.is_(False), Listener.finished_at.is_(None)
    )
    rows = session.scalars(query)
    return [(Chair(r.id, r.number, r.headphones, r.language), rated_by(session, r.id)) for r in rows]
