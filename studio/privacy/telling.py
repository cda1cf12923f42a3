"""What a room says of a speaker: what it holds, its rows for the export, and files that lie outside the vault."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from studio.db.tables import Base

FILES, DATABASE, RUNS = "files", "database", "runs"


@dataclass(frozen=True)
class Held:
    """One kind of thing that is held of a speaker. `where` is "files", "database" or "runs"."""

    kind: str
    count: int
    size_bytes: int
    where: str


@dataclass(frozen=True)
class HeldFile:
    """A file that is not in the vault: its name in the export, and how it is read (into memory, in plain)."""

    name: str
    read: Callable[[], bytes]


class Teller(ABC):
    """One room's part of a speaker's file. Every table with a speaker's data is told by one of them
    (tests/privacy/test_dossier.py walks the foreign keys).
    """

    @abstractmethod
    def held(self, session: Session, speaker_id: str) -> Iterable[Held]:
        """Kinds and counts, cheaply: nothing is opened."""

    @abstractmethod
    def data(self, session: Session, speaker_id: str) -> dict[str, Any]:
        """The rows as JSON, sealed texts opened."""

    def files(self, session: Session, speaker_id: str) -> Iterable[HeldFile]:
        """Files outside the vault; those in it are exported with the speaker's key set."""
        return ()


def told(row: Base, *left_out: str) -> dict[str, Any]:
    """A row as it stands, every column of it but secrets and what is opened elsewhere (`left_out`)."""
    values = {column.key: getattr(row, column.key) for column in row.__mapper__.column_attrs}
    return {name: _plain(value) for name, value in values.items() if name not in left_out}


def all_told(session: Session, query: Select[Any], left_out: Collection[str] = ()) -> list[dict[str, Any]]:
    return [told(row, *left_out) for row in session.scalars(query)]


def counted(session: Session, query: Select[Any], kind: str) -> Iterable[Held]:
    """How many rows there are; nothing for none."""
    count = session.scalar(select(func.count()).select_from(query.subquery())) or 0
    return [Held(kind, count, 0, DATABASE)] if count else []


def _plain(value: object) -> object:
    return f"sha256:{hashlib.sha256(value).hexdigest()}" if isinstance(value, bytes) else value
