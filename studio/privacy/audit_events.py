"""An entry of the audit log as people read it."""

from dataclasses import dataclass

Fact = str | int | float | bool | None | list[str]


@dataclass(frozen=True)
class AuditEvent:
    """One line of the log as people read it."""

    seq: int
    at: str
    actor: str
    action: str
    subject: str
    facts: dict[str, Fact]
