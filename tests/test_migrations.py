"""The database comes along: a studio of the first release keeps its data through every revision."""

import sqlite3
from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from studio.db.database import MIGRATIONS, Database
from studio.db.tables import Base


def upgrade(file: Path, revision: str) -> None:
    engine = create_engine(f"sqlite:///{file}")
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    engine.dispose()


def test_data_of_the_first_revision_survives_the_newest(tmp_path: Path) -> None:
    file = tmp_path / "studio.db"
    upgrade(file, "0001")
    with sqlite3.connect(file) as old:
        assert "evaluation_run" not in {row[0] for row in old.execute("select name from sqlite_master")}
        old.execute("insert into account values ('acc_1', 'Ada', 'producer', 'it', '{}', '2026-01-01', null)")
        old.execute("insert into speaker values ('spk_1', 'self', 'acc_1', '2026-01-01', null)")
        old.execute("insert into voice values ('voc_1', 'spk_1', 'acc_1', 'Ada', 'it', '2026-01-01')")
        old.execute("insert into audit_entry values (1, 'p', 'h', '{}')")
    database = Database(file)
    database.migrate()
    database.close()
    with sqlite3.connect(file) as now:
        assert now.execute("select name from voice").fetchall() == [("Ada",)]
        assert now.execute("select count(*) from evaluation_run").fetchone() == (0,)
        assert now.execute("select count(*) from metric_score").fetchone() == (0,)
        triggers = {row[0] for row in now.execute("select name from sqlite_master where type = 'trigger'")}
        assert {"audit_entry_no_update", "audit_entry_no_delete"} <= triggers


def test_the_revisions_make_exactly_the_tables_the_code_declares(tmp_path: Path) -> None:
    file = tmp_path / "studio.db"
    upgrade(file, "head")
    engine = create_engine(f"sqlite:///{file}")
    with engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), Base.metadata)
    engine.dispose()
    assert differences == []
