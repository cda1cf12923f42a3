"""Accounts: one-time links, server-side sessions, who may make what, and what the audit log keeps."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from studio.db.database import Database
from studio.db.tables import SignInLink, SignInSession
from studio.errors import LANGUAGES, InputRefused, NotFound, NotPermitted, SignInRequired
from studio.privacy import audit
from studio.privacy.access import Actor, Role
from studio.privacy.accounts import AccountService
from studio.settings import Settings


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(tmp_path / "studio.db")
    database.migrate()
    yield database
    database.close()


@pytest.fixture
def accounts(database: Database, tmp_path: Path) -> AccountService:
    return AccountService(database, Settings(storage=tmp_path))


@pytest.fixture
def admin(accounts: AccountService) -> Actor:
    return accounts.actor_of(accounts.ensure_administrator().id)


def ago(**span: float) -> str:
    return (datetime.now(UTC) - timedelta(**span)).isoformat(timespec="milliseconds")


def set_all(database: Database, table: type, **columns: str) -> None:
    with database.write() as session:
        for row in session.scalars(select(table)):
            for name, value in columns.items():
                setattr(row, name, value)


def test_the_first_start_makes_one_administrator_and_later_ones_find_it(accounts: AccountService) -> None:
    assert accounts.ensure_administrator().id == accounts.ensure_administrator().id


def test_a_link_opens_a_session_and_the_session_names_its_account(
    accounts: AccountService, admin: Actor
) -> None:
    rosa = accounts.create(admin, "rosa", Role.PRODUCER)
    session = accounts.redeem(accounts.sign_in_link("rosa"))
    actor = accounts.actor(session)
    assert (actor.account_id, actor.name, actor.role) == (rosa.id, "rosa", Role.PRODUCER)
    assert accounts.remembered(session) == actor and accounts.remembered("other") is None


def test_no_token_is_stored(accounts: AccountService, admin: Actor, database: Database) -> None:
    link = accounts.sign_in_link(admin.account_id)
    session = accounts.redeem(link)
    database.checkpoint()
    stored = database.file.read_bytes()
    assert link.encode() not in stored and session.encode() not in stored


def test_links_are_refused_each_for_its_reason(
    accounts: AccountService, admin: Actor, database: Database
) -> None:
    def key(token: str) -> str:
        with pytest.raises(SignInRequired) as refusal:
            accounts.redeem(token)
        assert all(refusal.value.text(language) for language in LANGUAGES)
        return refusal.value.key

    token = accounts.sign_in_link(admin.account_id)
    assert key(token[:-1]) == key("") == key(token + "x") == "web.link_short"
    assert key("A" * 43) == "web.link_unknown"
    accounts.redeem(token)
    assert key(token) == "web.link_used"
    revoked = accounts.sign_in_link(admin.account_id)
    assert accounts.revoke_links(admin.account_id) == 1
    assert key(revoked) == "web.link_revoked"
    old = accounts.sign_in_link(admin.account_id)
    set_all(database, SignInLink, expires_at=ago(seconds=1), revoked_at=None)
    assert key(old) == "web.link_expired"


def test_a_link_spent_by_ten_at_once_lets_one_in(accounts: AccountService, admin: Actor) -> None:
    token = accounts.sign_in_link(admin.account_id)

    def enter(_: int) -> bool:
        try:
            return bool(accounts.redeem(token))
        except SignInRequired:
            return False

    with ThreadPoolExecutor(10) as pool:
        assert sum(pool.map(enter, range(10))) == 1


def test_sessions_end_by_sign_out_by_time_and_by_closing_the_account(
    accounts: AccountService, admin: Actor, database: Database
) -> None:
    def ended(session: str) -> bool:
        try:
            return not accounts.actor(session)
        except SignInRequired:
            return True

    first, second = (accounts.redeem(accounts.sign_in_link(admin.account_id)) for _ in range(2))
    assert not ended(first) and not ended(second)
    accounts.sign_out(first)
    assert ended(first) and not ended(second)
    set_all(database, SignInSession, expires_at=ago(seconds=1))
    accounts._sessions.forget_all()  # as its few seconds would
    assert ended(second)
    rosa = accounts.create(admin, "rosa", "producer")
    third, unused = accounts.redeem(accounts.sign_in_link("rosa")), accounts.sign_in_link("rosa")
    accounts.disable(admin, "rosa")
    assert ended(third)
    with pytest.raises(SignInRequired):
        accounts.redeem(unused)
    with pytest.raises(SignInRequired):
        accounts.actor_of(rosa.id)


def test_only_administrators_make_accounts_and_links(accounts: AccountService, admin: Actor) -> None:
    rosa = accounts.actor_of(accounts.create(admin, "rosa", Role.PRODUCER).id)
    for forbidden in (
        lambda: accounts.create(rosa, "x", Role.ADMINISTRATOR),
        lambda: accounts.sign_in_link("admin", actor=rosa),
        lambda: accounts.revoke_links("admin", rosa),
        lambda: accounts.disable(rosa, "admin"),
        lambda: accounts.accounts(rosa),
    ):
        with pytest.raises(NotPermitted):
            forbidden()


@pytest.mark.parametrize("name", ["", "   ", "a" * 65, "a\x00b", "a\u202eb"])
def test_names_that_cannot_be_shown_are_refused(accounts: AccountService, admin: Actor, name: str) -> None:
    with pytest.raises(InputRefused, match="visible characters"):
        accounts.create(admin, name, Role.PRODUCER)


def test_names_and_roles_are_checked(accounts: AccountService, admin: Actor) -> None:
    accounts.create(admin, "rosa", Role.PRODUCER)
    for name, role, key in (("rosa", "producer", "web.account_taken"), ("b", "emperor", "web.account_role")):
        with pytest.raises(InputRefused) as refusal:
            accounts.create(admin, name, role)
        assert refusal.value.key == key
    with pytest.raises(NotFound):
        accounts.sign_in_link("nobody")
    with pytest.raises(InputRefused):
        accounts.disable(admin, "admin")


def test_an_account_named_like_anothers_id_does_not_stand_in_for_it(
    accounts: AccountService, admin: Actor
) -> None:
    accounts.create(admin, admin.account_id, Role.LISTENER)
    session = accounts.redeem(accounts.sign_in_link(admin.account_id))
    assert accounts.actor(session).account_id == admin.account_id


def test_the_language_is_kept_and_seen_at_once(accounts: AccountService, admin: Actor) -> None:
    session = accounts.redeem(accounts.sign_in_link(admin.account_id))
    assert accounts.actor(session).language == "it"
    assert accounts.set_language(admin, "en").language == "en"
    assert accounts.actor(session).language == "en"
    with pytest.raises(InputRefused):
        accounts.set_language(admin, "tlh")


def test_every_step_is_in_the_audit_log_without_names_or_tokens(
    accounts: AccountService, admin: Actor, database: Database
) -> None:
    accounts.create(admin, "rosa rossi", Role.PRODUCER)
    token = accounts.sign_in_link("rosa rossi", actor=admin)
    session = accounts.redeem(token)
    accounts.sign_out(session)
    accounts.sign_out(session)
    with database.read() as reading:
        events = list(audit.read(reading))
        assert audit.verify(reading).intact
    actions = [event.action for event in reversed(events)]
    assert actions == ["account.created"] * 2 + ["sign_in.link_made", "sign_in.opened", "sign_in.closed"]
    assert not any(word in str(events) for word in ("rosa", token, session))
