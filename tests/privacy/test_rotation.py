"""The master key is exchanged while everything stays readable, wherever a crash cuts in."""

import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import tink
from sqlalchemy import select
from tink import proto_keyset_format, streaming_aead

from studio.db.database import Database
from studio.db.tables import SpeakerKeyset
from studio.errors import StorageTrouble
from studio.privacy.key_places import SystemPlace
from studio.privacy.keyring import Keyring, opened
from studio.privacy.rotation import is_unfinished, rotate
from studio.privacy.vault import Vault

ROOT = Path(__file__).parent.parent.parent


class Room:
    """A vault with three speakers, reopened at will."""

    def __init__(self, folder: Path, place: SystemPlace | None = None) -> None:
        self.folder, self.place = folder, place
        self.database = Database(folder / "studio.db")
        self.database.migrate()
        self.open()
        self.assets = {name: self.put(f"spk_{name}", f"words of {name}".encode()) for name in "abc"}

    def open(self) -> Vault:
        self.vault = Vault(
            self.folder / "assets", Keyring(self.folder / "keys" / "studio.key", place=self.place)
        )
        return self.vault

    def put(self, keyset_id: str, content: bytes) -> str:
        with self.database.write() as session:
            return self.vault.write(session, keyset_id, "take", content)

    def read_all(self, vault: Vault | None = None) -> list[bytes]:
        with self.database.read() as session:
            return [(vault or self.vault).read(session, asset_id) for asset_id in self.assets.values()]

    @property
    def words(self) -> list[bytes]:
        return [f"words of {name}".encode() for name in self.assets]


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path)


def test_after_a_rotation_the_new_key_opens_and_the_old_one_does_not(room: Room) -> None:
    master = room.folder / "keys" / "studio.key"
    old = master.read_text()
    done = rotate(room.vault.keyring)
    assert (done.keys, done.resumed) == (3, False)
    assert master.read_text() != old and stat.S_IMODE(master.stat().st_mode) == 0o400
    assert room.read_all() == room.words  # the process that was open all along
    assert room.read_all(room.open()) == room.words
    master.chmod(0o600)
    master.write_text(old)
    with pytest.raises(StorageTrouble):
        room.read_all(room.open())


def test_another_process_keeps_reading_and_writing_through_a_rotation(room: Room) -> None:
    other = Vault(room.folder / "assets", Keyring(room.folder / "keys" / "studio.key"))
    rotate(room.vault.keyring)
    assert room.read_all(other) == room.words
    with room.database.write() as session:
        made = other.write(session, "spk_new", "take", b"made with stale memory")
    with room.database.read() as session:
        assert room.open().read(session, made) == b"made with stale memory"


CHILD = """
import sys, time
from pathlib import Path
from studio.privacy.keyring import Keyring
from studio.privacy.rotation import rotate

folder, stop_at = Path(sys.argv[1]), int(sys.argv[2])
def report(done, total):
    if done == stop_at:
        print("here", flush=True)
        time.sleep(60)
keyring = Keyring(folder / "keys" / "studio.key")
if stop_at == 0:
    keyring.place.promote = lambda: (print("here", flush=True), time.sleep(60))
rotate(keyring, report)
"""


@pytest.mark.parametrize("stop_at", [1, 2, 3, 0])
def test_kill_9_in_the_middle_loses_nothing_and_the_next_run_finishes(room: Room, stop_at: int) -> None:
    command = [sys.executable, "-c", CHILD, str(room.folder), str(stop_at)]
    child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None and child.stdout.readline() == "here\n"
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    assert room.read_all() == room.words
    fresh = room.open()
    assert is_unfinished(fresh.keyring) and room.read_all() == room.words
    late = room.put("spk_late", b"made in between")
    assert rotate(fresh.keyring).resumed
    assert not is_unfinished(fresh.keyring) and room.read_all(room.open()) == room.words
    with room.database.read() as session:
        assert room.vault.read(session, late) == b"made in between"


def test_a_key_that_opens_with_neither_stops_the_rotation_and_harms_nobody(room: Room) -> None:
    broken = room.vault.keyring.speaker_file("spk_b")
    broken.write_bytes(b"rubbish")
    with pytest.raises(StorageTrouble):
        rotate(room.vault.keyring)
    fresh = room.open()
    with room.database.read() as session:
        assert fresh.read(session, room.assets["a"]) == b"words of a"
        assert fresh.read(session, room.assets["c"]) == b"words of c"


def test_a_destroyed_key_opens_nothing_though_the_row_comes_back(room: Room) -> None:
    """An old copy of the database, with the master key at hand: the speaker's own key is what is gone."""
    with room.database.read() as session:
        old = {row.speaker_id: row.wrapped for row in session.scalars(select(SpeakerKeyset))}
    sealed = next(room.folder.glob(f"assets/*/{room.assets['a']}")).read_bytes()
    with room.database.write() as session:
        room.vault.delete(session, room.assets["a"])
        session.flush()
        assert room.vault.keyring.destroy(session, "spk_a")
        assert not room.vault.keyring.destroy(session, "spk_a")
    assert not room.vault.keyring.speaker_file("spk_a").exists()
    with room.database.write() as session:  # as a restored backup would
        session.add(SpeakerKeyset(speaker_id="spk_a", wrapped=old["spk_a"]))
    with room.database.read() as session, pytest.raises(StorageTrouble) as caught:
        room.vault.keyring.find(session, "spk_a")
    assert caught.value.key == "privacy.keyset_gone"
    master = opened((room.folder / "keys" / "studio.key").read_text())
    with pytest.raises(tink.TinkError):
        proto_keyset_format.parse_encrypted(old["spk_a"], master, b"spk_a")
    del room.assets["a"]
    assert sealed and room.read_all() == room.words


def test_keysets_of_the_first_release_are_taken_over(room: Room) -> None:
    keyring = room.vault.keyring
    master = opened((room.folder / "keys" / "studio.key").read_text())
    handle = tink.new_keyset_handle(streaming_aead.streaming_aead_key_templates.AES256_GCM_HKDF_1MB)
    with room.database.write() as session:
        wrapped = proto_keyset_format.serialize_encrypted(handle, master, b"spk_old")
        session.add(SpeakerKeyset(speaker_id="spk_old", wrapped=wrapped))
        session.flush()
        sealed = keyring.find(session, "spk_old").seal(b"words", "n")
    with room.database.write() as session:
        assert keyring.upgrade(session) == 1
    with room.database.write() as session:
        assert keyring.upgrade(session) == 0
        assert keyring.find(session, "spk_old").open(sealed, "n") == b"words"
        with pytest.raises(tink.TinkError):
            row = session.get_one(SpeakerKeyset, "spk_old")
            proto_keyset_format.parse_encrypted(row.wrapped, master, b"spk_old")


def test_the_systems_keyring_can_keep_the_master_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import keyring
    from keyring.backend import KeyringBackend

    class Memory(KeyringBackend):
        priority = 1.0  # type: ignore[assignment]

        def __init__(self) -> None:
            super().__init__()
            self.kept: dict[tuple[str, str], str] = {}

        def get_password(self, service: str, username: str) -> str | None:
            return self.kept.get((service, username))

        def set_password(self, service: str, username: str, password: str) -> None:
            self.kept[service, username] = password

        def delete_password(self, service: str, username: str) -> None:
            del self.kept[service, username]

    before = keyring.get_keyring()
    try:
        keyring.set_keyring(Memory())
        room = Room(tmp_path, SystemPlace(tmp_path))
        assert not (tmp_path / "keys" / "studio.key").exists()
        rotate(room.vault.keyring)
        assert room.read_all(room.open()) == room.words
    finally:
        keyring.set_keyring(before)


def test_without_a_keyring_the_system_place_says_so(tmp_path: Path) -> None:
    import keyring
    from keyring.backends.fail import Keyring as NoKeyring

    before = keyring.get_keyring()
    try:
        keyring.set_keyring(NoKeyring())
        with pytest.raises(StorageTrouble) as caught:
            SystemPlace(tmp_path)
        assert caught.value.key == "privacy.no_keyring"
    finally:
        keyring.set_keyring(before)
