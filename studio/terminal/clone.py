"""`app.py clone`: one take or a batch, with the scores under it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from studio.synthesis.requests import PreviewEvent, SynthesisRequest, Take
    from studio.terminal.common import Terminal

FORMATS = ("wav", "flac", "mp3", "ogg-opus", "mulaw")


def declare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("voice", help="voice:<id> or preset:<engine>:<preset> (see `voices list`)")
    parser.add_argument("text", nargs="?", help="what to say; without it, standard input is read")
    parser.add_argument("--batch", type=Path, help="a CSV with a column text, or one sentence per line")
    parser.add_argument("--language", default="it")
    parser.add_argument("--engine", help="default: the preset's engine, or the best that clones here")
    parser.add_argument("--speed", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--option", action="append", metavar="NAME=VALUE", help="an option of the engine; repeatable"
    )
    parser.add_argument(
        "--adapter", default="", help="an adapter or checkpoint of the voice (see `jobs adapters`)"
    )
    parser.add_argument("--commercial", action="store_true", help="the take is for commercial use")
    parser.add_argument("--fresh", action="store_true", help="do not take it from the phrase cache")
    parser.add_argument(
        "--notice",
        action=argparse.BooleanOptionalAction,
        help="begin with the spoken notice that the voice is synthetic (default: TIMBRO_SPOKEN_NOTICE)",
    )
    parser.add_argument("--format", choices=FORMATS, default="wav")
    parser.add_argument("--out", type=Path, help="file to write (a zip for a batch)")
    parser.set_defaults(run=run)


def run(terminal: Terminal, given: argparse.Namespace) -> None:
    if given.batch:
        _batch(terminal, given)
        return
    request = _request(terminal, given, given.text or sys.stdin.read())
    preview = terminal.studio.synthesis.preview(terminal.actor, request)
    with terminal.bar("waiting") as bar:
        try:
            for event in preview.events():
                bar.move(1.0 if event.take else event.fraction, _label(event))
        except KeyboardInterrupt:
            preview.cancel()
            raise
    take = preview.take()
    if given.out:
        given.out.write_bytes(terminal.studio.synthesis.audio(terminal.actor, take.id, given.format)[0])
    terminal.say(_line(take))


def _request(terminal: Terminal, given: argparse.Namespace, text: str) -> SynthesisRequest:
    from studio.consent.purposes import Purpose
    from studio.synthesis.requests import SynthesisRequest, VoiceChoice
    from studio.terminal.common import cloner_of, options_of

    voice = VoiceChoice.parse(given.voice)
    options = {**options_of(given.option), "speed": given.speed, "seed": given.seed}
    purpose = Purpose.COMMERCIAL_USE if given.commercial else Purpose.INTERNAL_USE
    engine_id = given.engine or voice.engine_id
    engine_id = engine_id or cloner_of(terminal, given.language, commercial=given.commercial)
    notice = terminal.settings.spoken_notice if given.notice is None else given.notice
    return SynthesisRequest(
        voice,
        text,
        given.language,
        engine_id,
        options,
        purpose,
        given.adapter,
        fresh=given.fresh,
        notice=notice,
    )


def _label(event: PreviewEvent) -> str:
    return f"{event.stage} ({event.ahead} before)" if event.stage == "queued" else event.stage


def _line(take: Take) -> str:
    scores = {"similarity": take.similarity, "predicted MOS": take.predicted_mos, "WER": take.wer}
    shown = ", ".join(f"{name} {value:.2f}" for name, value in scores.items() if value is not None)
    cached = " (from the phrase cache)" if take.cached else ""
    timing = f"{take.duration_s:.1f} s, RTF {take.rtf:.2f}, first sound {take.first_sound_s:.2f} s"
    return f"{take.id}{cached}: {timing}, {shown}"


def _batch(terminal: Terminal, given: argparse.Namespace) -> None:
    from studio.synthesis.batch import rows_of

    rows = rows_of(given.batch.read_text(encoding="utf-8-sig"))
    live = terminal.studio.batches.start(terminal.actor, rows, _request(terminal, given, ""))
    batch_id = ""
    with terminal.bar("batch") as bar:
        try:
            for event in live.events():
                batch_id = event.batch_id
                bar.move(event.done / event.total, f"{event.done}/{event.total}")
                if event.trouble:
                    terminal.say(f"line {event.done}: {event.trouble}")
        except KeyboardInterrupt:
            live.cancel()
            raise
    out = given.out or Path(f"{batch_id}.zip")
    with out.open("wb") as file:
        for piece in terminal.studio.batches.zip(terminal.actor, batch_id, given.format):
            file.write(piece)
    terminal.say(f"{out}: {live.latest.done if live.latest else 0} lines")
