"""`app.py verify` with the real watermarker, on files as they lie about."""

from pathlib import Path

import pytest

from studio.audio.encode import AudioFormat, encode
from studio.bootstrap import build_studio
from studio.settings import Settings
from studio.terminal.main import main
from tests.enrolling import real_speech


def test_files_are_told_apart_and_what_is_no_sound_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    storage = tmp_path / "storage"
    studio = build_studio(Settings(storage=storage, device="cpu"))
    real = real_speech(4.0)
    spoken = studio.marker.clip(real)
    signed = studio.marker.file(spoken, AudioFormat.WAV, "2026-11-23T08:00:00")
    studio.close()
    files = {
        "signed.wav": signed,
        "stripped.mp3": encode(spoken, AudioFormat.MP3),
        "person.flac": encode(real, AudioFormat.FLAC),
        "letter.wav": b"Dear Sir or Madam",
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    names = [str(tmp_path / name) for name in (*files, "gone.wav")]
    assert main(["--storage", str(storage), "verify", *names]) == 1
    told = capsys.readouterr()
    lines = {name: line for line in told.out.splitlines() for name in (*files, "gone.wav") if name in line}
    assert "generated here" in lines["signed.wav"] and "ours" in lines["signed.wav"]
    assert "generated (watermark)" in lines["stripped.mp3"] and "absent" in lines["stripped.mp3"]
    assert "no sign" in lines["person.flac"]
    assert "not checked" in lines["letter.wav"] and "not checked" in lines["gone.wav"]
    assert "2 of 5 files" in told.err
