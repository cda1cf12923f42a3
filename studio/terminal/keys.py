"""`app.py keys`: the master key and the speakers' keys: how they stand, exchange, save, load."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from studio.terminal.common import Terminal


def declare(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("status", help="how the keys stand").set_defaults(run=status)
    actions.add_parser("rotate", help="exchange the master key; safe to interrupt").set_defaults(run=rotate)
    save = actions.add_parser("save", help="every key into one file, sealed with a passphrase")
    load = actions.add_parser("load", help="saved keys into an empty key folder")
    for command, run in ((save, keep), (load, bring)):
        command.add_argument("file", type=Path)
        command.add_argument("--passphrase-file", type=Path, help="read the passphrase from here")
        command.set_defaults(run=run)


def status(terminal: Terminal, given: argparse.Namespace) -> None:
    from studio.privacy import key_safe

    view = key_safe.status(terminal.settings, terminal.studio.vault.keyring)
    terminal.say(f"master key: in the {view.place}; speakers' keys: {view.speakers}")
    if view.unfinished:
        terminal.say("An exchange of the master key was cut short; `app.py keys rotate` finishes it.")
    terminal.say(f"saved: {view.saved_at[:19] if view.saved_at else 'never; `app.py keys save FILE` does'}")
    if view.stale:
        terminal.say(
            "A speaker was erased since: destroy every copy of the saved file, and save anew. "
            "It still holds that speaker's key, and opens an old backup with it."
        )


def rotate(terminal: Terminal, given: argparse.Namespace) -> None:
    from studio.privacy import rotation

    with terminal.bar("keys") as bar:
        done = rotation.rotate(terminal.studio.vault.keyring, lambda done, total: bar.move(done / total))
    terminal.studio.audit.note(terminal.actor, "keys.rotated", keys=done.keys)
    again = " (finishing one that was cut short)" if done.resumed else ""
    terminal.say(f"the master key is a new one{again}; {done.keys} keys wrapped anew. Save the keys again.")


def keep(terminal: Terminal, given: argparse.Namespace) -> None:
    from studio.privacy import key_safe
    from studio.privacy.key_places import write_private

    if given.file.exists():
        raise ValueError(f"{given.file} is there already")
    data = key_safe.save(terminal.studio.vault.keyring, _passphrase(given, twice=True))
    write_private(given.file, data)
    terminal.studio.audit.note(terminal.actor, "keys.saved")
    terminal.say(f"{given.file}: keep it apart from backups, and the passphrase apart from it.")
    terminal.say("After each erasure, destroy its copies and save anew: `app.py keys status` reminds you.")


def bring(terminal: Terminal, given: argparse.Namespace) -> None:
    from studio.privacy import key_safe

    count = key_safe.load(terminal.settings, given.file.read_bytes(), _passphrase(given))
    terminal.say(f"{count} keys are back; `app.py restore FILE` can open a backup now.")


def _passphrase(given: argparse.Namespace, *, twice: bool = False) -> str:
    if given.passphrase_file:
        return str(given.passphrase_file.read_text().rstrip("\n"))
    import getpass

    first = getpass.getpass("Passphrase: ")
    if twice and getpass.getpass("Again: ") != first:
        raise ValueError("the two passphrases are not the same")
    return first
