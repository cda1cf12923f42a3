"""Backup and the restore drill: everything comes back, damage is found, an erased speaker stays erased."""

import io
import json
import shutil
import sqlite3
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from studio.errors import InputRefused, StorageTrouble
from studio.privacy import key_safe
from studio.privacy.access import Actor
from studio.privacy.keyring import open_keyring
from studio.privacy.restore import RestoreView, check, restore
from studio.privacy.rotation import rotate
from studio.settings import Settings
from studio.synthesis.requests import SynthesisRequest, VoiceChoice
from tests.conftest import Home, open_home
from tests.enrolling import enrol

PHRASE = "sei parole scelte a caso davvero"
TEXT = "Una frase riservata della persona numero"


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """The passphrase's hash without its cost."""
    monkeypatch.setattr(key_safe, "PASSES", 1)
    monkeypatch.setattr(key_safe, "MEMORY_KIB", 64)


@dataclass
class Filled:
    """A studio with two enrolled voices and a take of each, backed up."""

    home: Home
    admin: Actor
    backup: Path
    voices: list[str]
    speakers: list[str]
    takes: list[str]
    sounds: list[str]

    def restored(self, folder: Path, *, keys: bool = True) -> tuple[Settings, RestoreView]:
        settings = Settings(storage=folder, device="cpu")
        if keys:
            shutil.copytree(self.home.settings.keys_folder, settings.keys_folder, dirs_exist_ok=True)
        return settings, restore(settings, "terminal", self.backup)


@pytest.fixture
def filled(home: Home, admin: Actor, tmp_path: Path) -> Filled:
    studio, made = home.studio, []
    for number in (1, 2):
        voice = enrol(studio, admin, f"Voce riservata {number}")
        request = SynthesisRequest(VoiceChoice(voice_id=voice.id), f"{TEXT} {number}.", "it", "fake")
        take = studio.synthesis.preview(admin, request).take()
        made.append((voice, take.id, studio.synthesis.takes.clip(admin, take.id).content_id))
    file = tmp_path / "one.timbro"
    view = studio.backups.write(admin.account_id, file)
    assert view.speakers == 2 and view.assets >= 6 and view.size_bytes == file.stat().st_size
    return Filled(
        home, admin, file, [v.id for v, _, _ in made], [v.speaker_id for v, _, _ in made],
        [t for _, t, _ in made], [s for _, _, s in made],
    )  # fmt: skip


def members(file: Path) -> dict[str, bytes]:
    with tarfile.open(file) as archive:
        return {m.name: archive.extractfile(m).read() for m in archive}  # type: ignore[union-attr]


def rewritten(file: Path, change: Callable[[dict[str, bytes]], None]) -> Path:
    """The backup with its members changed by `change`."""
    found = members(file)
    change(found)
    changed = file.with_name("changed.timbro")
    with tarfile.open(changed, "w") as archive:
        for name, data in found.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return changed


def test_the_restore_drill(filled: Filled, tmp_path: Path) -> None:
    settings, view = filled.restored(tmp_path / "elsewhere")
    assert (view.speakers, view.left_out, view.mended) == (2, (), 0)
    studio = open_home(settings, filled.home.judges)
    try:
        assert [
            studio.synthesis.takes.clip(filled.admin, t).content_id for t in filled.takes
        ] == filled.sounds
        assert {v.name for v in studio.voices.browse(filled.admin)} == {
            "Voce riservata 1",
            "Voce riservata 2",
        }
        assert all(studio.voices.view(filled.admin, v).usable for v in filled.voices)
        verdict = studio.audit.verify(filled.admin)
        assert verdict.intact and studio.audit.read(filled.admin, 1)[0].action == "backup.restored"
        request = SynthesisRequest(VoiceChoice(voice_id=filled.voices[0]), "Ancora.", "it", "fake")
        assert studio.synthesis.preview(filled.admin, request).take().id
    finally:
        studio.close()


def test_a_backup_holds_no_key_no_name_and_no_text_in_plain(filled: Filled) -> None:
    raw = filled.backup.read_bytes()
    for word in (
        TEXT.encode(),
        b"Voce riservata",
        b"Linda Real",
        b"linda@x.example",
        b"SQLite format",
        b"fLaC",
    ):
        assert word not in raw, word
    for path in filled.home.settings.keys_folder.rglob("*"):
        if path.is_file() and path.stat().st_size > 40 and path.name != "audit-head.json":
            assert path.read_bytes() not in raw, path
    assert filled.backup.stat().st_mode & 0o077 == 0
    assert not [name for name in members(filled.backup) if "key" in name and name != "keyset"]


def test_an_older_backup_shows_nothing_of_a_speaker_who_was_erased_since(
    filled: Filled, tmp_path: Path
) -> None:
    filled.home.studio.voices.withdraw(filled.admin, filled.voices[0])
    settings, view = filled.restored(tmp_path / "elsewhere")
    assert view.left_out == (filled.speakers[0],) and view.speakers == 1
    for path in settings.storage.rglob("*"):
        if path.is_file():
            assert (
                b"Voce riservata 1" not in path.read_bytes() and f"{TEXT} 1".encode() not in path.read_bytes()
            )
    studio = open_home(settings, filled.home.judges)
    try:
        assert [v.id for v in studio.voices.browse(filled.admin)] == [filled.voices[1]]
        assert studio.synthesis.takes.clip(filled.admin, filled.takes[1]).content_id == filled.sounds[1]
        assert studio.audit.verify(filled.admin).intact
    finally:
        studio.close()


def test_with_every_key_but_the_erased_speakers_the_old_backup_does_not_open(filled: Filled) -> None:
    keyring = filled.home.studio.vault.keyring
    found = members(filled.backup)
    keyset = keyring.unwrap("studio", found["keyset"])
    database = filled.backup.with_name("opened.db")
    database.write_bytes(keyset.open(found["database"], "backup|database"))
    with sqlite3.connect(database) as copy:
        wrapped = dict(copy.execute("select speaker_id, wrapped from speaker_keyset").fetchall())
        assert copy.execute("select count(*) from voice").fetchone() == (0,)
        assert copy.execute("select count(*) from synthesis").fetchone() == (0,)
    speaker = filled.speakers[0]
    sealed = found[f"speakers/{speaker}"]
    assert b"Voce riservata 1" in keyring.unwrap(speaker, wrapped[speaker]).open(sealed, f"backup|{speaker}")
    filled.home.studio.voices.withdraw(filled.admin, filled.voices[0])
    with pytest.raises(StorageTrouble):
        keyring.unwrap(speaker, wrapped[speaker])
    assert keyring.unwrap(filled.speakers[1], wrapped[filled.speakers[1]])


def test_a_storage_in_use_is_not_overwritten(filled: Filled) -> None:
    before = filled.home.settings.database_file.read_bytes()
    with pytest.raises(InputRefused) as caught:
        restore(filled.home.settings, "terminal", filled.backup)
    assert caught.value.key == "backup.not_empty"
    assert filled.home.settings.database_file.read_bytes() == before
    with pytest.raises(InputRefused):
        filled.home.studio.backups.write("acc", filled.backup)


def test_without_the_keys_nothing_is_restored(filled: Filled, tmp_path: Path) -> None:
    with pytest.raises(StorageTrouble) as caught:
        filled.restored(tmp_path / "elsewhere", keys=False)
    assert caught.value.key == "backup.no_keys"
    assert not (tmp_path / "elsewhere" / "studio.db").exists()


def flip(name: str) -> Callable[[dict[str, bytes]], None]:
    def change(found: dict[str, bytes]) -> None:
        real = next(n for n in found if n.startswith(name))
        data = bytearray(found[real])
        data[len(data) // 2] ^= 1
        found[real] = bytes(data)

    return change


def renamed(found: dict[str, bytes]) -> None:
    found["../../evil"] = found.pop(next(n for n in found if n.startswith("assets/")))


def missing(found: dict[str, bytes]) -> None:
    del found[next(n for n in found if n.startswith("assets/"))]


def added(found: dict[str, bytes]) -> None:
    found["assets/aa/ast_aa"] = b"stowaway"


def believed(found: dict[str, bytes]) -> None:
    """An asset exchanged, and the manifest with it."""
    import hashlib

    name = next(n for n in found if n.startswith("assets/"))
    found[name] = b"x" * len(found[name])
    told = json.loads(found["manifest.json"])
    told["entries"][name]["sha256"] = hashlib.sha256(found[name]).hexdigest()
    found["manifest.json"] = json.dumps(told).encode()


@pytest.mark.parametrize(
    "change",
    [
        flip("assets/"),
        flip("database"),
        flip("speakers/"),
        flip("manifest.json"),
        renamed,
        missing,
        added,
        believed,
    ],
)
def test_damage_and_tampering_are_found_and_leave_the_storage_empty(
    filled: Filled, tmp_path: Path, change: Callable[[dict[str, bytes]], None]
) -> None:
    filled.backup = rewritten(filled.backup, change)
    with pytest.raises(StorageTrouble):
        filled.restored(tmp_path / "elsewhere")
    left = [p.name for p in (tmp_path / "elsewhere").iterdir()]
    assert left == ["keys"]


def test_a_backup_that_was_cut_off_is_found(filled: Filled) -> None:
    assert len(check(filled.backup).speakers) == 2
    data = filled.backup.read_bytes()
    for size in (len(data) // 2, len(data) - 20_000, 100, 0):
        filled.backup.write_bytes(data[:size])
        with pytest.raises(StorageTrouble):
            check(filled.backup)


def test_links_in_an_archive_are_refused(filled: Filled, tmp_path: Path) -> None:
    with tarfile.open(filled.backup, "a") as archive:
        info = tarfile.TarInfo("assets/aa/ast_link")
        info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(info)
    with pytest.raises(StorageTrouble):
        filled.restored(tmp_path / "elsewhere")


def test_a_backup_restores_after_the_master_key_was_exchanged(filled: Filled, tmp_path: Path) -> None:
    rotate(filled.home.studio.vault.keyring)
    assert filled.restored(tmp_path / "elsewhere")[1].speakers == 2


def test_the_log_says_what_a_restore_went_back_behind(filled: Filled, tmp_path: Path) -> None:
    studio = filled.home.studio
    studio.accounts.set_language(filled.admin, "en")  # after the backup
    settings, _ = filled.restored(tmp_path / "elsewhere")
    restored = open_home(settings, filled.home.judges)
    try:
        verdict = restored.audit.verify(filled.admin)
        assert verdict.intact and verdict.lost_after is not None
    finally:
        restored.close()


def test_saved_keys_come_back_with_the_passphrase_alone(filled: Filled, tmp_path: Path) -> None:
    keyring = filled.home.studio.vault.keyring
    with pytest.raises(InputRefused):
        key_safe.save(keyring, "too short")
    saved = key_safe.save(keyring, PHRASE)
    assert (filled.home.settings.master_key_file).read_bytes()[:40] not in saved
    settings = Settings(storage=tmp_path / "new", device="cpu")
    for data, phrase in ((saved, PHRASE + "x"), (saved[:-1], PHRASE), (b"rubbish", PHRASE)):
        with pytest.raises(StorageTrouble):
            key_safe.load(settings, data, phrase)
    assert key_safe.load(settings, saved, PHRASE) == 3  # two speakers and the studio
    with pytest.raises(InputRefused):
        key_safe.load(settings, saved, PHRASE)
    assert restore(settings, "terminal", filled.backup).speakers == 2
    assert open_keyring(settings).place.read("master") == keyring.place.read("master")


def test_the_studio_says_when_the_saved_keys_hold_one_that_was_destroyed(filled: Filled) -> None:
    settings, keyring = filled.home.settings, filled.home.studio.vault.keyring
    assert key_safe.status(settings, keyring).saved_at is None
    key_safe.save(keyring, PHRASE)
    assert not key_safe.status(settings, keyring).stale
    filled.home.studio.voices.withdraw(filled.admin, filled.voices[0])
    assert key_safe.status(settings, keyring).stale
    key_safe.save(keyring, PHRASE)
    assert not key_safe.status(settings, keyring).stale


def test_writing_goes_on_while_a_backup_is_written(filled: Filled, tmp_path: Path) -> None:
    studio, made = filled.home.studio, []

    def meanwhile(done: int, total: int) -> None:
        if not made:
            made.append(studio.accounts.set_language(filled.admin, "en"))

    studio.backups.write("acc", tmp_path / "two.timbro", meanwhile)
    assert made and len(check(tmp_path / "two.timbro").speakers) == 2
    assert not [p for p in studio.settings.scratch.iterdir() if p.name.startswith("backup-")]
