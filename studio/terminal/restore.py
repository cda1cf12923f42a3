"""`app.py restore`: a backup into an empty storage folder."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from studio.terminal.common import Terminal


def declare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, help="a backup")
    parser.set_defaults(run=run)


def run(terminal: Terminal, given: argparse.Namespace) -> None:
    from studio.privacy.restore import restore  # never through the studio: opening it would fill the folder

    view = restore(terminal.settings, "terminal", given.file, terminal.say)
    terminal.say(
        f"restored the backup of {view.created_at[:19]}: {view.assets} sealed files, {view.speakers} speakers"
    )
    if view.left_out:
        terminal.say(f"left out, for their keys are gone (erased since): {', '.join(view.left_out)}")
    terminal.say("`app.py audit verify` says where the log stands.")
