"""`app.py evaluate`: measure a voice over sentences; a table on the screen, files on wish."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from studio.audio.clip import AudioClip
    from studio.scores.agreement import Agreement
    from studio.scores.comparison import Comparison, OptionRow
    from studio.scores.requests import EvaluationEvent, Score
    from studio.scores.sentences import SentenceSet
    from studio.scores.service import Evaluation
    from studio.terminal.common import Terminal

SOUND = (".wav", ".flac", ".mp3", ".ogg", ".m4a", ".opus", ".webm")
ENDINGS = ("json", "html", "csv")
FIGURES = (
    ("wer", "WER, corpus", "percent"),
    ("wer_mean", "WER, mean of sentences", "percent"),
    ("cer", "CER", "percent"),
    ("asr_floor", "WER of real recordings (floor)", "percent"),
    ("similarity", "similarity", "number"),
    ("similarity_same", "  same speaker", "number"),
    ("similarity_different", "  different speaker", "number"),
    ("mcd", "MCD (dB)", "number"),
    ("predicted_mos", "predicted MOS (not listeners)", "number"),
    ("rtf", "RTF", "number"),
    ("first_sound_s", "first sound (s)", "number"),
)

COMPARED = (  # name, column, how it is printed and by what its value is multiplied
    ("setup_s", "set-up (s)", ("{:.1f}", 1.0)),
    ("training_s", "training (h)", ("{:.2f}", 1 / 3600)),
    ("peak_bytes", "memory (MB)", ("{:.0f}", 1e-6)),
    ("wer", "WER", ("{:.1f} %", 100.0)),
    ("mcd", "MCD (dB)", ("{:.2f}", 1.0)),
    ("similarity", "similarity", ("{:.3f}", 1.0)),
    ("rtf", "RTF", ("{:.3f}", 1.0)),
    ("predicted_mos", "predicted MOS", ("{:.2f}", 1.0)),
    ("listener_mos", "listener MOS", ("{:.2f}", 1.0)),
    ("cost", "cost", ("{:.2f}", 1.0)),
)


def declare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("voice", nargs="?", help="voice:<id> or preset:<engine>:<preset> (see `voices list`)")
    parser.add_argument(
        "--run", dest="run_id", metavar="RUN", help="show or export a run that was done before"
    )
    parser.add_argument("--takes", nargs="+", metavar="TAKE", help="measure these takes instead")
    parser.add_argument(
        "--sentences",
        default="",
        help="it-balanced-a, it-balanced-b, it-calls, the same with en-, or a file (one a line, or a CSV "
        "with text and name); default: the balanced set of --language",
    )
    parser.add_argument("--language", default="it", help="language of the sentences in a file")
    parser.add_argument(
        "--recordings", type=Path, help="folder with recordings of the same sentences, by name"
    )
    parser.add_argument("--most", type=int, default=0, help="only the first N sentences")
    parser.add_argument("--engine", help="default: the preset's engine, or kokoro")
    parser.add_argument(
        "--option", action="append", metavar="NAME=VALUE", help="an option of the engine; repeatable"
    )
    parser.add_argument(
        "--adapter", default="", help="an adapter or checkpoint of the voice (see `jobs adapters`)"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--recogniser", default="", help="embedded, or the one of the settings")
    parser.add_argument("--fresh-setup", action="store_true", help="prepare the voice anew and time it")
    for ending in ENDINGS:
        parser.add_argument(
            f"--{ending}", type=Path, metavar="FILE", help=f"write the results as {ending.upper()}"
        )
    parser.set_defaults(run=run)


def run(terminal: Terminal, given: argparse.Namespace) -> None:
    files = [(ending, file) for ending in ENDINGS if (file := getattr(given, ending))]
    for ending, file in files:
        _check_writable(ending, file)
    run_id = given.run_id or _measured(terminal, given)
    comparison = terminal.studio.evaluations.compare(terminal.actor, run_id)
    _show(terminal, comparison)
    for ending, file in files:
        _write(terminal, run_id, ending, file)


def _check_writable(ending: str, file: Path) -> None:
    """ValueError before the work, not after it, where a file cannot be written."""
    there = file.exists()
    try:
        with file.open("ab"):
            pass
    except OSError as error:
        raise ValueError(f"--{ending} {file}: {error.strerror}") from error
    if not there:
        file.unlink()


def _measured(terminal: Terminal, given: argparse.Namespace) -> str:
    """The id of a run made now."""
    live = _start(terminal, given)
    with terminal.bar("evaluation") as bar:
        try:
            for event in live.events():
                bar.move(event.fraction, _label(event))
        except KeyboardInterrupt:
            live.cancel()
            raise
    assert live.latest is not None, "a run that ends well has said so"
    return live.latest.run_id


def _start(terminal: Terminal, given: argparse.Namespace) -> Evaluation:
    from studio.scores.requests import EvaluationRequest, System
    from studio.synthesis.requests import VoiceChoice
    from studio.terminal.common import options_of

    evaluations = terminal.studio.evaluations
    if given.takes:
        return evaluations.evaluate_takes(terminal.actor, given.takes, given.recogniser)
    if not given.voice:
        raise ValueError("name a voice (see `voices list`), or takes with --takes")
    choice = VoiceChoice.parse(given.voice)
    system = System(given.engine or choice.engine_id or "kokoro", choice, options_of(given.option))
    if given.adapter:
        system = system.speaking_with(terminal.studio.synthesis.trained.choice(terminal.actor, given.adapter))
    request = EvaluationRequest(system, _sentences(given), given.seed, given.recogniser, given.fresh_setup)
    return evaluations.evaluate(terminal.actor, request)


def _sentences(given: argparse.Namespace) -> SentenceSet:
    from studio.scores.sentences import built_in, built_in_set, first, own_list

    name = given.sentences or next(
        (one.id for one in built_in() if one.language == given.language), f"{given.language}-balanced-a"
    )
    if not Path(name).is_file():
        return first(built_in_set(name), given.most)
    text = Path(name).read_text(encoding="utf-8-sig")
    return first(own_list(text, given.language, _recordings(given.recordings)), given.most)


def _recordings(folder: Path | None) -> dict[str, AudioClip]:
    """The sounds of a folder by file name; ValueError where there is no folder or nothing in it."""
    from studio.audio.decode import decode

    if folder is None:
        return {}
    if not folder.is_dir():
        raise ValueError(f"--recordings {folder}: no such folder")
    files = sorted(file for file in folder.iterdir() if file.suffix.lower() in SOUND)
    if not files:
        raise ValueError(f"no recordings in {folder}")
    return {file.name: decode(file.read_bytes(), file.name) for file in files}


def _label(event: EvaluationEvent) -> str:
    return f"{event.stage} ({event.ahead} before)" if event.stage == "queued" else event.stage


def _show(terminal: Terminal, comparison: Comparison) -> None:
    run = comparison.result.run
    terminal.say(f"{run.id}: {run.voice_name}, {run.engine_id}, {run.set_id}, {run.sentence_count} sentences")
    terminal.say(f"recogniser {run.recogniser}; {run.device}, {run.cores} cores; seed {run.seed}")
    rows = [
        (name, *_cells(run.scores[metric], kind, terminal.language))
        for metric, name, kind in FIGURES
        if metric in run.scores
    ]
    terminal.table("measure", "value", "95 %", "", rows=rows)
    terminal.say("")
    names = [name for _, name, _ in COMPARED]
    measured = [row for row in comparison.rows if row.run is not None]
    terminal.table("option", "system", *names, rows=[_compared(row) for row in measured])
    terminal.say(f"predicted MOS against listeners, these rows: {_correlated(comparison.agreement)}")
    terminal.say(f"predicted MOS against listeners, whole studio: {_correlated(comparison.studio)}")


def _compared(row: OptionRow) -> tuple[str, ...]:
    """A row of the comparison: what it took, what it cost, what was measured and what listeners said."""
    from studio.scores.export import figures_of

    assert row.run is not None
    figures = figures_of(row)
    cells = [
        "–"
        if name not in figures
        else shown.format(figures[name].value * scale)
        + (f" ({figures[name].n} ratings)" if name == "listener_mos" else "")
        for name, _, (shown, scale) in COMPARED
    ]
    settings = [f"{name}={value}" for name, value in row.run.options.items()]
    settings += [f"seed={row.run.seed}"] if row.run.seed else []
    return row.option, " ".join([row.run.engine_id, row.run.voice_name, *settings]), *cells


def _correlated(agreement: Agreement) -> str:
    found = agreement.correlation
    return f"n = {found.n}" if found.pearson is None else f"r = {found.pearson:.2f}, n = {found.n}"


def _cells(score: Score, kind: str, language: str) -> tuple[str, str, str]:
    if score.value is None:
        return "–", "", score.why(language)
    sure = score.low is not None and score.high is not None
    between = f"{_told(score.low or 0.0, kind)} – {_told(score.high or 0.0, kind)}" if sure else ""
    return _told(score.value, kind), between, f"n = {score.n}"


def _told(value: float, kind: str) -> str:
    return f"{100 * value:.1f} %" if kind == "percent" else f"{value:.3f}"


def _write(terminal: Terminal, run_id: str, ending: str, file: Path) -> None:
    from studio.ui.results.report import export

    data, _type, _name = export(
        terminal.studio.evaluations, terminal.actor, run_id, ending, terminal.language
    )
    file.write_bytes(data)
    terminal.say(f"{file}: {len(data)} bytes")
