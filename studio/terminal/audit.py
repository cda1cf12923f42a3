"""`app.py audit`: read and verify the log."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from studio.terminal.common import Terminal


def declare(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("verify", help="walk the whole chain").set_defaults(run=verify)
    show = actions.add_parser("show", help="the newest entries")
    show.add_argument("--limit", type=int, default=30)
    show.set_defaults(run=read)


def verify(terminal: Terminal, given: argparse.Namespace) -> None:
    verdict = terminal.studio.audit.verify(terminal.actor)
    if not verdict.intact:
        raise ValueError(f"the audit log was tampered with at entry {verdict.broken_at}")
    terminal.say(f"intact: {verdict.entries} entries, head {verdict.head}")


def read(terminal: Terminal, given: argparse.Namespace) -> None:
    events = terminal.studio.audit.read(terminal.actor, given.limit)
    rows = [(str(e.seq), e.at[:19], e.actor, e.action, e.subject) for e in events]
    terminal.table("#", "at", "actor", "action", "subject", rows=rows)
