"""`app.py audit`: read, verify and export the log and its signed heads."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from studio.terminal.common import Terminal

BROKEN = {
    "chain": "the audit log was tampered with at entry {at}",
    "tail": "the audit log has lost its end: entry {at} was signed and is missing",
    "head": "the audit log was tampered with: entry {at} is not the one that was signed",
    "signature": "the head of entry {at} is not signed by this studio",
}


def declare(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True)
    check = actions.add_parser("verify", help="walk the whole chain, and hold it against the signed heads")
    check.add_argument("--heads", type=Path, help="a file of heads that was kept elsewhere, too")
    check.set_defaults(run=verify)
    show = actions.add_parser("show", help="the newest entries")
    show.add_argument("--limit", type=int, default=30)
    show.set_defaults(run=read)
    export = actions.add_parser("export", help="entries as CSV or JSON")
    export.add_argument("file", type=Path, help="a name ending in .csv or .json")
    for name in ("text", "actor", "action", "since", "until"):
        export.add_argument(f"--{name}", default="")
    export.set_defaults(run=write)
    heads = actions.add_parser(
        "heads", help="add the signed head, as it is now, to a file to be kept elsewhere"
    )
    heads.add_argument("file", type=Path)
    heads.set_defaults(run=sign)


def verify(terminal: Terminal, given: argparse.Namespace) -> None:
    from studio.privacy.heads import read_heads

    more = read_heads(given.heads.read_bytes()) if given.heads else []
    verdict = terminal.studio.audit.verify(terminal.actor, more)
    if not verdict.intact:
        raise ValueError(BROKEN[verdict.reason].format(at=verdict.broken_at))
    terminal.say(f"intact: {verdict.entries} entries, head {verdict.head}")
    if verdict.lost_after is not None:
        terminal.say(f"A restored backup ended at entry {verdict.lost_after}: what came after it was lost.")


def read(terminal: Terminal, given: argparse.Namespace) -> None:
    events = terminal.studio.audit.read(terminal.actor, given.limit)
    rows = [(str(e.seq), e.at[:19], e.actor, e.action, e.subject) for e in events]
    terminal.table("#", "at", "actor", "action", "subject", rows=rows)


def write(terminal: Terminal, given: argparse.Namespace) -> None:
    from studio.privacy.audit import AuditQuery

    query = AuditQuery(given.text, given.actor, given.action, given.since, given.until)
    ending = given.file.suffix.removeprefix(".")
    data, _, _ = terminal.studio.audit.export(terminal.actor, query, ending)
    given.file.write_bytes(data)
    terminal.say(f"{given.file}: {len(data)} bytes")


def sign(terminal: Terminal, given: argparse.Namespace) -> None:
    signed = terminal.studio.audit.head(terminal.actor)
    with given.file.open("a", encoding="utf-8") as file:
        file.write(json.dumps(signed.as_json(), sort_keys=True) + "\n")
    terminal.say(f"{given.file}: entry {signed.head.seq}, {signed.head.hash}")
