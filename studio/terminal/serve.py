"""`app.py serve`: the studio in the browser."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from studio.terminal.common import Terminal


def declare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", help="address to listen on (default: loopback)")
    parser.add_argument("--port", type=int, help="port (default: 7860; 0 takes a free one)")
    parser.add_argument("--no-browser", action="store_true", help="do not open the browser")
    parser.set_defaults(run=run)


def run(terminal: Terminal, given: argparse.Namespace) -> None:
    from studio.web.server import run_studio

    changes = {name: value for name in ("host", "port") if (value := getattr(given, name)) is not None}
    terminal.settings = terminal.settings.model_copy(update=changes)
    run_studio(terminal.studio, not given.no_browser, lambda link: welcome(terminal, link))


def welcome(terminal: Terminal, link: str) -> None:
    """The one-time link, as Jupyter prints it."""
    terminal.say("Timbro is open. This link signs you in once, within 15 minutes:")
    terminal.say(link)
    terminal.say("Another link: python app.py accounts link. Stop with Ctrl+C.")
