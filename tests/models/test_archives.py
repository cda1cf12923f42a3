import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from studio.errors import Cancelled, ModelBroken, SourceUnavailable
from studio.models.archives import unpack


def wheel(path: Path, entries: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
        for name, content in entries.items():
            package.writestr(name, content)
    return path


def tarball(path: Path, entries: dict[str, bytes], link: str = "") -> Path:
    with tarfile.open(path, "w:gz") as package:
        for name, content in entries.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            package.addfile(entry, io.BytesIO(content))
        if link:
            entry = tarfile.TarInfo(link)
            entry.type, entry.linkname = tarfile.SYMTYPE, "/etc/passwd"
            package.addfile(entry)
    return path


MAKERS = [wheel, tarball]


@pytest.mark.parametrize("make", MAKERS)
def test_only_the_named_member_is_taken_out(tmp_path: Path, make) -> None:
    archive = make(tmp_path / "a", {"package/a.bin": b"abc", "package/setup.py": b"raise SystemExit"})
    unpack(archive, {"package/a.bin": (tmp_path / "out" / "a.bin", 3)}, "npm x", lambda: None)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a.bin"]
    assert (tmp_path / "out" / "a.bin").read_bytes() == b"abc"


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "package/../../evil", "package\\..\\evil"])
def test_an_archive_with_a_climbing_name_is_refused_whole(tmp_path: Path, make, name: str) -> None:
    archive = make(tmp_path / "a", {name: b"!", "package/a.bin": b"abc"})
    with pytest.raises(ModelBroken, match="outside the package"):
        unpack(archive, {"package/a.bin": (tmp_path / "out" / "a.bin", 3)}, "npm x", lambda: None)
    assert not (tmp_path / "out").exists()
    assert not (tmp_path.parent / "evil").exists()


@pytest.mark.parametrize("make", MAKERS)
def test_a_member_with_too_many_bytes_is_stopped_at_its_size(tmp_path: Path, make) -> None:
    archive = make(tmp_path / "a", {"a.bin": b"0" * 5_000_000})
    with pytest.raises(ModelBroken, match="more than the 3000000 bytes"):
        unpack(archive, {"a.bin": (tmp_path / "out" / "a.bin", 3_000_000)}, "npm x", lambda: None)
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("make", MAKERS)
def test_a_member_that_is_not_there_is_said(tmp_path: Path, make) -> None:
    archive = make(tmp_path / "a", {"other": b"abc"})
    with pytest.raises(SourceUnavailable, match=r"a\.bin"):
        unpack(archive, {"a.bin": (tmp_path / "a.bin", 3)}, "npm x", lambda: None)


def test_a_link_under_the_wanted_name_is_refused(tmp_path: Path) -> None:
    archive = tarball(tmp_path / "a", {}, link="a.bin")
    with pytest.raises(ModelBroken, match="link"):
        unpack(archive, {"a.bin": (tmp_path / "out" / "a.bin", 3)}, "npm x", lambda: None)


@pytest.mark.parametrize("content", [b"<html>blocked</html>", b""])
def test_something_that_is_no_archive_is_a_source_that_does_not_work(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.tgz"
    path.write_bytes(content)
    with pytest.raises(SourceUnavailable):
        unpack(path, {"a.bin": (tmp_path / "a.bin", 3)}, "npm x", lambda: None)


def test_a_truncated_package_is_a_source_that_does_not_work(tmp_path: Path) -> None:
    whole = tarball(tmp_path / "a", {"a.bin": bytes(range(256)) * 4000})
    whole.write_bytes(whole.read_bytes()[:-2000])
    with pytest.raises(SourceUnavailable):
        unpack(whole, {"a.bin": (tmp_path / "out" / "a.bin", 2_000_000)}, "npm x", lambda: None)
    assert not (tmp_path / "out" / "a.bin").exists()


def test_unpacking_can_be_cancelled_and_leaves_no_finished_file(tmp_path: Path) -> None:
    archive = wheel(tmp_path / "a", {"a.bin": b"0" * 3_000_000})

    def stop() -> None:
        raise Cancelled("models.cancelled", model="m")

    with pytest.raises(Cancelled):
        unpack(archive, {"a.bin": (tmp_path / "out" / "a.bin", 3_000_000)}, "npm x", stop)
    assert not (tmp_path / "out" / "a.bin").exists()
