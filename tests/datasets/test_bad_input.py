"""What people send by mistake or on purpose: each a clear message, and nothing half-imported."""

import io
import shutil
import struct
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from studio.bootstrap import Studio
from studio.datasets.forms import Basis
from studio.errors import InputRefused, NotFound, NotPermitted, StudioError
from studio.privacy.access import Actor, Role
from studio.settings import Settings
from studio.voices.forms import VoiceView
from tests.conftest import open_home
from tests.datasets.making import (
    SENTENCES,
    ListeningJudges,
    brought,
    make,
    quiet,
    request_for,
    sound,
    table_zip,
    trainable,
    zipped,
)
from tests.datasets.test_service import nothing_is_left
from tests.sounds import RATE, wav_bytes

TWO = (SENTENCES[0], SENTENCES[1])

# Nothing is left behind, so one studio serves all of these tests.


@pytest.fixture(scope="module")
def judges() -> ListeningJudges:
    return ListeningJudges()


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory, judges: ListeningJudges) -> Iterator[Studio]:
    settings = Settings(storage=tmp_path_factory.mktemp("bad") / "storage", device="cpu")
    made = open_home(settings, judges)
    yield made
    made.close()


@pytest.fixture(scope="module")
def admin(studio: Studio) -> Actor:
    return studio.accounts.actor_of(studio.accounts.ensure_administrator().id)


@pytest.fixture(scope="module")
def voice(studio: Studio, admin: Actor) -> VoiceView:
    return trainable(studio, admin)


@pytest.fixture(autouse=True)
def clean(studio: Studio, admin: Actor) -> Iterator[None]:
    yield
    for view in studio.datasets.list(admin):
        studio.datasets.delete(admin, view.id)
    for folder in (studio.settings.import_folder, studio.settings.storage / "outside"):
        shutil.rmtree(folder, ignore_errors=True)


def bomb() -> bytes:
    """A few kB that unpack to 60 MB."""
    return zipped({"metadata.csv": b"path,text\na.wav,hello", "a.wav": b"\0" * 60_000_000})


def lying_bomb() -> bytes:
    """A zip whose entries overlap: many names for the same bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.wav", b"\0" * 2_000_000)
        entry = archive.getinfo("a.wav")
        for number in range(60):
            again = zipfile.ZipInfo(f"a{number}.wav")
            again.header_offset, again.compress_type = entry.header_offset, entry.compress_type
            again.CRC, again.compress_size, again.file_size = (
                entry.CRC,
                entry.compress_size,
                entry.file_size,
            )
            archive.filelist.append(again)
            archive.NameToInfo[again.filename] = again
    return out.getvalue()


def linked() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        link = zipfile.ZipInfo("a.wav")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    return out.getvalue()


def twice() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive, pytest.warns(UserWarning):
        for _ in range(2):
            archive.writestr("a.wav", sound(0))
    return out.getvalue()


def locked() -> bytes:
    """The encryption bit set, as a zip with a password has it."""
    data = bytearray(zipped({"a.wav": sound(0)}))
    place = data.rindex(b"PK\x01\x02") + 8
    struct.pack_into("<H", data, place, 1)
    return bytes(data)


def damaged(method: int) -> bytes:
    """A sound whose packed bytes were overwritten: what reads it meets that method's own error."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        archive.writestr("t.csv", "path,text\na.wav,hello there\nb.wav,and here")
        for number, name in enumerate(("a.wav", "b.wav")):
            archive.writestr(name, sound(number))
        start = archive.getinfo("a.wav").header_offset + 40
    data = bytearray(out.getvalue())
    data[start : start + 4000] = b"\xff" * 4000
    return bytes(data)


def with_table(table: str, **files: bytes) -> bytes:
    return zipped({"table.csv": table.encode(), **files})


WRONG: dict[str, tuple[Callable[[], bytes], str]] = {
    "a damaged zip": (lambda: damaged(zipfile.ZIP_DEFLATED), "datasets.unreadable"),
    "a damaged zip of the LZMA kind": (lambda: damaged(zipfile.ZIP_LZMA), "datasets.unreadable"),
    "an empty zip": (lambda: zipped({}), "datasets.empty_zip"),
    "no zip at all": (lambda: b"not a zip", "datasets.not_zip"),
    "a cut zip": (lambda: table_zip(TWO)[:2000], "datasets.not_zip"),
    "a bomb": (bomb, "datasets.bomb"),
    "an overlapping bomb": (lying_bomb, "datasets.bomb"),
    "a path that climbs": (lambda: zipped({"../../a.wav": sound(0)}), "datasets.unsafe"),
    "an absolute path": (lambda: zipped({"/etc/a.wav": sound(0)}), "datasets.unsafe"),
    "a Windows path": (lambda: zipped({"C:\\a.wav": sound(0)}), "datasets.unsafe"),
    "a link": (linked, "datasets.unsafe"),
    "a name twice": (twice, "datasets.twice"),
    "a password": (locked, "datasets.encrypted"),
    "a zip in a zip": (lambda: zipped({"inner.zip": table_zip(TWO)}), "datasets.no_sounds"),
    "no sounds": (lambda: zipped({"metadata.csv": b"path,text\na.wav,hi"}), "datasets.no_sounds"),
    "wrong columns": (
        lambda: with_table("name,words\na.wav,hello there", **{"a.wav": sound(0)}),
        "datasets.columns",
    ),
    "no head line": (lambda: with_table("a.wav,hello there", **{"a.wav": sound(0)}), "datasets.columns"),
    "a short line": (lambda: with_table("path,text\na.wav", **{"a.wav": sound(0)}), "datasets.short_line"),
    "no rows": (lambda: with_table("path,text\n", **{"a.wav": sound(0)}), "datasets.no_rows"),
    "missing audio": (
        lambda: with_table("path,text\na.wav,hello there\nb.wav,and here", **{"a.wav": sound(0)}),
        "datasets.missing",
    ),
    "a table that climbs": (
        lambda: with_table("path,text\n../../etc/passwd,hello", **{"a.wav": sound(0)}),
        "datasets.unsafe",
    ),
    "a table not in UTF-8": (
        lambda: zipped({"t.csv": "path,text\na.wav,perché".encode("cp1252"), "a.wav": sound(0)}),
        "datasets.not_utf8",
    ),
    "broken audio": (
        lambda: with_table(
            "path,text\na.wav,hello there\nb.wav,and here",
            **{"a.wav": sound(0), "b.wav": b"RIFF" + b"x" * 500},
        ),
        "datasets.unreadable",
    ),
    "another script": (
        lambda: table_zip(("Это первое предложение.", "А это второе.", "One in English.")),
        "datasets.other_script",
    ),
    "clips of 0.2 s": (
        lambda: zipped(
            {
                "t.csv": b"path,text\na.wav,hello there\nb.wav,and here",
                **{n: wav_bytes(quiet(0.2).samples, RATE) for n in ("a.wav", "b.wav")},
            }
        ),
        "datasets.none_too_short",
    ),
    "one clip": (lambda: table_zip(TWO[:1]), "datasets.one_sentence"),
    "one sentence twice": (lambda: table_zip((TWO[0], TWO[0].upper())), "datasets.one_sentence"),
    "no texts": (lambda: table_zip(("...", "-")), "datasets.none_no_text"),
    "clips of 2 s": (lambda: table_zip(TWO, 2.0), "datasets.none_short"),
    "silence": (
        lambda: zipped(
            {
                "t.csv": b"path,text\na.wav,hello there\nb.wav,and here",
                **{n: wav_bytes(quiet(2).samples, RATE) for n in ("a.wav", "b.wav")},
            }
        ),
        "datasets.none_silence",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_bad_input_is_refused_in_clear_words_and_leaves_nothing(
    case: str, studio: Studio, admin: Actor, voice: VoiceView, tmp_path: Path
) -> None:
    data, key = WRONG[case]
    with pytest.raises(StudioError) as refused:
        make(studio, admin, request_for(voice, brought(tmp_path / "brought", data())))
    assert refused.value.key == key
    for language in ("it", "en"):  # every placeholder is filled
        assert "{" not in refused.value.text(language)
    nothing_is_left(studio, tmp_path)


def test_rows_without_sound_can_be_left_out_and_are_counted(
    studio: Studio, admin: Actor, voice: VoiceView, tmp_path: Path
) -> None:
    table = "path,text\n" + "\n".join(f"c{n}.wav,{text}" for n, text in enumerate(SENTENCES[:5]))
    files = {f"c{n}.wav": sound(n) for n in range(3)} | {"c3.wav": b"RIFF" + b"x" * 500}
    request = request_for(voice, brought(tmp_path / "brought", with_table(table, **files)))
    view = make(studio, admin, replace(request, skip_unusable=True))
    assert dict(view.dropped_by_reason) == {"missing_sound": 1, "unreadable": 1}
    assert view.kept == 3


def test_a_zip_of_long_recordings_that_the_disk_cannot_hold_is_refused(
    studio: Studio, admin: Actor, voice: VoiceView, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studio.datasets.checks.free_bytes", lambda folder: 500_100_000)
    request = request_for(voice, brought(tmp_path / "brought", zipped({"long.wav": sound(0, 20.0)})))
    with pytest.raises(InputRefused) as refused:
        make(studio, admin, request)
    assert refused.value.key == "datasets.disk"
    nothing_is_left(studio, tmp_path)


def test_what_was_imported_can_be_removed_from_the_server_and_nothing_else(
    studio: Studio, admin: Actor, voice: VoiceView, import_root: Path, tmp_path: Path
) -> None:
    corpus_in(import_root / "mine")
    corpus_in(tmp_path / "secret")
    (import_root / "linked").symlink_to(tmp_path / "secret")
    live = studio.datasets.build(admin, request_for(voice, folder="mine"))
    live.wait()
    assert live.latest is not None and live.latest.folder == "mine", "whoever asked is told what is left"
    for name in ("linked", "..", "../outside", "", "mine/.."):
        with pytest.raises(NotFound):
            studio.datasets.leftovers.remove_folder(admin, name)
    (import_root / "mine" / "out").symlink_to(tmp_path / "secret")
    producer = studio.accounts.actor_of(studio.accounts.create(admin, "rosa", Role.PRODUCER).id)
    with pytest.raises(NotPermitted):
        studio.datasets.leftovers.remove_folder(producer, "mine")
    studio.datasets.leftovers.remove_folder(admin, "mine")
    assert not (import_root / "mine").exists()
    assert len(list((tmp_path / "secret").iterdir())) == 4


def test_texts_that_are_not_what_is_said_are_refused_as_a_whole(
    studio: Studio, admin: Actor, voice: VoiceView, tmp_path: Path, judges: ListeningJudges
) -> None:
    judges.ear.says = "Quite different words are heard in every one of these recordings."
    with pytest.raises(InputRefused) as refused:
        make(studio, admin, request_for(voice, brought(tmp_path / "brought", table_zip(TWO)), listen=True))
    assert refused.value.key == "datasets.none_other_words"
    nothing_is_left(studio, tmp_path)


# Folders of the server


@pytest.fixture
def import_root(studio: Studio) -> Path:
    root = studio.settings.import_folder
    root.mkdir()
    return root


def corpus_in(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "list.tsv").write_text(
        "path\ttext\n" + "\n".join(f"c{n}\t{t}" for n, t in enumerate(SENTENCES[:3]))
    )
    for number in range(3):
        (folder / f"c{number}.wav").write_bytes(sound(number))


def test_a_folder_below_the_import_root_is_imported_and_stays(
    studio: Studio, admin: Actor, voice: VoiceView, import_root: Path
) -> None:
    corpus_in(import_root / "mine")
    assert [name for name, _size in studio.datasets.folders(admin)] == ["mine"]
    view = make(studio, admin, request_for(voice, folder="mine"))
    assert view.kept == 3
    assert len(list((import_root / "mine").iterdir())) == 4


@pytest.mark.parametrize("name", ["..", "../outside", "/etc", "mine/../..", ".", "", "gone", "mine/inner"])
def test_nothing_but_what_lies_in_the_import_root_is_opened(
    name: str, studio: Studio, admin: Actor, voice: VoiceView, import_root: Path
) -> None:
    corpus_in(import_root / "mine" / "inner")
    corpus_in(import_root.parent / "outside")
    with pytest.raises((NotFound, InputRefused)) as refused:
        make(studio, admin, request_for(voice, folder=name or "\0"))
    assert refused.value.key == "datasets.no_folder"


def test_links_that_lead_out_of_the_import_root_are_refused(
    studio: Studio, admin: Actor, voice: VoiceView, import_root: Path, tmp_path: Path
) -> None:
    corpus_in(import_root / "mine")
    corpus_in(tmp_path / "secret")
    (import_root / "mine" / "c9.wav").symlink_to(tmp_path / "secret" / "c0.wav")
    with pytest.raises(InputRefused) as refused:
        make(studio, admin, request_for(voice, folder="mine"))
    assert refused.value.key == "datasets.leads_out"
    (import_root / "whole").symlink_to(tmp_path / "secret")
    assert [name for name, _size in studio.datasets.folders(admin)] == ["mine"]
    with pytest.raises(NotFound):
        make(studio, admin, request_for(voice, folder="whole"))


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"name": " "}, "datasets.no_name"),
        ({"name": "x" * 61}, "datasets.no_name"),
        ({"held_out_share": 0.0}, "datasets.share"),
        ({"held_out_share": 0.9}, "datasets.share"),
        ({"language": "tlh"}, "evaluation.language"),
        ({"format": "mystery"}, "datasets.format"),
        ({"speaker": "nobody"}, "datasets.no_speaker"),
        ({"basis": Basis.LICENCE, "licence": "y" * 200}, "datasets.note_too_long"),
        ({"folder": "mine"}, "datasets.one_source"),
    ],
)
def test_a_request_that_makes_no_sense_is_refused(
    change: dict[str, object], key: str, studio: Studio, admin: Actor, voice: VoiceView, tmp_path: Path
) -> None:
    request = request_for(voice, brought(tmp_path / "brought", table_zip(TWO)), **change)
    with pytest.raises(InputRefused) as refused:
        make(studio, admin, request)
    assert refused.value.key == key
