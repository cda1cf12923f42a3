"""`app.py backup`: everything but keys and models, in one file."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from studio.terminal.common import Terminal


def declare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, help="the file to write, or to check")
    parser.add_argument("--check", action="store_true", help="read a backup and compare every sum instead")
    parser.set_defaults(run=run)


def run(terminal: Terminal, given: argparse.Namespace) -> None:
    if given.check:
        check(terminal, given.file)
        return
    with terminal.bar("backup") as bar:
        actor = terminal.actor.account_id
        view = terminal.studio.backups.write(actor, given.file, lambda done, total: bar.move(done / total))
    size = f"{view.size_bytes / 1e6:.1f} MB"
    terminal.say(f"{given.file}: {size}, {view.assets} sealed files, {view.speakers} speakers")
    terminal.say("It holds no keys, and cannot be opened without them: `app.py keys save FILE` saves those.")


def check(terminal: Terminal, file: Path) -> None:
    from studio.privacy import restore

    manifest = restore.check(file)
    total = f"{len(manifest.entries)} parts, {len(manifest.speakers)} speakers"
    terminal.say(
        f"whole: {total}, of {manifest.created_at[:19]}, audit log at entry {manifest.audit_entries}"
    )
