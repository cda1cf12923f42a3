"""What every table shares: the base class, identifiers, the clock."""

import secrets
from datetime import UTC, datetime

from sqlalchemy.orm import DeclarativeBase, MappedAsDataclass


def now() -> str:
    """The time in UTC to the millisecond; sorts as text."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def new_id(prefix: str) -> str:
    """An opaque identifier of 96 random bits, e.g. ``voc_3f...``: never a name, never a counter."""
    return f"{prefix}_{secrets.token_hex(12)}"


class Base(MappedAsDataclass, DeclarativeBase, kw_only=True):
    """The base of all tables: keyword-only dataclasses."""
