"""The audit log as files for other people's tools."""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict

from studio.privacy.audit_events import AuditEvent
from studio.privacy.heads import SignedHead

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
COLUMNS = ("seq", "at", "actor", "action", "subject", "facts")


def neutral(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula (OWASP: CSV injection)."""
    return "'" + cell if cell.startswith(FORMULA) else cell


def to_csv(events: Sequence[AuditEvent]) -> bytes:
    """One line an entry; UTF-8 with a mark, as spreadsheets want it."""
    sheet = io.StringIO()
    writer = csv.writer(sheet)
    writer.writerow(COLUMNS)
    for event in events:
        facts = " ".join(f"{name}={value}" for name, value in event.facts.items())
        words = (event.at, event.actor, event.action, event.subject, facts)
        writer.writerow([event.seq, *map(neutral, words)])
    return b"\xef\xbb\xbf" + sheet.getvalue().encode()


def to_json(events: Sequence[AuditEvent], head: SignedHead) -> bytes:
    """The entries, and the signed head of the whole log as it stood."""
    document = {"signed_head": head.as_json(), "entries": [asdict(event) for event in events]}
    return json.dumps(document, ensure_ascii=False, indent=1).encode()
