"""The SQLite database: engine, pragmas, read and write transactions, migrations."""

import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, event, text
from sqlalchemy.orm import Session

MIGRATIONS = Path(__file__).parent / "migrations"
# recursive_triggers: without it INSERT OR REPLACE slips past the audit table's delete trigger.
# secure_delete: freed pages are overwritten, so an erased row does not stay readable in the file.
PRAGMAS = (
    "journal_mode=WAL",
    "foreign_keys=ON",
    "busy_timeout=15000",
    "recursive_triggers=ON",
    "secure_delete=ON",
)


def _on_connect(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # SQLAlchemy's BEGIN below is the only one
    for pragma in PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")
    connection.create_function("folded", 1, folded, deterministic=True)


def folded(text: str | None) -> str | None:
    """Text as it is searched: without case in every alphabet (SQLite's own LIKE knows ASCII only), accents
    composed. Queries call it as ``func.folded(column)``.
    """
    return None if text is None else unicodedata.normalize("NFC", text).casefold()


class Database:
    """One SQLite file. `read()` sees a snapshot; `write()` is one immediate transaction."""

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        self.file = file
        self._engine = create_engine(f"sqlite:///{file}", pool_size=16, max_overflow=32)
        event.listen(self._engine, "connect", _on_connect)
        event.listen(self._engine, "begin", self._begin)
        self._hearers: list[Callable[[dict[Any, Any]], None]] = []

    def after_write(self, hear: Callable[[dict[Any, Any]], None]) -> None:
        """Call `hear` with a session's `info` after each transaction that was committed."""
        self._hearers.append(hear)

    @staticmethod
    def _begin(connection: Any) -> None:
        # Immediate: a writer queues at BEGIN instead of failing when it upgrades a read lock.
        mode = connection.get_execution_options().get("begin", "DEFERRED")
        connection.exec_driver_sql(f"BEGIN {mode}")

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session for reading; nothing is committed."""
        with Session(self._engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A session in one immediate transaction: committed at the end, rolled back on any error."""
        engine = self._engine.execution_options(begin="IMMEDIATE")
        with Session(engine, expire_on_commit=False) as session, session.begin():
            yield session
        for hear in self._hearers:
            hear(session.info)

    def migrate(self) -> None:
        """Bring the schema to the newest revision."""
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        with self._engine.connect() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")

    def checkpoint(self) -> bool:
        """Fold the -wal file into the database and empty it, so that erased rows are gone from both.

        Waits for readers as long as any writer does; False when one still held the file then.
        """
        with self._engine.connect() as connection:
            connection.rollback()
            raw = connection.connection.dbapi_connection
            assert raw is not None
            busy, _, _ = raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            return not busy

    def size_bytes(self) -> int:
        with self.read() as session:
            pages = session.execute(text("PRAGMA page_count")).scalar_one()
            return int(pages) * int(session.execute(text("PRAGMA page_size")).scalar_one())

    def close(self) -> None:
        self._engine.dispose()
