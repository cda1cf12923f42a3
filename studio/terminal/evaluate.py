"""`app.py evaluate`: measure a voice over sentences; a table on the screen, files on wish."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from studio.audio.clip import AudioClip
    from studio.scores.comparison import Comparison
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


def declare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("voice", nargs="?", help="voice:<id> or preset:<engine>:<preset> (see `voices list`)")
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
    live = _start(terminal, given)
    with terminal.bar("evaluation") as bar:
        try:
            for event in live.events():
                bar.move(event.fraction, _label(event))
        except KeyboardInterrupt:
            live.cancel()
            raise
    assert live.latest is not None, "a run that ends well has said so"
    comparison = terminal.studio.evaluations.compare(terminal.actor, live.latest.run_id)
    _show(terminal, comparison)
    for ending in ENDINGS:
        if file := getattr(given, ending):
            _write(terminal, comparison.result.run.id, ending, file)


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
    """The sounds of a folder by file name; ValueError when there are none."""
    from studio.audio.decode import decode

    if folder is None:
        return {}
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
    rows.append(("set-up (s)", "–" if run.setup_s is None else f"{run.setup_s:.1f}", "", ""))
    if run.peak_bytes:
        rows.append(
            ("peak memory (MB)", f"{run.peak_bytes / 1e6:.0f}", "", "the whole process while speaking")
        )
    terminal.table("measure", "value", "95 %", "", rows=rows)
    correlated = comparison.correlation
    told = "–" if correlated.pearson is None else f"r = {correlated.pearson:.2f}"
    terminal.say(f"predicted MOS against listeners: {told}, n = {correlated.n}")


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
