"""kill -9 at any moment: the next start finds no plaintext, no half row, and an intact chain."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import select

from studio.bootstrap import Studio
from studio.db.tables import (
    Asset,
    Base,
    ConsentRecord,
    EncodedVoice,
    ReferenceClip,
    Speaker,
    SpeakerKeyset,
    Synthesis,
    Voice,
)
from studio.engines.base import VoiceState
from studio.privacy.access import Actor
from studio.voices.service import decode_own
from tests.conftest import Home
from tests.enrolling import enrol, real_speech
from tests.fakes import buzz

ROOT = Path(__file__).parent.parent
NAMED_BY = (
    ReferenceClip.asset_id,
    EncodedVoice.asset_id,
    Synthesis.asset_id,
    ConsentRecord.recording_asset_id,
)
# How files begin that hold sound or a voice, long enough not to turn up in ciphertext by chance.
MARKERS = (
    b"WAVEfmt ",
    b"fLaC\0\0\0\x22",
    b"ID3\x03\0",
    b"ID3\x04\0",
    b"OggS\0\x02",
    b"__metadata__",
    b'"pitch_hz"',
)

# Each kind of work runs in earnest up to the moment, says so, and is held there until it is killed.
CHILD = """
import sys, time
from pathlib import Path
from studio.audio.encode import AudioFormat, encode
from studio.privacy.vault import Vault
from studio.settings import Settings
from studio.synthesis.requests import SynthesisRequest, VoiceChoice
from tests.conftest import open_home
from tests.enrolling import enrol, real_speech
from tests.fakes import FakeJudges

storage, voice_id, moment = sys.argv[1:]
studio = open_home(Settings(storage=Path(storage), device="cpu"), FakeJudges())
actor = studio.accounts.actor_of(studio.accounts.ensure_administrator().id)
(studio.settings.scratch / "upload.wav").write_bytes(encode(real_speech(8.0), AudioFormat.WAV))

def hold():
    print("working", flush=True)
    time.sleep(120)

def held_after_writing(number):
    seal, written = Vault._put, []
    def put(vault, asset_id, sealed):
        seal(vault, asset_id, sealed)
        written.append(asset_id)
        if len(written) == number:
            hold()
    Vault._put = put

if moment == "a voice is stored":
    held_after_writing(2)
    enrol(studio, actor, "Second")
elif moment == "a voice is fitted":
    engine = studio.engines.engine("fake")
    fit = engine.encode_voice
    engine.encode_voice = lambda clips, *, report, **rest: fit(clips, report=lambda p: (report(p), hold()), **rest)
    studio.enrolment.start(actor, voice_id, "fake").wait()
elif moment == "an encoding is stored":
    held_after_writing(1)
    studio.enrolment.start(actor, voice_id, "fake").wait()
else:
    studio.enrolment.start(actor, voice_id, "fake").wait()
    if moment == "a take is stored":
        held_after_writing(1)
    text = "Una frase che dura. " * 4
    request = SynthesisRequest(VoiceChoice(voice_id=voice_id), text, "it", "fake", {"delay_s": 0.05})
    for event in studio.synthesis.preview(actor, request).events():
        if event.stage == "speaking" and moment == "a take is spoken":
            hold()
"""
MOMENTS = (
    "a voice is stored",
    "a voice is fitted",
    "an encoding is stored",
    "a take is spoken",
    "a take is stored",
)


def killed(storage: Path, voice_id: str, moment: str) -> None:
    arguments = [sys.executable, "-c", CHILD, str(storage), voice_id, moment]
    child = subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert child.stdout is not None and child.stdout.readline() == "working\n"
    os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def plaintext(pitch_hz: float) -> list[bytes]:
    """Stretches of the recording and of what the engine says, as samples of the usual widths; and markers."""
    found = [*MARKERS]
    for clip in (real_speech(8.0), buzz(1.0, pitch_hz, 7)):
        stretch = clip.samples[len(clip.samples) // 2 :][:64]
        found += [stretch.tobytes(), (stretch * 32767).astype("<i2").tobytes()]
        found.append(np.rint(stretch * 32768).astype("<i2").tobytes())
    return found


def in_plain(storage: Path, wanted: list[bytes]) -> list[Path]:
    files = [path for path in storage.rglob("*") if path.is_file()]
    return [path for path in files if any(one in path.read_bytes() for one in wanted)]


def check_rows(studio: Studio) -> None:
    """Every row has its sealed file and every file its row; what they hold can be opened and read."""
    with studio.database.read() as session:
        named = {one for column in NAMED_BY for one in session.scalars(select(column))}
        assets = {row.id: row for row in session.scalars(select(Asset))}
        assert named == set(assets)
        for row in assets.values():
            data = studio.vault.read(session, row.id)
            assert len(data) == row.size_bytes
            if row.kind == "voice_state":
                VoiceState.from_bytes(data)
            else:
                assert decode_own(data).duration_s > 0
        speakers = set(session.scalars(select(Speaker.id)))
        assert set(session.scalars(select(Voice.speaker_id))) == speakers
        assert speakers <= set(session.scalars(select(SpeakerKeyset.speaker_id)))
    files = {path.name for path in (studio.settings.storage / "assets").glob("*/*")}
    assert files == set(assets)


@pytest.mark.parametrize("moment", MOMENTS)
def test_kill_9_leaves_no_plaintext_and_no_half_row(home: Home, admin: Actor, moment: str) -> None:
    voice = enrol(home.studio, admin)
    with home.studio.database.read() as session:
        (content_id,) = session.scalars(select(ReferenceClip.content_id))
    before = {table.name: _count(home.studio, table.name) for table in Base.metadata.sorted_tables}
    home.studio.close()
    killed(home.settings.storage, voice.id, moment)

    studio = home.reopen()
    assert list(studio.settings.scratch.iterdir()) == []
    assert in_plain(home.settings.storage, plaintext(100 + int(content_id[:4], 16) % 150)) == []
    check_rows(studio)
    assert _count(studio, "synthesis") == 0 and _count(studio, "voice") == before["voice"] == 1
    fitted = int(moment.startswith("a take"))
    assert _count(studio, "encoded_voice") == fitted
    assert studio.audit.verify(admin).intact
    assert studio.voices.view(admin, voice.id).usable


def test_the_search_for_plaintext_finds_it(tmp_path: Path) -> None:
    """The test above would be worth nothing if its search found nothing."""
    from studio.audio.encode import AudioFormat, encode

    state = VoiceState("fake", {"pitch_hz": np.ones(1, np.float32)}, {})
    kept = {f"{one}.bin": encode(real_speech(8.0), one) for one in (AudioFormat.WAV, AudioFormat.FLAC)}
    kept |= {"state": state.to_bytes(), "samples": b"x" * 999 + buzz(1.0, 123, 7).samples.tobytes()}
    for name, data in kept.items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / "noise").write_bytes(os.urandom(100_000))
    assert {path.name for path in in_plain(tmp_path, plaintext(123))} == set(kept)


def _count(studio: Studio, table: str) -> int:
    with studio.database.read() as session:
        return len(session.execute(select(Base.metadata.tables[table])).all())


def test_a_second_process_does_not_wipe_what_the_first_one_is_using(home: Home, admin: Actor) -> None:
    (home.studio.settings.scratch / "upload.wav").write_bytes(b"in use")
    code = (
        "import sys\nfrom pathlib import Path\nfrom studio.settings import Settings\n"
        "from tests.conftest import open_home\nfrom tests.fakes import FakeJudges\n"
        "open_home(Settings(storage=Path(sys.argv[1])), FakeJudges()).close()"
    )
    subprocess.run([sys.executable, "-c", code, str(home.settings.storage)], cwd=ROOT, check=True)
    assert (home.studio.settings.scratch / "upload.wav").read_bytes() == b"in use"
