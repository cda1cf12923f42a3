"""`app.py listen`: listening tests from the terminal: make, open, close, results, export."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from studio.listening.forms import ListeningForm, SystemForm
    from studio.listening.report import Section
    from studio.terminal.common import Terminal

KINDS = ("mos", "ab", "cmos", "smos", "abx", "mushra")


def declare(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("list", help="the tests, newest first").set_defaults(run=show)
    _declare_create(actions.add_parser("create", help="make a test and its sounds"))
    opening = actions.add_parser("open", help="let listeners in; prints the path of the link")
    opening.add_argument("test_id")
    opening.add_argument("--days", type=int, default=14)
    opening.add_argument("--quota", type=int, default=100, help="most listeners")
    opening.add_argument("--link-only", action="store_true", help="do not offer it to people with an account")
    opening.set_defaults(run=let_in)
    closing = actions.add_parser("close", help="shut voting for good")
    closing.add_argument("test_id")
    closing.add_argument("--reveal", action="store_true", help="tell listeners which system was which")
    closing.set_defaults(run=shut)
    results = actions.add_parser("results", help="means, preferences and ranking with their intervals")
    results.add_argument("test_id")
    results.set_defaults(run=tell)
    export = actions.add_parser("export", help="write every rating to a file (.csv or .json)")
    export.add_argument("test_id")
    export.add_argument("out", type=Path)
    export.set_defaults(run=write)


def _declare_create(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name")
    parser.add_argument("sentences", type=Path, help="one sentence per line")
    parser.add_argument("--kind", choices=KINDS, default="mos")
    parser.add_argument(
        "--system", action="append", required=True, metavar="VOICE[@ENGINE][=NAME]",
        help="a voice as `clone` takes it, its engine, its name in the results; repeatable",
    )  # fmt: skip
    parser.add_argument("--reference", metavar="VOICE[@ENGINE][=NAME]", help="for smos and mushra")
    parser.add_argument("--language", default="it")
    parser.add_argument("--ties", choices=("none", "drop", "split", "trinomial"), default="none")
    parser.add_argument("--training", type=int, default=2)
    parser.add_argument("--traps", type=int, default=0)
    parser.add_argument("--headphones", action="store_true", help="offer a headphone check")
    parser.add_argument("--seed", type=int, help="of orders and sides; drawn when it is not given")
    parser.set_defaults(run=create)


def show(terminal: Terminal, given: argparse.Namespace) -> None:
    rows = [
        (v.id, v.kind.value, v.status, f"{v.listeners} ({v.finished} finished)", str(v.ratings), v.name)
        for v in terminal.studio.listening.tests(terminal.actor)
    ]
    terminal.table("test", "type", "state", "listeners", "ratings", "name", rows=rows)


def create(terminal: Terminal, given: argparse.Namespace) -> None:
    listening = terminal.studio.listening
    live = listening.create(terminal.actor, _form(given))
    with terminal.bar("sounds") as bar:
        try:
            for event in live.events():
                bar.move(event.done / max(1, event.total), f"{event.done}/{event.total}")
        except KeyboardInterrupt:
            live.cancel()
            raise
    terminal.say(listening.made_by(live))


def _form(given: argparse.Namespace) -> ListeningForm:
    from studio.listening.forms import ListeningForm
    from studio.listening.kinds import Kind

    more = {"seed": given.seed} if given.seed is not None else {}
    return ListeningForm(
        name=given.name, kind=Kind(given.kind), systems=tuple(_system(text) for text in given.system),
        sentences=tuple(given.sentences.read_text(encoding="utf-8-sig").splitlines()), language=given.language,
        reference=_system(given.reference) if given.reference else None, tie_rule=given.ties,
        training=given.training, traps=given.traps, headphones=given.headphones, **more,
    )  # fmt: skip


def _system(text: str) -> SystemForm:
    """Read ``voice:<id>@xtts=Our voice``; a preset brings its engine along."""
    from studio.listening.forms import SpokenBy, SystemForm
    from studio.synthesis.requests import VoiceChoice

    rest, _, name = text.partition("=")
    key, _, engine = rest.partition("@")
    engine = engine or VoiceChoice.parse(key).engine_id or "kokoro"
    return SystemForm(name or f"{key}@{engine}", SpokenBy(key, engine))


def let_in(terminal: Terminal, given: argparse.Namespace) -> None:
    from studio.listening.forms import LinkForm

    form = LinkForm(given.days, given.quota, not given.link_only)
    view = terminal.studio.listening.open(terminal.actor, given.test_id, form)
    terminal.say(f"/listen/{view.link}")


def shut(terminal: Terminal, given: argparse.Namespace) -> None:
    view = terminal.studio.listening.close(terminal.actor, given.test_id, reveal=given.reveal)
    terminal.say(f"{view.id}: closed, {view.ratings} ratings")


def tell(terminal: Terminal, given: argparse.Namespace) -> None:
    report = terminal.studio.listening.results.of(terminal.actor, given.test_id).report
    _section(terminal, report.everybody)
    flagged = [f"{p.pseudonym}: {', '.join(p.flags)}" for p in report.listeners if p.flags]
    for line in flagged:
        terminal.say(f"flagged {line}")
    if report.screened is not None:
        terminal.say("without the flagged listeners:")
        _section(terminal, report.screened)


def _section(terminal: Terminal, section: Section) -> None:
    """The headline figures; where there is none, why."""
    terminal.say(f"{section.listeners} listeners, {section.ratings} ratings")
    means = []
    for one in section.systems:
        found = one.headline.value
        told = (
            f"{found.mean:.2f} [{found.ci_low:.2f}, {found.ci_high:.2f}]" if found else str(one.headline.why)
        )
        means.append((one.system.name, told, str(one.ratings)))
    if means:
        terminal.table("system", "mean [95 %, listeners and sentences]", "ratings", rows=means)
    choices = []
    for pair in section.choices:
        share = pair.share.value
        told = (
            f"{share.share:.0%} [{share.ci_low:.0%}, {share.ci_high:.0%}], p {share.p_value:.4f}"
            if share
            else ""
        )
        votes = f"{pair.wins}:{pair.losses} ({pair.ties} ties)"
        choices.append((f"{pair.first.name} / {pair.second.name}", votes, told or str(pair.share.why)))
    if choices:
        terminal.table("systems", "votes", "share of the first", rows=choices)
    if section.ranking.value is not None:
        ranking = section.ranking.value
        rows = [
            (system.name, f"{strength:.2f} [{span.low:.2f}, {span.high:.2f}]")
            for system, strength, span in zip(
                ranking.systems, ranking.fit.strengths, ranking.intervals, strict=True
            )
        ]
        terminal.table("system", "Bradley-Terry strength (logit)", rows=rows)


def write(terminal: Terminal, given: argparse.Namespace) -> None:
    ending = given.out.suffix.removeprefix(".")
    data, _type, _name = terminal.studio.listening.results.export(terminal.actor, given.test_id, ending)
    given.out.write_bytes(data)
    terminal.say(f"{given.out}: {len(data)} bytes")
