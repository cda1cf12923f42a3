"""API keys: an account's rights cut down to scopes and voices; shown once, kept as a hash."""

import hashlib
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from studio.db.database import Database
from studio.db.tables import Account, ApiKey, now
from studio.errors import InputRefused, NotFound, NotPermitted, SignInRequired
from studio.privacy import audit
from studio.privacy.access import Actor, Permission, Role
from studio.privacy.audit_events import Fact
from studio.privacy.sessions import KEPT_S, SessionCache

PREFIX = "tmb_"
TOKEN_BYTES = 32
TOKEN_LENGTH = len(PREFIX) + 43  # of 32 bytes in urlsafe base64 without padding
HINT_LENGTH = len(PREFIX) + 4
NAME_LIMIT = 64
MOST_KEYS = 50  # open keys an account can have
MOST_VOICES = 100
MOST_DAYS = 3660
MOST_KEPT = 1024
USE_NOTED_EVERY_S = 60  # "last used" is exact to the minute: a busy program does not write at every call


class Scope(StrEnum):
    """What a key may be used for."""

    SPEAK = "speak"  # generate speech
    VOICES_READ = "voices:read"  # list voices and models
    LISTEN_READ = "listen:read"  # read listening tests and their results


NEEDS: dict[Scope, Permission] = {
    Scope.SPEAK: Permission.VOICES,
    Scope.VOICES_READ: Permission.VOICES,
    Scope.LISTEN_READ: Permission.VOICES,
}


@dataclass(frozen=True)
class KeyView:
    """A key as its owner sees it: everything but the key."""

    id: str
    account_id: str
    account_name: str
    name: str
    hint: str
    scopes: tuple[str, ...]
    voices: tuple[str, ...]
    created_at: str
    last_used_at: str | None
    expires_at: str | None
    revoked_at: str | None

    @property
    def open(self) -> bool:
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > now())


@dataclass(frozen=True)
class KeyHolder:
    """Whoever called with a key: the account behind it and how far the key reaches."""

    actor: Actor
    key_id: str
    scopes: frozenset[str]
    voices: tuple[str, ...] = ()

    def require(self, scope: Scope) -> None:
        """NotPermitted unless the key has the scope."""
        if scope not in self.scopes:
            raise NotPermitted("access.scope", scope=scope.value, scopes=", ".join(sorted(self.scopes)))

    def may_use(self, voice_key: str) -> bool:
        return not self.voices or voice_key in self.voices


class ApiKeyService:
    """Makes, lists, revokes and recognises keys. One transaction a call; every change is audited."""

    def __init__(
        self, database: Database, default_language: str, sessions: SessionCache | None = None
    ) -> None:
        """`sessions`: what is kept of keys goes when what is kept of sign-ins goes (a closed account)."""
        self._database = database
        self._default_language = default_language
        self._sessions = sessions or SessionCache()
        self._kept: dict[str, tuple[float, int, KeyHolder]] = {}

    def create(
        self,
        actor: Actor,
        name: str,
        scopes: Collection[str],
        voices: Collection[str] = (),
        days: int | None = None,
    ) -> tuple[KeyView, str]:
        """A new key of the actor's own; the text is given here and never again.

        InputRefused for an odd name, no or unknown scopes, or too many keys; NotPermitted for a scope beyond
        the actor's role.
        """
        clean = _clean_name(name)
        wanted = _known(actor, scopes)
        if len(voices) > MOST_VOICES or (days is not None and not 1 <= days <= MOST_DAYS):
            raise InputRefused("access.key_bounds", voices=MOST_VOICES, days=MOST_DAYS)
        text = PREFIX + secrets.token_urlsafe(TOKEN_BYTES)
        with self._database.write() as session:
            self._refuse_too_many(session, actor)
            row = ApiKey(
                account_id=actor.account_id, name=clean, token_hash=_hash(text), hint=text[:HINT_LENGTH],
                scopes=[scope.value for scope in wanted], voices=sorted(set(voices)), expires_at=_in_days(days),
            )  # fmt: skip
            session.add(row)
            session.flush()
            audit.append(session, actor.account_id, "api_key.created", row.id, scopes=list(row.scopes))
            return _view(row, actor.name), text

    @staticmethod
    def _refuse_too_many(session: Session, actor: Actor) -> None:
        mine = select(ApiKey.id).where(ApiKey.account_id == actor.account_id, ApiKey.revoked_at.is_(None))
        if len(session.scalars(mine).all()) >= MOST_KEYS:
            raise InputRefused("access.too_many_keys", most=MOST_KEYS)

    def keys(self, actor: Actor) -> list[KeyView]:
        """The actor's keys, newest first; those of everybody for who keeps the accounts."""
        query = select(ApiKey, Account.name).join(Account, Account.id == ApiKey.account_id)
        if not actor.may(Permission.ACCOUNTS):
            query = query.where(ApiKey.account_id == actor.account_id)
        with self._database.read() as session:
            found = session.execute(query.order_by(ApiKey.created_at.desc()))
            return [_view(row, name) for row, name in found]

    def revoke(self, actor: Actor, key_id: str) -> None:
        """End a key at once; ending an ended one is no error. NotFound for another's, unless one keeps accounts."""
        with self._database.write() as session:
            row = session.get(ApiKey, key_id)
            mine = row is not None and row.account_id == actor.account_id
            if row is None or not (mine or actor.may(Permission.ACCOUNTS)):
                raise NotFound("access.key_unknown")
            if row.revoked_at is None:
                row.revoked_at = now()
                audit.append(session, actor.account_id, "api_key.revoked", row.id)
        self._sessions.forget_all()

    def recognise(self, text: str) -> KeyHolder:
        """Who holds this key. SignInRequired when it is unknown, revoked, expired, or its account is closed.

        Kept a few seconds, as sign-ins are: revoking a key or closing its account takes effect at once in this
        process, and within seconds in another.
        """
        known = self.remembered(text)
        if known is not None:
            return known
        if len(text) != TOKEN_LENGTH or not text.startswith(PREFIX):
            raise SignInRequired("access.key_refused")
        forgotten = self._sessions.forgotten  # as of before the look: a key revoked meanwhile is not kept
        with self._database.read() as session:
            row = session.scalars(select(ApiKey).where(ApiKey.token_hash == _hash(text))).first()
            account = session.get(Account, row.account_id) if row else None
        ended = row is None or row.revoked_at is not None or (row.expires_at or "9999") <= now()
        if row is None or ended or account is None or account.disabled_at is not None:
            raise SignInRequired("access.key_refused")
        self._note_use(row)
        language = account.language or self._default_language
        actor = Actor(account.id, account.name, Role(account.role), language)
        holder = KeyHolder(actor, row.id, frozenset(row.scopes), tuple(row.voices))
        if len(self._kept) >= MOST_KEPT:
            self._kept.clear()
        self._kept[_hash(text)] = self._sessions.clock() + KEPT_S, forgotten, holder
        return holder

    def remembered(self, text: str) -> KeyHolder | None:
        """`recognise` when it was asked within the last seconds; never touches the database."""
        until, forgotten, holder = self._kept.get(_hash(text), (0.0, 0, None))
        fresh = until > self._sessions.clock() and forgotten == self._sessions.forgotten
        return holder if fresh else None

    def _note_use(self, row: ApiKey) -> None:
        if row.last_used_at is not None and row.last_used_at > _ago(USE_NOTED_EVERY_S):
            return
        with self._database.write() as session:
            found = session.get(ApiKey, row.id)
            if found is not None:
                found.last_used_at = now()

    def note_call(self, holder: KeyHolder, action: str, **facts: Fact) -> None:
        """Write a call into the audit log."""
        with self._database.write() as session:
            audit.append(session, holder.actor.account_id, action, holder.key_id, **facts)


def _clean_name(name: str) -> str:
    clean = " ".join(name.split())
    if not clean or len(clean) > NAME_LIMIT or not clean.isprintable():
        raise InputRefused("access.key_name", limit=NAME_LIMIT)
    return clean


def _known(actor: Actor, scopes: Collection[str]) -> list[Scope]:
    if not scopes or set(scopes) - set(Scope):
        raise InputRefused("access.key_scopes", scopes=", ".join(Scope))
    wanted = sorted({Scope(scope) for scope in scopes})
    for scope in wanted:
        actor.require(NEEDS[scope])
    return wanted


def _hash(text: str) -> str:
    # Plain SHA-256 is right here: 256 random bits cannot be guessed, however fast the hash.
    return hashlib.sha256(text.encode()).hexdigest()


def _in_days(days: int | None) -> str | None:
    return (
        None
        if days is None
        else (datetime.now(UTC) + timedelta(days=days)).isoformat(timespec="milliseconds")
    )


def _ago(seconds: float) -> str:
    return (datetime.now(UTC) - timedelta(seconds=seconds)).isoformat(timespec="milliseconds")


def _view(row: ApiKey, account_name: str) -> KeyView:
    return KeyView(
        row.id, row.account_id, account_name, row.name, row.hint, tuple(row.scopes), tuple(row.voices), row.created_at,
        row.last_used_at, row.expires_at, row.revoked_at,
    )  # fmt: skip
