"""Assets are sealed, bound to their name and speaker, and gone with their key."""

import stat
from pathlib import Path

import pytest
from sqlalchemy import delete

from studio.db.database import Database
from studio.db.tables import Asset, SpeakerKeyset
from studio.errors import StorageTrouble
from studio.privacy.keyring import Keyring
from studio.privacy.vault import Vault

SECRET = b"the speaker's own words " * 100


class Room:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.database = Database(folder / "studio.db")
        self.database.migrate()
        self.vault = Vault(folder / "assets", Keyring(folder / "keys" / "studio.key"))

    def put(self, keyset_id: str, content: bytes = SECRET) -> str:
        with self.database.write() as session:
            return self.vault.write(session, keyset_id, "reference_clip", content)

    def get(self, asset_id: str) -> bytes:
        with self.database.read() as session:
            return self.vault.read(session, asset_id)

    def file(self, asset_id: str) -> Path:
        return next(self.folder.glob(f"assets/*/{asset_id}"))


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path)


def test_what_is_written_is_read_back_and_nothing_of_it_lies_in_plain(room: Room) -> None:
    asset_id = room.put("spk_a")
    assert room.get(asset_id) == SECRET
    for path in room.folder.rglob("*"):
        assert not path.is_file() or SECRET[:24] not in path.read_bytes(), path


def test_the_key_file_can_be_read_by_its_owner_alone(room: Room) -> None:
    assert stat.S_IMODE((room.folder / "keys" / "studio.key").stat().st_mode) == 0o400


def test_changed_cut_and_swapped_ciphertext_is_refused(room: Room) -> None:
    first, second = room.put("spk_a"), room.put("spk_a", b"other" * 500)
    sealed = room.file(first).read_bytes()
    for spoilt in (
        sealed[:-1],
        sealed[:60] + bytes([sealed[60] ^ 1]) + sealed[61:],
        room.file(second).read_bytes(),
    ):
        room.file(first).write_bytes(spoilt)
        with pytest.raises(StorageTrouble):
            room.get(first)


def test_ciphertext_of_one_speaker_does_not_open_as_another_s(room: Room) -> None:
    first, second = room.put("spk_a"), room.put("spk_b")
    room.file(second).write_bytes(room.file(first).read_bytes())
    with pytest.raises(StorageTrouble):
        room.get(second)


def test_without_its_keyset_an_asset_is_lost_for_good(room: Room) -> None:
    kept, lost = room.put("spk_a"), room.put("spk_b")
    with room.database.write() as session:
        session.execute(delete(Asset).where(Asset.id == lost))
        session.execute(delete(SpeakerKeyset).where(SpeakerKeyset.speaker_id == "spk_b"))
    with pytest.raises(StorageTrouble):
        room.get(lost)
    assert room.get(kept) == SECRET


def test_another_key_file_opens_nothing(room: Room) -> None:
    asset_id = room.put("spk_a")
    stranger = Vault(room.folder / "assets", Keyring(room.folder / "keys" / "other.key"))
    with room.database.read() as session, pytest.raises(StorageTrouble) as trouble:
        stranger.read(session, asset_id)
    assert trouble.value.key == "privacy.wrong_key"


def test_a_rolled_back_write_leaves_a_sealed_file_that_the_sweep_removes(room: Room) -> None:
    kept = room.put("spk_a")
    with pytest.raises(RuntimeError), room.database.write() as session:
        room.vault.write(session, "spk_a", "take", SECRET)
        raise RuntimeError("killed")
    (room.folder / "assets" / "zz").mkdir()
    (room.folder / "assets" / "zz" / "half.part").write_bytes(b"x")
    with room.database.read() as session:
        assert room.vault.sweep(session) == 2
        assert room.vault.sweep(session) == 0
    assert room.get(kept) == SECRET
