"""Accounts, one-time sign-in links and server-side sessions; only hashes of their tokens are kept."""

import secrets
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from studio.db.database import Database
from studio.db.tables import Account, SignInLink, SignInSession, now
from studio.errors import LANGUAGES, InputRefused, NotFound, SignInRequired
from studio.privacy import audit
from studio.privacy.access import Actor, Permission, Role
from studio.privacy.sessions import SessionCache
from studio.privacy.sign_in import TOKEN_BYTES, SignIns, open_session
from studio.privacy.sign_in import token_hash as _hash
from studio.settings import Settings

TOKEN_LENGTH = 43  # of 32 bytes in urlsafe base64 without padding
NAME_LIMIT = 64
PREFERENCES = ("engine", "format")
LINK_KEPT_DAYS = 30  # spent links stay this long, so that their message can say what became of them
TERMINAL = "terminal"  # the actor in the audit log when somebody at the machine's own keyboard acts


def _later(**span: float) -> str:
    return (datetime.now(UTC) + timedelta(**span)).isoformat(timespec="milliseconds")


def _actor(account: Account, default_language: str) -> Actor:
    language = account.language or default_language
    return Actor(account.id, account.name, Role(account.role), language, bool(account.language))


class AccountService:
    """Who may sign in and who is signed in. One transaction a call; every change is audited."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._settings = settings
        self.sessions = self._sessions = SessionCache()
        self.sign_ins = SignIns(database, self._sessions, settings.session_hours)

    def ensure_administrator(self) -> Account:
        """The first administrator that can sign in; made on the first start."""
        with self._database.write() as session:
            query = select(Account).where(
                Account.role == Role.ADMINISTRATOR.value, Account.disabled_at.is_(None)
            )
            account = session.scalars(query.order_by(Account.created_at).limit(1)).first()
            return account or self._add(session, TERMINAL, "admin", Role.ADMINISTRATOR)

    def create(self, actor: Actor, name: str, role: Role | str) -> Account:
        """A new account. InputRefused when the name is empty, too long or taken, or the role is unknown."""
        actor.require(Permission.ACCOUNTS)
        with self._database.write() as session:
            return self._add(session, actor.account_id, name, role)

    def _add(self, session: Session, by: str, name: str, role: Role | str) -> Account:
        clean = " ".join(name.split())
        if not clean or len(clean) > NAME_LIMIT or not clean.isprintable():
            raise InputRefused("web.account_name", limit=NAME_LIMIT)
        if role not in set(Role):
            raise InputRefused("web.account_role", role=role, roles=", ".join(Role))
        if session.scalars(select(Account.id).where(Account.name == clean)).first():
            raise InputRefused("web.account_taken", name=clean)
        account = Account(name=clean, role=Role(role).value)
        session.add(account)
        session.flush()
        audit.append(session, by, "account.created", account.id, role=account.role)
        return account

    def disable(self, actor: Actor, account: str) -> None:
        """Close an account: its links and sessions end now. Nobody can close their own."""
        actor.require(Permission.ACCOUNTS)
        with self._database.write() as session:
            row = self._find(session, account)
            if row.id == actor.account_id:
                raise InputRefused("web.account_own")
            row.disabled_at = now()
            session.execute(delete(SignInSession).where(SignInSession.account_id == row.id))
            self._revoke(session, row.id)
            audit.append(session, actor.account_id, "account.disabled", row.id)
        self._sessions.forget_all()

    def accounts(self, actor: Actor) -> list[Account]:
        """All accounts, by name."""
        actor.require(Permission.ACCOUNTS)
        with self._database.read() as session:
            return list(session.scalars(select(Account).order_by(Account.name)))

    def find(self, actor: Actor, account: str) -> Account:
        """The open account of this name or id; NotFound otherwise."""
        actor.require(Permission.ACCOUNTS)
        with self._database.read() as session:
            return self._find(session, account)

    def sign_in_link(self, account: str, minutes: float = 15, actor: Actor | None = None) -> str:
        """A new one-time token for the account of this name or id.

        `actor` None means the terminal: who can read the database file needs no permission from it.
        """
        if actor is not None:
            actor.require(Permission.ACCOUNTS)
        token = secrets.token_urlsafe(TOKEN_BYTES)
        with self._database.write() as session:
            row = self._find(session, account)
            session.add(
                SignInLink(token_hash=_hash(token), account_id=row.id, expires_at=_later(minutes=minutes))
            )
            by = actor.account_id if actor else TERMINAL
            audit.append(session, by, "sign_in.link_made", row.id, minutes=float(minutes))
        return token

    def revoke_links(self, account: str, actor: Actor | None = None) -> int:
        """End every unused link of the account; returns how many."""
        if actor is not None:
            actor.require(Permission.ACCOUNTS)
        with self._database.write() as session:
            row = self._find(session, account)
            count = self._revoke(session, row.id)
            by = actor.account_id if actor else TERMINAL
            audit.append(session, by, "sign_in.links_revoked", row.id, links=count)
        return count

    @staticmethod
    def _revoke(session: Session, account_id: str) -> int:
        unused = select(SignInLink).where(
            SignInLink.account_id == account_id, SignInLink.used_at.is_(None), SignInLink.revoked_at.is_(None)
        )
        links = list(session.scalars(unused))
        for link in links:
            link.revoked_at = now()
        return len(links)

    @staticmethod
    def _find(session: Session, account: str) -> Account:
        # The id first: an account named like another's id must not stand in for it.
        by_name = select(Account).where(Account.name == account)
        row = session.get(Account, account) or session.scalars(by_name).first()
        if row is None or row.disabled_at is not None:
            raise NotFound("web.account_unknown", name=account[:NAME_LIMIT])
        return row

    def redeem(self, token: str, browser: str = "") -> str:
        """Spend a one-time link and return the token of a new session.

        SignInRequired when the link is cut short, unknown, used, revoked or expired.
        """
        if len(token) != TOKEN_LENGTH:
            raise SignInRequired("web.link_short")
        with self._database.write() as session:
            link = self._valid_link(session, token)
            link.used_at = now()
            hours = self._settings.session_hours
            opened = open_session(session, link.account_id, hours, "link", browser)
            self._tidy(session)
        return opened

    @staticmethod
    def _valid_link(session: Session, token: str) -> SignInLink:
        link = session.get(SignInLink, _hash(token))
        account = session.get(Account, link.account_id) if link else None
        if link is None or account is None or account.disabled_at is not None:
            raise SignInRequired("web.link_unknown")
        if link.used_at is not None:
            raise SignInRequired("web.link_used")
        if link.revoked_at is not None:
            raise SignInRequired("web.link_revoked")
        if link.expires_at <= now():
            raise SignInRequired("web.link_expired")
        return link

    @staticmethod
    def _tidy(session: Session) -> None:
        """Drop ended sessions and links that are long spent."""
        session.execute(delete(SignInSession).where(SignInSession.expires_at <= now()))
        session.execute(delete(SignInLink).where(SignInLink.expires_at <= _later(days=-LINK_KEPT_DAYS)))

    def remembered(self, session_token: str) -> Actor | None:
        """`actor` when it was asked within the last seconds; never touches the database."""
        return self._sessions.get(_hash(session_token))

    def actor(self, session_token: str) -> Actor:
        """Who holds this session. SignInRequired when it is unknown, ended or signed out.

        Answers are kept a few seconds; `sign_out`, `disable` and `set_language` take effect at once.
        """
        key = _hash(session_token)
        known = self._sessions.get(key)
        if known is not None:
            return known
        with self._database.read() as session:
            row = session.get(SignInSession, key)
            account = session.get(Account, row.account_id) if row else None
        if row is None or account is None or account.disabled_at is not None or row.expires_at <= now():
            raise SignInRequired("web.session_ended")
        return self._sessions.put(key, _actor(account, self._settings.language))

    def actor_of(self, account_id: str) -> Actor:
        """The actor of an account id (the name under which the pages see their visitor)."""
        with self._database.read() as session:
            account = session.get(Account, account_id)
        if account is None or account.disabled_at is not None:
            raise SignInRequired("web.session_ended")
        return _actor(account, self._settings.language)

    def sign_out(self, session_token: str) -> None:
        """End this session; ending one that has ended is no error."""
        key = _hash(session_token)
        with self._database.write() as session:
            row = session.get(SignInSession, key)
            if row is not None:
                session.delete(row)
                audit.append(session, row.account_id, "sign_in.closed", row.account_id)
        self._sessions.forget_all()

    def set_language(self, actor: Actor, language: str) -> Actor:
        """Change the account's language; returns the actor as it is now."""
        if language not in LANGUAGES:
            raise InputRefused("web.account_language", language=language, languages=", ".join(LANGUAGES))
        with self._database.write() as session:
            account = self._find(session, actor.account_id)
            account.language = language
            audit.append(session, actor.account_id, "account.language", actor.account_id, language=language)
        self._sessions.forget_all()
        return _actor(account, self._settings.language)

    def preferences(self, actor: Actor) -> dict[str, str]:
        """What the account chose: "language" (empty: not yet), "engine", "format"."""
        with self._database.read() as session:
            account = self._find(session, actor.account_id)
            kept = {name: str(account.preferences.get(name, "")) for name in PREFERENCES}
            return kept | {"language": account.language}

    def prefer(self, actor: Actor, name: str, value: str) -> None:
        """Keep one of PREFERENCES; an empty value forgets it. InputRefused for another name or a long value."""
        if name not in PREFERENCES or len(value) > NAME_LIMIT:
            raise InputRefused("web.account_preference", name=name[:NAME_LIMIT], known=", ".join(PREFERENCES))
        with self._database.write() as session:
            account = self._find(session, actor.account_id)
            account.preferences = {**account.preferences, name: value}
