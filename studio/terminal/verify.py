"""`app.py verify`: was this file generated here?"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from studio.provenance.verify import Finding
    from studio.terminal.common import Terminal

MOST_BYTES, MOST_S = 200_000_000, 3600.0


def declare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="sound files of any format")
    parser.set_defaults(run=run)


def run(terminal: Terminal, given: argparse.Namespace) -> None:
    from studio.errors import StudioError

    unread = 0
    for path in given.files:
        try:
            terminal.say(f"{path}: {_line(_examined(terminal, path))}")
        except StudioError as error:
            unread += 1
            terminal.say(f"{path}: not checked. {error.text(terminal.language)}")
    terminal.say(
        "Perth's watermark is left by every program that uses it: alone, it says generated, not by whom."
    )
    if unread:
        raise ValueError(f"{unread} of {len(given.files)} files could not be checked")


def _examined(terminal: Terminal, path: Path) -> Finding:
    from studio.audio.decode import DecodeLimits
    from studio.errors import InputRefused
    from studio.provenance.verify import examine

    limits = DecodeLimits(max_bytes=MOST_BYTES, max_duration_s=MOST_S, max_values=400_000_000, timeout_s=120)
    try:
        if path.stat().st_size > MOST_BYTES:
            raise InputRefused("provenance.too_large", limit_mb=MOST_BYTES // 1_000_000)
        data = path.read_bytes()
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputRefused("provenance.unreadable", file=path.name, reason=reason) from error
    return examine(terminal.studio.marker, data, path.name, limits)


def _line(found: Finding) -> str:
    from studio.provenance.verify import Verdict

    answers = {
        Verdict.OURS: "generated here" if found.manifest.state == "ours" else "generated (watermark)",
        Verdict.NOT_FOUND: "no sign of this studio",
        Verdict.INCONCLUSIVE: "inconclusive",
    }
    manifest = f"manifest {found.manifest.state.value}"
    if found.manifest.signer:
        manifest += f" (signed by {found.manifest.signer}, {found.manifest.made_at})"
    return f"{answers[found.verdict]}; {manifest}; watermark {found.reading.confidence:.2f}"
