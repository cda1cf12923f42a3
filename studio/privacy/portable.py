"""A speaker's rows, taken out of a copy of the database and sealed; and put back.

What belongs to a speaker is what hangs on the speaker's row by foreign keys. It leaves the copy by the
database's own rules (cascades, SET NULL, triggers), as an erasure would; so a copy without the sealed parts is
the database after that erasure.
"""

import base64
import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

Row = dict[str, Any]
ROOT = "speaker"


@dataclass(frozen=True)
class Edge:
    """A foreign key: `table.column` points to `target.target_column`; `kept` when the row outlives its target."""

    table: str
    number: int  # among the table's keys, as SQLite counts them
    column: str
    target: str
    target_column: str
    kept: bool


@dataclass
class Belongings:
    """Rows that go with a speaker, by table and rowid; and rows that stay but forget the speaker."""

    own: dict[str, dict[int, Row]] = field(default_factory=dict)
    touched: dict[str, dict[int, Row]] = field(default_factory=dict)

    def as_json(self) -> bytes:
        return json.dumps({"own": self.own, "touched": self.touched}, default=_packed).encode()

    @classmethod
    def from_json(cls, data: bytes) -> "Belongings":
        found = json.loads(data, object_hook=_unpacked)
        parts = {
            name: {
                table: {int(rowid): row for rowid, row in rows.items()} for table, rows in found[name].items()
            }
            for name in ("own", "touched")
        }
        return cls(**parts)


def _packed(value: object) -> object:
    if isinstance(value, bytes):
        return {"base64": base64.b64encode(value).decode()}
    raise TypeError(type(value).__name__)


def _unpacked(value: dict[str, Any]) -> Any:
    return base64.b64decode(value["base64"]) if value.keys() == {"base64"} else value


def edges(connection: sqlite3.Connection) -> list[Edge]:
    """Every foreign key of the database."""
    tables = [row[0] for row in connection.execute("select name from sqlite_master where type = 'table'")]
    found = []
    for table in tables:
        for row in connection.execute(f'pragma foreign_key_list("{table}")'):
            target_column = row[4] or _key_of(connection, row[2])
            found.append(Edge(table, row[0], row[3], row[2], target_column, row[6] == "SET NULL"))
    return found


def _key_of(connection: sqlite3.Connection, table: str) -> str:
    columns = connection.execute(f'pragma table_info("{table}")')
    return str(next(row[1] for row in columns if row[5] == 1))


def belongings(connection: sqlite3.Connection, speaker_id: str) -> Belongings:
    """Everything that hangs on the speaker; the speaker's own row, a pseudonym, stays where it is."""
    found, known = Belongings(), edges(connection)
    todo: list[tuple[str, Row]] = [(ROOT, {"id": speaker_id})]
    while todo:
        table, row = todo.pop()
        for edge in known:
            if edge.target != table:
                continue
            for rowid, child in _children(connection, edge, row[edge.target_column]):
                bag = found.touched if edge.kept else found.own
                if rowid in bag.setdefault(edge.table, {}):
                    continue
                bag[edge.table][rowid] = child
                if not edge.kept:
                    todo.append((edge.table, child))
    return found


def _children(connection: sqlite3.Connection, edge: Edge, value: object) -> Iterator[tuple[int, Row]]:
    query = f'select rowid as _rowid, * from "{edge.table}" where "{edge.column}" = ?'
    cursor = connection.cursor()
    cursor.row_factory = sqlite3.Row  # of this cursor alone: the connection may be somebody else's
    for row in cursor.execute(query, (value,)).fetchall():
        cells = dict(row)
        yield cells.pop("_rowid"), cells


def take_out(connection: sqlite3.Connection, found: Belongings) -> None:
    """Delete the rows, in one transaction, by the database's own rules."""
    connection.execute("pragma foreign_keys = on")
    connection.execute("pragma recursive_triggers = on")
    connection.execute("begin immediate")
    connection.execute("pragma defer_foreign_keys = on")
    for table, rows in found.own.items():
        connection.executemany(f'delete from "{table}" where rowid = ?', [(rowid,) for rowid in rows])
    connection.execute("commit")


def put_back(connection: sqlite3.Connection, found: Belongings) -> None:
    """Insert the rows where they were, and let the touched ones know the speaker again."""
    connection.execute("pragma foreign_keys = off")
    connection.execute("begin immediate")
    for table, rows in found.own.items():
        for rowid, row in rows.items():
            names = ", ".join(f'"{name}"' for name in row)
            marks = ", ".join("?" * len(row))
            connection.execute(
                f'insert or ignore into "{table}" (rowid, {names}) values (?, {marks})',
                (rowid, *row.values()),
            )
    for table, rows in found.touched.items():
        for rowid, row in rows.items():
            settings = ", ".join(f'"{name}" = ?' for name in row)
            connection.execute(f'update "{table}" set {settings} where rowid = ?', (*row.values(), rowid))
    connection.execute("commit")


def mend(connection: sqlite3.Connection) -> int:
    """Deal with rows whose target did not come back, as their foreign keys say; returns how many."""
    kept = {(edge.table, edge.number): edge for edge in edges(connection) if edge.kept}
    connection.execute("pragma foreign_keys = off")
    count = 0
    while broken := connection.execute("pragma foreign_key_check").fetchall():
        connection.execute("begin immediate")
        for table, rowid, _, number in broken:
            edge = kept.get((table, number))
            change = (
                f'update "{table}" set "{edge.column}" = null where rowid = ?'
                if edge
                else f'delete from "{table}" where rowid = ?'
            )
            connection.execute(change, (rowid,))
        connection.execute("commit")
        count += len(broken)
    return count
