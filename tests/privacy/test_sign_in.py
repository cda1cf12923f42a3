"""Passwords, open sign-ins and outside identities."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from studio.db.database import Database
from studio.db.tables import Password
from studio.errors import InputRefused, NotFound, NotPermitted, SignInRequired
from studio.privacy import audit
from studio.privacy.access import Actor, Role
from studio.privacy.accounts import AccountService
from studio.privacy.passwords import Passwords
from studio.privacy.sign_in import Identity, SignIns
from studio.settings import Settings

GOOD = "corretto cavallo batteria graffetta"
OTHER = "quattro parole scelte a caso"
IDENTITY = Identity("https://login.example", "42", "Rosa Rossi")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(tmp_path / "studio.db")
    database.migrate()
    yield database
    database.close()


@pytest.fixture
def accounts(database: Database, tmp_path: Path) -> AccountService:
    service = AccountService(database, Settings(storage=tmp_path))
    cheap = Passwords(PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
    service.sign_ins = SignIns(database, service._sessions, 12, cheap)
    return service


@pytest.fixture
def ways(accounts: AccountService) -> SignIns:
    return accounts.sign_ins


@pytest.fixture
def admin(accounts: AccountService) -> Actor:
    return accounts.actor_of(accounts.ensure_administrator().id)


@pytest.fixture
def rosa(accounts: AccountService, admin: Actor) -> Actor:
    return accounts.actor_of(accounts.create(admin, "rosa", Role.PRODUCER).id)


def test_a_password_opens_and_only_its_hash_is_kept(
    accounts: AccountService, ways: SignIns, rosa: Actor, database: Database
) -> None:
    assert not ways.has_password(rosa)
    ways.set_password(rosa, GOOD, GOOD)
    assert ways.has_password(rosa)
    assert accounts.actor(ways.by_password(" rosa ", GOOD)) == rosa
    with database.read() as session:
        kept = session.get_one(Password, rosa.account_id).encoded
    assert kept.startswith("$argon2id$") and GOOD not in kept
    for file in database.file.parent.glob("studio.db*"):
        assert GOOD.encode() not in file.read_bytes()


def test_the_real_hash_costs_what_the_standard_asks() -> None:
    encoded = Passwords().encode(GOOD, "rosa")
    assert encoded.startswith("$argon2id$v=19$m=65536,t=3,p=4$")


def test_attack_34_wrong_name_wrong_password_and_no_password_look_and_last_alike(
    accounts: AccountService, ways: SignIns, rosa: Actor, admin: Actor
) -> None:
    class Counting(PasswordHasher):
        """Notes what it compares with: the work follows from the parameters in there, not from the outcome."""

        def verify(self, hash: str | bytes, password: str | bytes) -> bool:
            compared.append(str(hash).rsplit("$", 2)[0])
            return super().verify(hash, password)

    compared: list[str] = []
    ways._passwords = Passwords(Counting(time_cost=1, memory_cost=64, parallelism=1))
    ways.set_password(rosa, GOOD, GOOD)
    accounts.create(admin, "bare", Role.PRODUCER)
    texts = set()
    for name in ("rosa", "bare", "nobody"):
        with pytest.raises(SignInRequired) as caught:
            ways.by_password(name, OTHER)
        texts.add(caught.value.text("en"))
    assert len(texts) == 1
    assert compared == ["$argon2id$v=19$m=64,t=1,p=1"] * 3


@pytest.mark.parametrize(
    "weak", ["short", "a" * 20, "x" * 300, "my rosa password 1", "abcabcabcabcabc", "tab\there and there"]
)
def test_passwords_that_can_be_guessed_are_refused(ways: SignIns, rosa: Actor, weak: str) -> None:
    with pytest.raises(InputRefused) as caught:
        ways.set_password(rosa, weak, weak)
    assert caught.value.key == "access.password_weak"


def test_changing_needs_the_present_one_and_ends_the_other_sign_ins(
    accounts: AccountService, ways: SignIns, rosa: Actor
) -> None:
    ways.set_password(rosa, GOOD, GOOD)
    here, there = ways.by_password("rosa", GOOD), ways.by_password("rosa", GOOD)
    with pytest.raises(InputRefused, match="not the same"):
        ways.set_password(rosa, OTHER, OTHER + "x", GOOD)
    with pytest.raises(InputRefused, match="present password"):
        ways.set_password(rosa, OTHER, OTHER, "wrong", here)
    ways.set_password(rosa, OTHER, OTHER, GOOD, here)
    assert accounts.actor(here) == rosa
    with pytest.raises(SignInRequired):
        accounts.actor(there)
    with pytest.raises(SignInRequired):
        ways.by_password("rosa", GOOD)


def test_a_closed_account_and_a_removed_password_open_nothing(
    accounts: AccountService, ways: SignIns, rosa: Actor, admin: Actor
) -> None:
    ways.set_password(rosa, GOOD, GOOD)
    with pytest.raises(NotPermitted):
        ways.remove_password(rosa, admin.account_id)
    ways.remove_password(admin, rosa.account_id)
    with pytest.raises(SignInRequired):
        ways.by_password("rosa", GOOD)
    ways.set_password(rosa, GOOD, GOOD)
    accounts.disable(admin, "rosa")
    with pytest.raises(SignInRequired):
        ways.by_password("rosa", GOOD)


def test_sign_ins_are_listed_and_ended_one_by_one_and_all_at_once(
    accounts: AccountService, ways: SignIns, rosa: Actor, admin: Actor
) -> None:
    ways.set_password(rosa, GOOD, GOOD)
    first = accounts.redeem(accounts.sign_in_link("rosa"), "Firefox, Linux")
    second = ways.by_password("rosa", GOOD, "Chrome, Windows")
    listed = ways.sessions(rosa, second)
    assert {(s.way, s.browser, s.current) for s in listed} == {
        ("link", "Firefox, Linux", False),
        ("password", "Chrome, Windows", True),
    }
    assert not any(token in str(listed) for token in (first, second))
    with pytest.raises(NotFound):
        ways.end(admin, listed[0].id)
    ways.end(rosa, next(s.id for s in listed if not s.current))
    with pytest.raises(SignInRequired):
        accounts.actor(first)
    third = ways.by_password("rosa", GOOD)
    assert ways.end_all(rosa, keep_token=third) == 1
    assert accounts.actor(third) == rosa
    with pytest.raises(NotPermitted):
        ways.end_all(rosa, admin.account_id)
    assert ways.end_all(admin, rosa.account_id) == 1
    with pytest.raises(SignInRequired):
        accounts.actor(third)


def test_an_identity_opens_the_account_it_was_tied_to_and_no_other(
    accounts: AccountService, ways: SignIns, rosa: Actor, admin: Actor
) -> None:
    with pytest.raises(SignInRequired, match="not yet"):
        ways.by_identity(IDENTITY)
    ways.tie(rosa, IDENTITY)
    ways.tie(rosa, IDENTITY)
    with pytest.raises(InputRefused):
        ways.tie(admin, IDENTITY)
    assert ways.is_tied(rosa) and not ways.is_tied(admin)
    assert accounts.actor(ways.by_identity(IDENTITY)) == rosa
    assert ways.untie(rosa) == 1
    with pytest.raises(SignInRequired):
        ways.by_identity(IDENTITY)


def test_a_newcomer_never_gets_an_account_that_is_there(
    accounts: AccountService, ways: SignIns, admin: Actor
) -> None:
    taken = Identity("https://login.example", "7", "admin")
    actor = accounts.actor(ways.by_identity(taken, "listener"))
    assert actor.name == "admin 2" and actor.role is Role.LISTENER and actor.account_id != admin.account_id
    assert accounts.actor(ways.by_identity(taken, "listener")) == actor


def test_every_step_is_audited_and_no_name_typed_is_kept(
    ways: SignIns, rosa: Actor, database: Database
) -> None:
    ways.set_password(rosa, GOOD, GOOD)
    for name in ("rosa", "my password by mistake"):
        with pytest.raises(SignInRequired):
            ways.by_password(name, OTHER)
    with database.read() as session:
        events = list(audit.read(session))
    assert [e.subject for e in events if e.action == "sign_in.refused"] == ["unknown", rosa.account_id]
    assert not any(word in str(events) for word in ("mistake", GOOD, OTHER))
