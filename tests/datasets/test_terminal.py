"""`app.py datasets`: import with a bar, review, delete; people's own files stay where they are."""

from pathlib import Path

import pytest
from rich.console import Console

from studio.bootstrap import Studio
from studio.errors import InputRefused
from studio.privacy.access import Actor
from studio.terminal.common import Terminal
from studio.terminal.main import parser
from studio.voices.forms import VoiceView
from tests.datasets.making import SENTENCES, ListeningJudges, as_imported, table_zip


@pytest.fixture
def terminal(studio: Studio) -> Terminal:
    made = Terminal(None)
    made._opened = studio
    made.screen = Console(width=220, record=True, quiet=False)
    made.complaints = Console(stderr=True, quiet=True)
    return made


def run(terminal: Terminal, *arguments: str) -> str:
    given = parser().parse_args(["datasets", *arguments])
    given.run(terminal, given)
    return terminal.screen.export_text()


def test_a_corpus_is_imported_reviewed_and_deleted(
    terminal: Terminal, studio: Studio, admin: Actor, voice: VoiceView, tmp_path: Path
) -> None:
    file = tmp_path / "corpus.zip"
    file.write_bytes(table_zip(SENTENCES[:4]))
    told = run(
        terminal, "import", str(file), "--voice", f"voice:{voice.id}", "--name", "Mine", "--language", "en",
        "--no-listening",
    )  # fmt: skip
    assert "4 clips kept" in told
    assert file.exists()
    (view,) = studio.datasets.list(admin)
    assert "Mine" in run(terminal, "list")
    shown = run(terminal, "review", view.id)
    assert all(text in shown for text in SENTENCES[:4])
    clip = next(word for word in shown.split() if word.startswith("utt_"))
    told = run(terminal, "review", view.id, "--drop", clip, "--show", "dropped")
    assert "left out: person" in told
    assert studio.datasets.view(admin, view.id).kept == 3
    run(terminal, "delete", view.id, "--yes")
    assert studio.datasets.list(admin) == []


def test_a_licence_is_attested_and_approved_from_the_terminal(
    terminal: Terminal,
    studio: Studio,
    admin: Actor,
    voice: VoiceView,
    judges: ListeningJudges,
    tmp_path: Path,
) -> None:
    judges.voices = {as_imported(n): n for n in range(8)}
    file = tmp_path / "corpus.zip"
    file.write_bytes(table_zip())
    asked = ("import", str(file), "--voice", voice.id, "--name", "Many", "--language", "en", "--no-listening",
             "--licence", "CC-BY-4.0")  # fmt: skip
    with pytest.raises(InputRefused) as refused:
        run(terminal, *asked)
    assert refused.value.key == "datasets.not_attested"
    assert "waits for a reviewer" in run(terminal, *asked, "--attest")
    (view,) = studio.datasets.list(admin)
    run(terminal, "approve", view.id)  # nobody else may review here: one person decides, and the log says so
    assert studio.datasets.view(admin, view.id).rights == "approved"


def test_a_file_that_is_not_there_and_a_broken_zip_are_told(
    terminal: Terminal, voice: VoiceView, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match="no such file"):
        run(terminal, "import", str(tmp_path / "gone.zip"), "--voice", voice.id, "--name", "x")
    (tmp_path / "bad.zip").write_bytes(b"nothing")
    with pytest.raises(InputRefused):
        run(terminal, "import", str(tmp_path / "bad.zip"), "--voice", voice.id, "--name", "x")
