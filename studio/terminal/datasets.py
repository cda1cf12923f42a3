"""`app.py datasets`: list, cut, import, review and delete what voices are trained on."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from studio.datasets.bundles import Bundle
    from studio.datasets.forms import BuildRequest, DatasetView, UtteranceView
    from studio.terminal.common import Terminal

FORMATS = ("common_voice", "voxpopuli", "m_ailabs", "ljspeech", "table", "recordings")
SHOWN = ("all", "doubtful", "kept", "dropped", "held_out")


def declare(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True)
    listing = actions.add_parser("list", help="datasets, with what is kept of each")
    listing.set_defaults(run=show)
    cut = actions.add_parser("cut", help="cut recordings at sentence ends and write them down")
    cut.add_argument("recordings", nargs="*", type=Path, help="sound files; none: the voice's own recordings")
    _making(cut)
    cut.set_defaults(run=cut_recordings)
    bring = actions.add_parser("import", help="import a corpus: a zip or a folder")
    bring.add_argument("corpus", type=Path)
    bring.add_argument("--format", choices=FORMATS, default="", help="default: found out")
    bring.add_argument(
        "--licence", default=None, help="it is a public corpus under this licence ('' its own)"
    )
    bring.add_argument(
        "--attest", action="store_true", help="I checked that its licence allows to train voices"
    )
    bring.add_argument("--source", default="", help="where it comes from")
    bring.add_argument(
        "--speaker", default="", help="only this speaker of the table; @most: who has most clips"
    )
    bring.add_argument("--most", type=int, default=0, help="only the first N rows")
    bring.add_argument("--no-listening", action="store_true", help="do not compare sounds with their texts")
    bring.add_argument(
        "--skip-unusable", action="store_true", help="leave out, and count, rows without sound"
    )
    _making(bring)
    bring.set_defaults(run=bring_in)
    review = actions.add_parser("review", help="clips, most suspicious first; keep, drop, change")
    review.add_argument("dataset")
    review.add_argument("--show", choices=SHOWN, default="all")
    review.add_argument("--search", default="")
    review.add_argument("--rows", type=int, default=20)
    review.add_argument("--keep", nargs="+", metavar="CLIP", default=[])
    review.add_argument("--drop", nargs="+", metavar="CLIP", default=[])
    review.add_argument("--text", nargs=2, metavar=("CLIP", "TEXT"), help="set what is said in a clip")
    review.add_argument(
        "--cut",
        nargs=3,
        metavar=("CLIP", "START", "END"),
        help="cut a clip anew, in seconds of its recording",
    )
    review.set_defaults(run=look)
    for name, told in (("approve", "let the licence that was attested for a dataset count (reviewers)"),
                       ("refuse", "remove a dataset whose licence does not hold (reviewers)")):  # fmt: skip
        deciding = actions.add_parser(name, help=told)
        deciding.add_argument("dataset")
        deciding.set_defaults(run=decide)
    delete = actions.add_parser("delete", help="remove a dataset with all its sounds and texts")
    delete.add_argument("dataset")
    delete.add_argument("--yes", action="store_true", help="do not ask")
    delete.set_defaults(run=remove)


def _making(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--voice", required=True, help="voice:<id> (see `voices list`)")
    parser.add_argument("--name", required=True)
    parser.add_argument("--language", default="", help="default: the voice's")
    parser.add_argument("--seed", type=int, default=0, help="of the split")
    parser.add_argument("--held-out", type=float, default=0.1, help="share held out (default 0.1)")


def show(terminal: Terminal, given: argparse.Namespace) -> None:
    rows = [
        (v.id, v.name, v.voice_name, v.language, v.format, f"{v.kept} ({v.kept_s:.0f} s)", f"{v.train} / {v.held_out}",
         _reasons(v), v.rights)
        for v in terminal.studio.datasets.list(terminal.actor)
    ]  # fmt: skip
    terminal.table(
        "dataset", "name", "voice", "language", "format", "kept", "train / held out", "left out", "rights",
        rows=rows,
    )  # fmt: skip
    for dataset_id, name in terminal.studio.datasets.leftovers.interrupted(terminal.actor):
        terminal.say(f"{name}: ended by a restart, nothing was kept; make it again")
        terminal.studio.datasets.leftovers.dismiss(terminal.actor, dataset_id)


def _reasons(view: DatasetView) -> str:
    return ", ".join(f"{name} {count}" for name, count in view.dropped_by_reason.items())


def _request(given: argparse.Namespace) -> BuildRequest:
    from studio.datasets.forms import BuildRequest

    voice_id = given.voice.removeprefix("voice:")
    return BuildRequest(voice_id, given.name, given.language, seed=given.seed, held_out_share=given.held_out)


def cut_recordings(terminal: Terminal, given: argparse.Namespace) -> None:
    from dataclasses import replace

    from studio.datasets.forms import Incoming

    files = tuple(Incoming(file.name, _there(file), keep=True) for file in given.recordings)
    _make(terminal, replace(_request(given), files=files), None)


def _there(file: Path) -> Path:
    if not file.is_file():
        raise ValueError(f"no such file: {file}")
    return file


def bring_in(terminal: Terminal, given: argparse.Namespace) -> None:
    from dataclasses import replace

    from studio.datasets.forms import Basis

    public = given.licence is not None
    request = replace(
        _request(given),
        format=given.format,
        basis=Basis.LICENCE if public else Basis.CONSENT,
        licence=given.licence or "",
        attested=given.attest,
        source=given.source,
        speaker=given.speaker,
        most=given.most,
        listen=not given.no_listening,
        skip_unusable=given.skip_unusable,
    )
    _make(terminal, request, _bundle(given.corpus))
    terminal.say(f"{given.corpus} still lies there in plain: remove it once you need it no more")


def _bundle(corpus: Path) -> Bundle:
    """Whoever sits at the machine names any folder of it; links that lead out of the folder are refused."""
    from studio.datasets.bundles import FolderBundle, ZipBundle

    if corpus.is_dir():
        return FolderBundle(corpus, corpus)
    return ZipBundle(_there(corpus), corpus.name)


def _make(terminal: Terminal, request: BuildRequest, bundle: Bundle | None) -> None:
    live = terminal.studio.datasets.build(terminal.actor, request, bundle)
    with terminal.bar("dataset") as bar:
        try:
            for event in live.events():
                bar.move(event.fraction, event.stage)
        except KeyboardInterrupt:
            live.cancel()
            raise
    assert live.latest is not None, "work that ends well has said so"
    view = terminal.studio.datasets.view(terminal.actor, live.latest.dataset_id)
    terminal.say(f"{view.id}: {view.kept} clips kept ({view.kept_s:.1f} s), {view.train} to train on, "
                 f"{view.held_out} held out; {view.dropped} left out {_reasons(view)}")  # fmt: skip
    if view.rights == "awaiting":
        terminal.say(f"its licence waits for a reviewer: datasets approve {view.id}")


def look(terminal: Terminal, given: argparse.Namespace) -> None:
    from studio.datasets.forms import ReviewQuery

    review, actor = terminal.studio.dataset_review, terminal.actor
    for chosen, keep in ((given.keep, True), (given.drop, False)):
        if chosen:
            review.decide(actor, chosen, keep)
    if given.text:
        review.edit_text(actor, *given.text)
    if given.cut:
        review.recut(actor, given.cut[0], float(given.cut[1]), float(given.cut[2]))
    view = terminal.studio.datasets.view(actor, given.dataset)
    query = ReviewQuery(given.show, search=given.search, per_page=max(1, given.rows))
    page = review.page(actor, given.dataset, query)
    terminal.say(f"{view.name}: {view.kept} kept ({view.kept_s:.1f} s), {view.train} to train on, {view.held_out} "
                 f"held out, {view.dropped} left out {_reasons(view)}")  # fmt: skip
    columns = ("clip", "suspicion", "state", "from - to", "conf.", "CER", "doubts", "text")
    terminal.table(*columns, rows=[_row(row) for row in page.rows])
    terminal.say(f"{len(page.rows)} of {page.total} shown")


def _row(row: UtteranceView) -> tuple[str, ...]:
    from rich.markup import escape

    state = row.split if row.kept else f"left out: {row.reason}"
    place = f"{row.start_s:.2f} - {row.end_s:.2f}"
    sure, errors = (("–" if value is None else f"{value:.2f}") for value in (row.confidence, row.cer))
    return (
        row.id,
        f"{row.suspicion:.2f}",
        state,
        place,
        sure,
        errors,
        ", ".join(row.doubts),
        escape(row.text),
    )


def decide(terminal: Terminal, given: argparse.Namespace) -> None:
    """A reviewer's decision on an attested licence."""
    licences = terminal.studio.datasets.licences
    (licences.approve if given.action == "approve" else licences.refuse)(terminal.actor, given.dataset)
    terminal.say(f"{given.dataset}: licence {given.action}d")


def remove(terminal: Terminal, given: argparse.Namespace) -> None:
    view = terminal.studio.datasets.view(terminal.actor, given.dataset)
    if not given.yes and input(f"Delete {view.name} for good? Type the name: ") != view.name:
        raise ValueError("not deleted: the name did not match")
    terminal.studio.datasets.delete(terminal.actor, given.dataset)
    terminal.say(f"deleted: {view.name}")
