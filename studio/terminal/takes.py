"""`app.py takes`: find and export what was generated."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from studio.terminal.clone import FORMATS

if TYPE_CHECKING:
    from studio.terminal.common import Terminal


def declare(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True)
    listing = actions.add_parser("list", help="the newest takes, or those that contain a text")
    listing.add_argument("search", nargs="?", default="")
    listing.add_argument("--favourites", action="store_true")
    listing.set_defaults(run=show)
    export = actions.add_parser("export", help="write a take to a file")
    export.add_argument("take_id")
    export.add_argument("out", type=Path)
    export.add_argument("--format", choices=FORMATS, default="wav")
    export.set_defaults(run=write)


def show(terminal: Terminal, given: argparse.Namespace) -> None:
    takes = terminal.studio.synthesis.takes.search(terminal.actor, given.search, favourites=given.favourites)
    rows = [
        (t.id, t.created_at[:16], t.voice_name, t.engine_id, f"{t.duration_s:.1f} s", t.text[:60])
        for t in takes
    ]
    terminal.table("take", "made", "voice", "engine", "length", "text", rows=rows)


def write(terminal: Terminal, given: argparse.Namespace) -> None:
    data, _type, _name = terminal.studio.synthesis.audio(terminal.actor, given.take_id, given.format)
    given.out.write_bytes(data)
    terminal.say(f"{given.out}: {len(data)} bytes")
