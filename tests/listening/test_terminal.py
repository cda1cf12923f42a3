"""`app.py listen`: make, open, results, export, close."""

from pathlib import Path

import pytest
from rich.console import Console
from sqlalchemy import select

from studio.audio.encode import AudioFormat, encode
from studio.bootstrap import Studio
from studio.consent.purposes import Purpose
from studio.db.tables import Synthesis, System
from studio.errors import InputRefused, NotFound
from studio.privacy.access import Actor
from studio.terminal.common import Terminal
from studio.terminal.main import parser
from tests.enrolling import PURPOSES, consent_form, enrol
from tests.listening.taking_part import SENTENCES, guest, patient, wide
from tests.training.scripted import stored, trainable_spec


@pytest.fixture
def terminal(studio: Studio) -> Terminal:
    made = Terminal(None)
    made._opened = studio
    made.screen = Console(width=200, record=True)
    made.complaints = Console(stderr=True, quiet=False)
    return made


def listen(terminal: Terminal, *arguments: str) -> str:
    given = parser().parse_args(["listen", *arguments])
    given.run(terminal, given)
    return terminal.screen.export_text()


def test_a_test_is_made_opened_read_exported_and_closed(
    terminal: Terminal, admin: Actor, tmp_path: Path
) -> None:
    studio, clock = terminal.studio, patient(terminal.studio)
    file = tmp_path / "sentences.txt"
    file.write_text("\n".join(SENTENCES), "utf-8")
    systems = ("--system", "preset:fake:tone=First", "--system", "preset:fake-preset:tone=Second")
    test_id = listen(terminal, "create", "Contest", str(file), *systems, "--training", "0").split()[-1]
    link = listen(terminal, "open", test_id, "--quota", "3").strip().removeprefix("/listen/")
    view = studio.listening.view(admin, test_id)
    assert (view.link, view.quota, view.seed >= 0) == (link, 3, True)
    for score in (4.0, 5.0):
        one = guest(studio, view, clock)
        one.join()
        marks = iter([score, 3.0] * 4)
        assert one.finish(lambda _, marks=marks: (next(marks),)) == 8
    told = listen(terminal, "results", test_id)
    assert "2 listeners, 16 ratings" in told and "First" in told and "Bradley-Terry" in told
    listen(terminal, "export", test_id, str(tmp_path / "ratings.csv"))
    assert len((tmp_path / "ratings.csv").read_text("utf-8-sig").splitlines()) == 17
    assert "16" in listen(terminal, "list")
    assert "closed, 16 ratings" in listen(terminal, "close", test_id, "--reveal")
    with pytest.raises(InputRefused):
        listen(terminal, "open", test_id)
    with pytest.raises(NotFound):
        listen(terminal, "export", test_id, str(tmp_path / "ratings.xlsx"))


def test_adapters_recordings_and_clips_are_systems_and_references_too(
    terminal: Terminal, admin: Actor, tmp_path: Path
) -> None:
    studio = terminal.studio
    studio.engines.register(trainable_spec())
    purposes = PURPOSES | {Purpose.LISTENING_TEST, Purpose.FINE_TUNE}
    voice = enrol(studio, admin, "Linda", consent=consent_form(studio, purposes))
    adapter_id = stored(studio, voice)
    folder, file = tmp_path / "clips", tmp_path / "sentences.txt"
    folder.mkdir()
    for number in range(2):
        (folder / f"{number}.wav").write_bytes(encode(wide(1.0, 120.0, number), AudioFormat.WAV))
    file.write_text("\n".join(SENTENCES[:2]), "utf-8")
    systems = (
        f"trained:{adapter_id}=Trained",
        f"clips:{folder}@voice:{voice.id}=Hers",
        f"clips:{folder}=Theirs",
    )
    given = [part for system in systems for part in ("--system", system)]
    reference = ("--reference", f"recordings:{voice.id}=Real", "--kind", "smos")
    told = listen(terminal, "create", "Sources", str(file), *given, *reference, "--attest", "--training", "0")
    assert "4 recordings or clips whose words nobody has checked" in told
    view = studio.listening.view(admin, told.split()[-1])
    assert [(system.name, system.source) for system in view.systems] == [
        ("Trained", "voice"), ("Hers", "clips"), ("Theirs", "clips"), ("Real", "recordings"),
    ]  # fmt: skip
    with studio.database.read() as session:
        assert set(session.scalars(select(Synthesis.adapter_id))) == {adapter_id}
        hers = session.get_one(System, view.systems[1].id)
        assert (hers.voice_id, session.get_one(System, view.systems[2].id).voice_id) == (voice.id, None)
    with pytest.raises(InputRefused):
        listen(terminal, "create", "None", str(file), "--system", f"clips:{tmp_path / 'nothing'}", "--attest")
