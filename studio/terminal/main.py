"""The command line: parse, call a service, print. Commands load what they need when they run."""

import argparse
import importlib
import sys
from collections.abc import Sequence
from pathlib import Path

_COMMANDS = (
    "serve",
    "models",
    "voices",
    "clone",
    "train",
    "jobs",
    "takes",
    "datasets",
    "evaluate",
    "listen",
    "accounts",
    "audit",
    "apikeys",
    "keys",
    "backup",
    "restore",
    "verify",
)
_ABOUT = {
    "serve": "open the studio in the browser (with a one-time link)",
    "models": "list, fetch, verify and remove models",
    "voices": "list, enrol and withdraw voices",
    "clone": "speak a text, or a batch of lines, with a voice",
    "train": "teach an engine a voice from its dataset",
    "jobs": "training jobs: list, follow, pause, resume, cancel; their adapters",
    "takes": "find and export what was generated",
    "datasets": "cut, import and review what voices are trained on",
    "evaluate": "measure a voice over sentences, or takes that are there",
    "listen": "design listening tests, read and export their results",
    "accounts": "make accounts and one-time sign-in links",
    "audit": "verify, search and export the audit log; its signed heads",
    "apikeys": "keys of programs that call the speech API",
    "keys": "the encryption keys: how they stand, exchange, save, load",
    "backup": "everything but keys and models into one file",
    "restore": "a backup into an empty storage folder",
    "verify": "say whether sound files were generated here",
}


def parser() -> argparse.ArgumentParser:
    """All commands; loads neither torch nor a database."""
    root = argparse.ArgumentParser(prog="app.py", description="Timbro: a voice studio with consent built in.")
    root.add_argument("--storage", type=Path, help="folder of the studio's data (default: storage)")
    commands = root.add_subparsers(dest="command", metavar="command", required=True)
    for name in _COMMANDS:
        module = importlib.import_module(f"studio.terminal.{name}")
        module.declare(commands.add_parser(name, help=_ABOUT[name], description=_ABOUT[name]))
    return root


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; 0 when it went well, 1 after an error that it explained, 130 after Ctrl+C."""
    given = parser().parse_args(arguments)
    from studio.errors import StudioError
    from studio.terminal.common import Terminal

    terminal = Terminal(given.storage)
    try:
        given.run(terminal, given)
    except (StudioError, ValueError) as error:
        terminal.explain(error)
        return 1
    except KeyboardInterrupt:
        terminal.say("Stopped.")
        return 130
    finally:
        terminal.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
