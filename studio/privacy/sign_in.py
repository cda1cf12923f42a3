"""Ways in: passwords, identities of an OpenID provider, and the list of open sign-ins."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from studio.db.database import Database
from studio.db.tables import Account, ExternalIdentity, Password, SignInSession, now
from studio.errors import InputRefused, NotFound, SignInRequired
from studio.privacy import audit
from studio.privacy.access import Actor, Permission, Role
from studio.privacy.passwords import Passwords
from studio.privacy.sessions import SessionCache

TOKEN_BYTES = 32
ID_LENGTH = 16  # of a session's hash: enough to name it, nothing to open it with
BROWSER_LIMIT = 60
UNKNOWN = (
    "unknown"  # the subject in the log when a name is no account's: it may hold a password typed too early
)


@dataclass(frozen=True)
class SessionView:
    """An open sign-in. `way` is link, password or oidc; `browser` what it called itself."""

    id: str
    way: str
    browser: str
    created_at: str
    expires_at: str
    current: bool


@dataclass(frozen=True)
class Identity:
    """Somebody as an OpenID provider knows them."""

    issuer: str
    subject: str
    name: str = ""


def token_hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def open_session(session: Session, account_id: str, hours: int, way: str, browser: str = "") -> str:
    """A new sign-in in the caller's transaction; returns its token, of which only the hash is kept."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    until = (datetime.now(UTC) + timedelta(hours=hours)).isoformat(timespec="milliseconds")
    kept = SignInSession(
        token_hash=token_hash(token), account_id=account_id, expires_at=until, way=way,
        browser=browser[:BROWSER_LIMIT],
    )  # fmt: skip
    session.add(kept)
    audit.append(session, account_id, "sign_in.opened", account_id, way=way)
    return token


class SignIns:
    """Who comes in by password or provider, and who is in. One transaction a call; every change is audited."""

    def __init__(
        self, database: Database, sessions: SessionCache, hours: int, passwords: Passwords | None = None
    ) -> None:
        self._database = database
        self._cache = sessions
        self._hours = hours
        self._passwords = passwords or Passwords()

    # Passwords

    def by_password(self, name: str, password: str, browser: str = "") -> str:
        """The token of a new session. SignInRequired, the same and as late for a wrong name as for a wrong
        password. Whoever calls limits how often it is tried.
        """
        account, encoded = self._find(" ".join(name.split()))
        right = self._passwords.right(encoded, password)
        with self._database.write() as session:
            found = session.get(Account, account.id) if account else None
            if not right or found is None or found.disabled_at is not None:
                subject = account.id if account else UNKNOWN
                audit.append(session, subject, "sign_in.refused", subject, way="password")
                token = ""
            else:
                token = open_session(session, found.id, self._hours, "password", browser)
        if not token:
            raise SignInRequired("access.password_wrong")
        return token

    def _find(self, name: str) -> tuple[Account | None, str | None]:
        with self._database.read() as session:
            query = select(Account).where(Account.name == name, Account.disabled_at.is_(None))
            account = session.scalars(query).first()
            row = session.get(Password, account.id) if account else None
        return account, row.encoded if row else None

    def has_password(self, actor: Actor) -> bool:
        with self._database.read() as session:
            return session.get(Password, actor.account_id) is not None

    def set_password(
        self, actor: Actor, new: str, again: str, present: str = "", keep_token: str = ""
    ) -> None:
        """Set the actor's own password; every other sign-in of theirs ends, but for `keep_token`'s.

        InputRefused when the two differ, the present one is wrong, or the new one is weak.
        """
        if new != again:
            raise InputRefused("access.passwords_differ")
        with self._database.read() as session:
            row = session.get(Password, actor.account_id)
        if row is not None and not self._passwords.right(row.encoded, present):
            raise InputRefused("access.password_now_wrong")
        encoded = self._passwords.encode(new, actor.name)
        with self._database.write() as session:
            self._passwords.store(session, actor.account_id, encoded)
            self._end_all(session, actor.account_id, keep_token)
            audit.append(session, actor.account_id, "password.set", actor.account_id)
        self._cache.forget_all()

    def remove_password(self, actor: Actor, account_id: str) -> None:
        """Take an account's password away; its holder enters by link. One's own, or for who keeps the accounts."""
        if account_id != actor.account_id:
            actor.require(Permission.ACCOUNTS)
        with self._database.write() as session:
            row = session.get(Password, account_id)
            if row is not None:
                session.delete(row)
                audit.append(session, actor.account_id, "password.removed", account_id)

    # Sign-ins that are open

    def sessions(self, actor: Actor, current_token: str = "") -> list[SessionView]:
        """The actor's open sign-ins, newest first."""
        query = select(SignInSession).where(
            SignInSession.account_id == actor.account_id, SignInSession.expires_at > now()
        )
        mine = token_hash(current_token)
        with self._database.read() as session:
            return [
                SessionView(
                    row.token_hash[:ID_LENGTH], row.way, row.browser, row.created_at, row.expires_at,
                    row.token_hash == mine,
                )
                for row in session.scalars(query.order_by(SignInSession.created_at.desc()))
            ]  # fmt: skip

    def end(self, actor: Actor, session_id: str) -> None:
        """End one of the actor's sign-ins; NotFound for another's."""
        with self._database.write() as session:
            mine = select(SignInSession).where(SignInSession.account_id == actor.account_id)
            found = [row for row in session.scalars(mine) if row.token_hash[:ID_LENGTH] == session_id]
            if not found:
                raise NotFound("access.session_unknown")
            session.delete(found[0])
            audit.append(session, actor.account_id, "sign_in.ended", actor.account_id)
        self._cache.forget_all()

    def end_all(self, actor: Actor, account_id: str = "", keep_token: str = "") -> int:
        """End every sign-in of the actor but for `keep_token`'s; of another account for who keeps the accounts."""
        account_id = account_id or actor.account_id
        if account_id != actor.account_id:
            actor.require(Permission.ACCOUNTS)
        with self._database.write() as session:
            count = self._end_all(session, account_id, keep_token)
            audit.append(session, actor.account_id, "sign_in.all_ended", account_id, sign_ins=count)
        self._cache.forget_all()
        return count

    @staticmethod
    def _end_all(session: Session, account_id: str, keep_token: str) -> int:
        ended = delete(SignInSession).where(
            SignInSession.account_id == account_id, SignInSession.token_hash != token_hash(keep_token)
        )
        return int(getattr(session.execute(ended), "rowcount", 0))

    # Identities of a provider

    def by_identity(self, identity: Identity, new_role: str = "", browser: str = "") -> str:
        """The token of a new session for the account the identity is tied to.

        Where nobody is: a new account of `new_role`, or SignInRequired when that is empty.
        """
        with self._database.write() as session:
            tied = session.get(ExternalIdentity, (identity.issuer, identity.subject))
            account = session.get(Account, tied.account_id) if tied else None
            if tied is None and new_role:
                account = self._newcomer(session, identity, Role(new_role))
            if account is None or account.disabled_at is not None:
                raise SignInRequired("access.oidc_unknown")
            return open_session(session, account.id, self._hours, "oidc", browser)

    @staticmethod
    def _newcomer(session: Session, identity: Identity, role: Role) -> Account:
        """Never an account that is there: a name that a provider lets people choose proves nothing."""
        wished = "".join(c for c in " ".join(identity.name.split()) if c.isprintable())[:40] or "account"
        taken = set(session.scalars(select(Account.name).where(Account.name.startswith(wished))))
        name = next(n for n in (wished, *(f"{wished} {i}" for i in range(2, 10_000))) if n not in taken)
        account = Account(name=name, role=role.value)
        session.add(account)
        session.flush()
        session.add(ExternalIdentity(issuer=identity.issuer, subject=identity.subject, account_id=account.id))
        audit.append(session, account.id, "account.created", account.id, role=role.value, way="oidc")
        return account

    def tie(self, actor: Actor, identity: Identity) -> None:
        """Let an identity open the actor's account. InputRefused when it opens another."""
        with self._database.write() as session:
            tied = session.get(ExternalIdentity, (identity.issuer, identity.subject))
            if tied is not None and tied.account_id != actor.account_id:
                raise InputRefused("access.oidc_taken")
            if tied is None:
                session.add(
                    ExternalIdentity(
                        issuer=identity.issuer, subject=identity.subject, account_id=actor.account_id
                    )
                )
                audit.append(session, actor.account_id, "identity.tied", actor.account_id)

    def untie(self, actor: Actor) -> int:
        """Untie every identity from the actor's account; returns how many."""
        with self._database.write() as session:
            mine = select(ExternalIdentity).where(ExternalIdentity.account_id == actor.account_id)
            found = session.scalars(mine).all()
            for tied in found:
                session.delete(tied)
            audit.append(
                session, actor.account_id, "identity.untied", actor.account_id, identities=len(found)
            )
            return len(found)

    def is_tied(self, actor: Actor) -> bool:
        with self._database.read() as session:
            mine = select(ExternalIdentity.subject).where(ExternalIdentity.account_id == actor.account_id)
            return session.scalars(mine).first() is not None
