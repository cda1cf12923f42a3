"""`app.py evaluate`: a table on the screen, files, and honest refusals."""

import json
from pathlib import Path

import pytest
from rich.console import Console

from studio.audio.encode import AudioFormat, encode
from studio.bootstrap import Studio
from studio.errors import NotFound
from studio.privacy.access import Actor
from studio.synthesis.requests import SynthesisRequest, VoiceChoice
from studio.terminal.common import Terminal
from studio.terminal.evaluate import run
from studio.terminal.main import parser
from studio.voices.forms import VoiceView
from tests.enrolling import real_speech
from tests.scores.conftest import LINES, ScriptedEars, asked


@pytest.fixture
def terminal(studio: Studio) -> Terminal:
    made = Terminal(None)
    made._opened = studio
    made.screen = Console(width=200, record=True, quiet=False)
    made.complaints = Console(stderr=True, quiet=True)
    return made


def evaluate(terminal: Terminal, *arguments: str) -> str:
    run(terminal, parser().parse_args(["evaluate", *arguments]))
    return terminal.screen.export_text()


def test_a_voice_is_measured_over_a_file_with_recordings(
    terminal: Terminal, ears: ScriptedEars, voice: VoiceView, tmp_path: Path
) -> None:
    (tmp_path / "list.txt").write_text(LINES, "utf-8")
    (tmp_path / "read").mkdir()
    (tmp_path / "read" / "0002.wav").write_bytes(encode(real_speech(2.0), AudioFormat.WAV))
    ears.will_hear = [
        "premere uno per continuare",
        "il treno parte alle sette",
        "grazie e arrivederci",
        "il treno",
    ]
    files = {ending: tmp_path / f"out.{ending}" for ending in ("json", "html", "csv")}
    wishes = [argument for ending, file in files.items() for argument in (f"--{ending}", str(file))]
    told = evaluate(
        terminal, f"voice:{voice.id}", "--engine", "fake", "--sentences", str(tmp_path / "list.txt"),
        "--recordings", str(tmp_path / "read"), "--seed", "7", *wishes,
    )  # fmt: skip
    assert "8.3 %" in told and "60.0 %" in told and "n = 0" in told and "set-up (s)" in told
    found = json.loads(files["json"].read_text("utf-8"))
    assert found["run"]["seed"] == 7 and found["run"]["scores"]["mcd"]["n"] == 1
    assert files["csv"].read_text("utf-8").startswith("subject,") and "<svg" in files["html"].read_text(
        "utf-8"
    )


def test_takes_and_presets_are_measured_too(
    terminal: Terminal, studio: Studio, admin: Actor, ears: ScriptedEars
) -> None:
    request = SynthesisRequest(VoiceChoice(engine_id="fake", preset_id="tone"), "Buongiorno.", "it", "fake")
    take = studio.synthesis.preview(admin, request).take()
    ears.will_hear = ["buongiorno"]
    assert "0.0 %" in evaluate(terminal, "--takes", take.id)
    assert "it-calls, 2 sentences" in evaluate(
        terminal, "preset:fake:tone", "--sentences", "it-calls", "--most", "2"
    )


def test_no_voice_an_unknown_set_and_an_empty_folder_are_refused(terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text(LINES, "utf-8")
    with pytest.raises(ValueError, match="name a voice"):
        evaluate(terminal)
    with pytest.raises(NotFound):
        evaluate(terminal, "preset:fake:tone", "--sentences", "de-balanced")
    with pytest.raises(ValueError, match="no recordings"):
        arguments = ("--sentences", str(tmp_path / "list.txt"), "--recordings", str(tmp_path))
        evaluate(terminal, "preset:fake:tone", *arguments)


def test_a_file_that_cannot_be_written_is_refused_before_the_work(
    terminal: Terminal, studio: Studio, admin: Actor, tmp_path: Path
) -> None:
    for arguments in (("--json", str(tmp_path)), ("--csv", str(tmp_path / "no" / "where.csv"))):
        with pytest.raises(ValueError, match=arguments[0]):
            evaluate(terminal, "preset:fake:tone", "--most", "1", *arguments)
    assert studio.evaluations.results.runs(admin) == []


def test_a_folder_of_recordings_that_is_not_there_is_refused(terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text(LINES, "utf-8")
    arguments = ("--sentences", str(tmp_path / "list.txt"), "--recordings", str(tmp_path / "nope"))
    with pytest.raises(ValueError, match="no such folder"):
        evaluate(terminal, "preset:fake:tone", *arguments)


def test_a_run_that_was_done_is_shown_and_exported(
    terminal: Terminal, studio: Studio, admin: Actor, ears: ScriptedEars, voice: VoiceView, tmp_path: Path
) -> None:
    for speed in (1.0, 1.5):
        live = studio.evaluations.evaluate(admin, asked(voice.id, speed=speed))
        live.wait()
    runs = studio.evaluations.results.runs(admin)
    file = tmp_path / "out.json"
    told = evaluate(terminal, "--run", runs[0].id, "--json", str(file))
    assert json.loads(file.read_text("utf-8"))["run"]["id"] == runs[0].id
    assert len(studio.evaluations.results.runs(admin)) == 2, "nothing was measured anew"
    for column in ("set-up (s)", "training (h)", "memory (MB)", "listener MOS", "cost"):
        assert column in told
    assert "fake Linda speed=1.5" in told and told.count("zero_shot") == 2
    with pytest.raises(NotFound):
        evaluate(terminal, "--run", "run_nope")
