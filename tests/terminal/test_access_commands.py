"""Keys, backups, API keys and the audit log, from the terminal."""

import json
from pathlib import Path

import pytest

from studio.privacy import key_safe
from studio.terminal.main import main

PHRASE = "sei parole scelte a caso davvero"


def test_a_studio_moves_house_by_backup_and_saved_keys(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_safe, "PASSES", 1)
    monkeypatch.setattr(key_safe, "MEMORY_KIB", 64)
    old, new = str(tmp_path / "old"), str(tmp_path / "new")
    backup, keys, phrase = str(tmp_path / "a.timbro"), str(tmp_path / "keys.sealed"), tmp_path / "phrase"
    phrase.write_text(PHRASE + "\n")

    def run(storage: str, *command: str, code: int = 0) -> str:
        assert main(["--storage", storage, *command]) == code, command
        told = capsys.readouterr()
        return told.out + told.err

    made = run(old, "apikeys", "create", "centralino", "--days", "30")
    key = made.splitlines()[0]
    assert key.startswith("tmb_") and key not in run(old, "apikeys", "list")
    run(old, "backup", backup)
    assert "whole" in run(old, "backup", backup, "--check")
    run(old, "keys", "save", keys, "--passphrase-file", str(phrase))
    assert "never" not in run(old, "keys", "status")
    assert "in use" in run(old, "restore", backup, code=1) or "in uso" in run(old, "restore", backup, code=1)
    run(new, "restore", backup, code=1)  # no keys there yet
    run(new, "keys", "load", keys, "--passphrase-file", str(phrase))
    assert "restored" in run(new, "restore", backup)
    assert "centralino" in run(new, "apikeys", "list")
    heads = tmp_path / "heads.jsonl"
    run(new, "audit", "heads", str(heads))
    assert json.loads(heads.read_text())["signature"]
    assert "intact" in run(new, "audit", "verify", "--heads", str(heads))
    run(new, "audit", "export", str(tmp_path / "log.csv"), "--action", "backup")
    assert "backup.restored" in (tmp_path / "log.csv").read_text()
    run(old, "audit", "verify", "--heads", str(heads), code=1)  # another studio's chain
