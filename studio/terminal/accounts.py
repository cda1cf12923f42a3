"""`app.py accounts`: accounts and one-time sign-in links."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from studio.terminal.common import Terminal


def declare(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("list", help="who can sign in").set_defaults(run=show)
    create = actions.add_parser("create", help="make an account")
    create.add_argument("name")
    create.add_argument(
        "--role", default="producer", choices=("administrator", "producer", "reviewer", "auditor")
    )
    create.set_defaults(run=make)
    link = actions.add_parser("link", help="a one-time link to sign in with")
    link.add_argument("name", nargs="?", help="account (default: the first administrator)")
    link.add_argument("--minutes", type=float, default=15)
    link.set_defaults(run=sign_in)
    password = actions.add_parser(
        "password", help="set the password of an account that has none, or remove it"
    )
    password.add_argument("name")
    password.add_argument("--remove", action="store_true", help="take it away; the account enters by link")
    password.set_defaults(run=secret)
    end = actions.add_parser("end", help="end every sign-in of an account")
    end.add_argument("name")
    end.set_defaults(run=sign_out)
    disable = actions.add_parser("disable", help="end an account's sessions and refuse new ones")
    disable.add_argument("name")
    disable.set_defaults(run=shut)


def show(terminal: Terminal, given: argparse.Namespace) -> None:
    accounts = terminal.studio.accounts.accounts(terminal.actor)
    rows = [(a.name, a.role, a.created_at[:16], "disabled" if a.disabled_at else "") for a in accounts]
    terminal.table("account", "role", "since", "", rows=rows)


def make(terminal: Terminal, given: argparse.Namespace) -> None:
    account = terminal.studio.accounts.create(terminal.actor, given.name, given.role)
    terminal.say(f"{account.name}: {account.role}; `app.py accounts link {account.name}` lets them in")


def sign_in(terminal: Terminal, given: argparse.Namespace) -> None:
    settings, actor = terminal.settings, terminal.actor
    token = terminal.studio.accounts.sign_in_link(given.name or actor.name, given.minutes, actor)
    terminal.say(f"http://{settings.host}:{settings.port}/login/{token}")


def shut(terminal: Terminal, given: argparse.Namespace) -> None:
    terminal.studio.accounts.disable(terminal.actor, given.name)
    terminal.say(f"{given.name}: disabled")


def secret(terminal: Terminal, given: argparse.Namespace) -> None:
    accounts = terminal.studio.accounts
    account = accounts.find(terminal.actor, given.name)
    accounts.sign_ins.remove_password(terminal.actor, account.id)
    if given.remove:
        terminal.say(f"{account.name}: no password; `app.py accounts link {account.name}` lets them in")
        return
    import getpass

    new, again = getpass.getpass("New password: "), getpass.getpass("Again: ")
    accounts.sign_ins.set_password(accounts.actor_of(account.id), new, again)
    terminal.say(f"{account.name}: password set")


def sign_out(terminal: Terminal, given: argparse.Namespace) -> None:
    account = terminal.studio.accounts.find(terminal.actor, given.name)
    count = terminal.studio.accounts.sign_ins.end_all(terminal.actor, account.id)
    terminal.say(f"{account.name}: {count} sign-ins ended")
