"""`app.py models`: list, fetch, verify, remove."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from studio.models.progress import PullProgress
    from studio.terminal.common import Bar, Terminal


def declare(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("list", help="every model: size, licence, state").set_defaults(run=show)
    pull = actions.add_parser("pull", help="fetch and check models")
    pull.add_argument("ids", nargs="*", help="model ids (see list)")
    pull.add_argument("--embedded", action="store_true", help="all that the embedded engine needs")
    pull.add_argument("--accept-licence", action="store_true", help="you have read and accept the licence")
    pull.set_defaults(run=fetch)
    verify = actions.add_parser("verify", help="read every file again and compare its SHA-256")
    verify.add_argument("ids", nargs="*", help="model ids (default: all that are here)")
    verify.set_defaults(run=check)
    remove = actions.add_parser("remove", help="delete a model's files")
    remove.add_argument("ids", nargs="+")
    remove.set_defaults(run=delete)


def show(terminal: Terminal, given: argparse.Namespace) -> None:
    store = terminal.studio.models
    states = store.states()
    rows = [
        (
            m.id,
            m.name,
            f"{m.size / 1e6:.0f} MB",
            m.licence.id,
            "yes" if m.licence.commercial else "no",
            states[m.id].kind,
        )
        for m in store.catalogue.models
    ]
    terminal.table("id", "name", "size", "licence", "commercial", "state", rows=rows)


def fetch(terminal: Terminal, given: argparse.Namespace) -> None:
    store = terminal.studio.models
    ids = [m.id for m in store.catalogue.embedded] if given.embedded else given.ids
    if not ids:
        raise ValueError("name a model, or say --embedded; `app.py models list` shows them")
    for model_id in ids:
        model = store.catalogue.model(model_id)
        if model.needs_acceptance and given.accept_licence:
            terminal.studio.licences.accept(terminal.actor, model.id, model.licence.id)
        with terminal.bar(model.id) as bar:
            store.pull(model_id, follower(terminal, bar))


def follower(terminal: Terminal, bar: Bar) -> Callable[[PullProgress], None]:
    """Moves the bar; a source that was left is said, or people would wonder why it takes the next."""

    def follow(step: PullProgress) -> None:
        bar.move(step.fraction, f"{step.model_id} {step.activity}")
        if step.trouble is not None:
            terminal.say(step.trouble.text(terminal.language))

    return follow


def check(terminal: Terminal, given: argparse.Namespace) -> None:
    store = terminal.studio.models
    ids = given.ids or [i for i, state in store.states().items() if state.kind != "absent"]
    for model_id in ids:
        with terminal.bar(model_id) as bar:
            state = store.verify(model_id, follower(terminal, bar))
        terminal.say(f"{model_id}: {state.kind}")


def delete(terminal: Terminal, given: argparse.Namespace) -> None:
    for model_id in given.ids:
        terminal.studio.models.remove(model_id)
        terminal.say(f"{model_id}: removed")
