"""`app.py listen`: listening tests from the terminal: make, open, close, results, export."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from studio.listening.figures import Section
    from studio.listening.forms import ListeningForm, Recorded, SpokenBy, SystemForm, Uploaded
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
        "--system", action="append", required=True, metavar="SOURCE[=NAME]",
        help="repeatable; a voice as `clone` takes it (voice:ID@ENGINE, preset:ENGINE:ID), trained:ID for an adapter "
        "or a checkpoint, recordings:VOICE for a speaker's own, clips:FOLDER[@VOICE] for files in order of name, "
        "in the voice of VOICE; NAME is for the results",
    )  # fmt: skip
    parser.add_argument("--reference", metavar="SOURCE[=NAME]", help="for smos and mushra; the same sources")
    parser.add_argument(
        "--attest", action="store_true", help="declare that the clips may be played to listeners"
    )
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
    live = listening.create(terminal.actor, _form(terminal, given))
    with terminal.bar("sounds") as bar:
        try:
            for event in live.events():
                bar.move(event.done / max(1, event.total), f"{event.done}/{event.total}")
        except KeyboardInterrupt:
            live.cancel()
            raise
    test_id = listening.made_by(live)
    _doubts(terminal, test_id)
    terminal.say(test_id)


def _doubts(terminal: Terminal, test_id: str) -> None:
    """What the owner should know before anybody listens."""
    view = terminal.studio.listening.view(terminal.actor, test_id)
    if view.unchecked:
        terminal.say(f"{view.unchecked} recordings or clips whose words nobody has checked")
    if view.held:
        terminal.say(f"{view.held} sounds kept under the level by their peaks")


def _form(terminal: Terminal, given: argparse.Namespace) -> ListeningForm:
    from studio.listening.forms import ListeningForm
    from studio.listening.kinds import Kind

    more = {"seed": given.seed} if given.seed is not None else {}
    return ListeningForm(
        name=given.name, kind=Kind(given.kind), systems=tuple(_system(terminal, text) for text in given.system),
        sentences=tuple(given.sentences.read_text(encoding="utf-8-sig").splitlines()), language=given.language,
        reference=_system(terminal, given.reference) if given.reference else None, tie_rule=given.ties,
        training=given.training, traps=given.traps, headphones=given.headphones, attested=given.attest, **more,
    )  # fmt: skip


def _system(terminal: Terminal, text: str) -> SystemForm:
    """Read ``voice:<id>@xtts=Our voice``, ``trained:<id>``, ``recordings:<voice>``, ``clips:<folder>@<voice>``."""
    from studio.listening.forms import SystemForm

    told, _, name = text.partition("=")
    kind, _, rest = told.partition(":")
    match kind:
        case "trained":
            return SystemForm(name or told, _trained(terminal, rest))
        case "recordings":
            return SystemForm(name or told, _recorded(rest))
        case "clips":
            return SystemForm(name or told, _clips(rest))
        case _:
            source = _spoken(told)
            return SystemForm(name or f"{source.voice_key}@{source.engine_id}", source)


def _spoken(told: str) -> SpokenBy:
    """A preset brings its engine along."""
    from studio.listening.forms import SpokenBy
    from studio.synthesis.requests import VoiceChoice

    key, _, engine = told.partition("@")
    return SpokenBy(key, engine or VoiceChoice.parse(key).engine_id or "kokoro")


def _trained(terminal: Terminal, trained_id: str) -> SpokenBy:
    """An adapter or checkpoint brings its voice and its engine along."""
    from studio.listening.forms import SpokenBy
    from studio.synthesis.requests import VoiceChoice

    found = terminal.studio.synthesis.trained.choice(terminal.actor, trained_id)
    return SpokenBy(VoiceChoice(voice_id=found.voice_id).key, found.engine_id, adapter_id=found.id)


def _recorded(voice: str) -> Recorded:
    from studio.listening.forms import Recorded

    return Recorded(voice.removeprefix("voice:"))


def _clips(told: str) -> Uploaded:
    """Every file of a folder, in order of name."""
    from studio.audio.decode import decode
    from studio.errors import InputRefused
    from studio.listening.forms import MOST_ITEMS, Uploaded

    folder, _, voice = told.partition("@")
    files = sorted(
        path for path in Path(folder).glob("*") if path.is_file() and not path.name.startswith(".")
    )
    if not 1 <= len(files) <= MOST_ITEMS:
        raise InputRefused("listening.no_clips", folder=folder, count=len(files), most=MOST_ITEMS)
    clips = tuple(decode(path.read_bytes(), path.name) for path in files)
    return Uploaded(clips, voice.removeprefix("voice:"))


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
