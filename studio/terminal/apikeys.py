"""`app.py apikeys`: keys of programs that call the speech API."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from studio.terminal.common import Terminal


def declare(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("list", help="every key").set_defaults(run=show)
    create = actions.add_parser("create", help="make a key; it is shown once")
    create.add_argument("name", help="the program that will use it")
    create.add_argument("--account", help="whose rights it has (default: the first administrator's)")
    create.add_argument(
        "--scope", action="append", choices=("speak", "voices:read", "listen:read"), help="default: speak"
    )
    create.add_argument("--voice", action="append", help="a voice's key it may speak with; default: all")
    create.add_argument("--days", type=int, help="how long it lasts; default: no end")
    create.set_defaults(run=make)
    revoke = actions.add_parser("revoke", help="end a key at once")
    revoke.add_argument("id")
    revoke.set_defaults(run=end)


def show(terminal: Terminal, given: argparse.Namespace) -> None:
    rows = [
        (k.id, k.name, k.account_name, k.hint + "…", " ".join(k.scopes), str(len(k.voices) or "all"),
         (k.last_used_at or "never")[:16], "open" if k.open else "ended")
        for k in terminal.studio.api_keys.keys(terminal.actor)
    ]  # fmt: skip
    terminal.table("id", "name", "account", "key", "scopes", "voices", "last used", "", rows=rows)


def make(terminal: Terminal, given: argparse.Namespace) -> None:
    accounts, actor = terminal.studio.accounts, terminal.actor
    if given.account:
        actor = accounts.actor_of(accounts.find(actor, given.account).id)
    view, text = terminal.studio.api_keys.create(
        actor, given.name, given.scope or ["speak"], given.voice or (), given.days
    )
    terminal.say(text)
    terminal.say(f"{view.name} ({view.id}): this is the only time it is shown.")


def end(terminal: Terminal, given: argparse.Namespace) -> None:
    terminal.studio.api_keys.revoke(terminal.actor, given.id)
    terminal.say(f"{given.id}: revoked")
