"""The audit chain grows and is never changed."""

from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from studio.db.database import Database
from studio.privacy import audit


@pytest.fixture
def database(tmp_path: Path) -> Database:
    database = Database(tmp_path / "studio.db")
    database.migrate()
    with database.write() as session:
        for number in range(5):
            audit.append(session, "acc_x", "voice.enrolled", f"voc_{number}", number=number)
    return database


def test_an_untouched_chain_verifies_and_reads_newest_first(database: Database) -> None:
    with database.read() as session:
        verdict = audit.verify(session)
        assert verdict.intact and verdict.entries == 5
        assert [event.seq for event in audit.read(session, limit=3)] == [5, 4, 3]


@pytest.mark.parametrize(
    "attack",
    [
        "UPDATE audit_entry SET body = 'x' WHERE seq = 3",
        "DELETE FROM audit_entry WHERE seq = 5",
        "INSERT OR REPLACE INTO audit_entry VALUES (3, 'a', 'b', 'c')",
    ],
)
def test_the_database_refuses_to_change_an_entry(database: Database, attack: str) -> None:
    with pytest.raises(IntegrityError), database.write() as session:
        session.execute(text(attack))


def test_an_edit_behind_the_triggers_back_is_found(database: Database) -> None:
    with database.write() as session:
        session.execute(text("DROP TRIGGER audit_entry_no_update"))
        session.execute(text("UPDATE audit_entry SET body = replace(body, 'voc_2', 'voc_9') WHERE seq = 3"))
    with database.read() as session:
        assert audit.verify(session).broken_at == 3


def test_a_removed_middle_is_found(database: Database) -> None:
    with database.write() as session:
        session.execute(text("DROP TRIGGER audit_entry_no_delete"))
        session.execute(text("DELETE FROM audit_entry WHERE seq = 2"))
    with database.read() as session:
        assert audit.verify(session).broken_at == 3


def test_concurrent_writers_keep_one_chain(database: Database) -> None:
    import threading

    def write(name: str) -> None:
        for _ in range(20):
            with database.write() as session:
                audit.append(session, name, "take.made", "tak")

    threads = [threading.Thread(target=write, args=(f"acc_{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.read() as session:
        verdict = audit.verify(session)
    assert verdict.intact and verdict.entries == 85
