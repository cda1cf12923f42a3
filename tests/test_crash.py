"""kill -9 at any moment: the next start finds no plaintext, no half row, and an intact chain."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import select

from studio.db.tables import Asset, EncodedVoice, Synthesis
from studio.privacy.access import Actor
from tests.conftest import Home
from tests.enrolling import enrol

ROOT = Path(__file__).parent.parent

CHILD = """
import sys, time
from pathlib import Path
from studio.settings import Settings
from studio.synthesis.requests import SynthesisRequest, VoiceChoice
from tests.conftest import open_home
from tests.fakes import FakeJudges

storage, voice_id, what = sys.argv[1:]
studio = open_home(Settings(storage=Path(storage), device="cpu"), FakeJudges())
actor = studio.accounts.actor_of(studio.accounts.ensure_administrator().id)
(studio.settings.scratch / "upload.wav").write_bytes(b"RIFF plaintext of a voice")
if what == "enrolment":
    engine = studio.engines.engine("fake")
    engine.encode_voice = lambda *a, **k: (print("working", flush=True), time.sleep(60))
    studio.enrolment.start(actor, voice_id, "fake").wait()
else:
    text = "Una frase che dura. " * 40
    request = SynthesisRequest(VoiceChoice(voice_id=voice_id), text, "it", "fake", {"delay_s": 0.3})
    for event in studio.synthesis.preview(actor, request).events():
        if event.stage == "speaking":
            print("working", flush=True)
"""


@pytest.mark.parametrize("what", ["enrolment", "generation"])
def test_kill_9_leaves_no_plaintext_and_no_half_row(home: Home, admin: Actor, what: str) -> None:
    voice = enrol(home.studio, admin)
    home.studio.close()
    arguments = [sys.executable, "-c", CHILD, str(home.settings.storage), voice.id, what]
    child = subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert child.stdout is not None and child.stdout.readline() == "working\n"
    time.sleep(0.1)
    os.killpg(child.pid, signal.SIGKILL)
    child.wait()

    studio = home.reopen()
    assert list(studio.settings.scratch.iterdir()) == []
    for path in home.settings.storage.rglob("*"):
        assert not path.is_file() or not {b"RIFF", b"fLaC"} & {path.read_bytes()[:4]}, path
    with studio.database.read() as session:
        assert session.scalars(select(Synthesis)).all() == []
        named = {row.asset_id for row in session.scalars(select(EncodedVoice))}
        assets = {row.id: row.kind for row in session.scalars(select(Asset))}
    assert {a for a, kind in assets.items() if kind == "voice_state"} == named
    assert {p.name for p in (home.settings.storage / "assets").glob("*/*")} == set(assets)
    assert studio.audit.verify(admin).intact
    assert studio.voices.view(admin, voice.id).usable


def test_a_second_process_does_not_wipe_what_the_first_one_is_using(home: Home, admin: Actor) -> None:
    (home.studio.settings.scratch / "upload.wav").write_bytes(b"in use")
    code = (
        "import sys\nfrom pathlib import Path\nfrom studio.settings import Settings\n"
        "from tests.conftest import open_home\nfrom tests.fakes import FakeJudges\n"
        "open_home(Settings(storage=Path(sys.argv[1])), FakeJudges()).close()"
    )
    subprocess.run([sys.executable, "-c", code, str(home.settings.storage)], cwd=ROOT, check=True)
    assert (home.studio.settings.scratch / "upload.wav").read_bytes() == b"in use"
