"""Takes each guard of the 35 attacks away, one after the other in a copy, and watches its test fail.

    python tools/guards.py             all of guards.toml: half an hour on two busy cores
    python tools/guards.py 1 7 34      the guards of these attacks

Every entry of the table replaces a few words of the studio, in the smallest way that turns one guard off (with what
stands behind it, where another guard would still stop the attack), and names the test that must then fail by an
assertion of its own. Ends with 1 when a test passes without its guard, and when an attack or a snippet is missing.
"""

import multiprocessing
import os
import re
import shutil
import sys
import tempfile
import tomllib
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TABLE = Path(__file__).with_suffix(".toml")
ATTACKS = range(1, 36)
LEFT_OUT = shutil.ignore_patterns(".*", "storage", "benchmarks", "__pycache__")
LINKED = (".venv", "storage/models")
# Loaded once; every run of the tests is a fork of that. Nothing of the studio may be among them: that is what changes.
LIBRARIES = ["pytest", "gradio", "scipy.stats", "alembic.command", "sqlalchemy.orm", "soundfile", "uvicorn"]
PYTEST = ("-x", "-rf", "-p", "no:xdist", "-p", "no:cacheprovider", "-o", "timeout=1200")
SURROUNDINGS = {"COLUMNS": "400", "GRADIO_ANALYTICS_ENABLED": "False", "HF_HUB_DISABLE_TELEMETRY": "1"}
# What the summary says of a test that found something wrong; one that could not be run ends otherwise, and a helper
# that stumbles gives no words to its assertion.
ASSERTED = re.compile(r"^FAILED .*? - ((?:assert |AssertionError: |Failed: DID NOT RAISE).*)$", re.MULTILINE)
FAILS, PASSES, BROKEN, GONE = "fails without it", "PASSES WITHOUT IT", "FAILS OTHERWISE", "SNIPPET NOT FOUND"


@dataclass(frozen=True)
class Change:
    """Words of a file of the studio, and what stands there when the guard is gone."""

    file: str
    guarded: str
    bare: str

    def fits(self, root: Path) -> bool:
        """Whether the words are there exactly once."""
        file = root / self.file
        return file.is_file() and file.read_text(encoding="utf-8").count(self.guarded) == 1


@dataclass(frozen=True)
class Guard:
    """What stops an attack, how it is taken away, and the test that must notice."""

    attack: int
    what: str
    test: str
    changes: tuple[Change, ...]

    @property
    def test_file(self) -> str:
        return self.test.partition("::")[0]


def read_table(file: Path = TABLE) -> list[Guard]:
    """The guards in the order of their attacks."""
    rows = tomllib.loads(file.read_text(encoding="utf-8"))["guard"]
    guards = [
        Guard(
            row["attack"], row["what"], row["test"],
            tuple(Change(one["file"], one["with"], one["without"]) for one in row["change"]),
        )
        for row in rows
    ]  # fmt: skip
    return sorted(guards, key=lambda guard: guard.attack)


def missing(guards: Collection[Guard]) -> list[int]:
    """Attacks without an entry."""
    return sorted(set(ATTACKS) - {guard.attack for guard in guards})


@contextmanager
def copied_tree() -> Iterator[Path]:
    """A copy of the working tree to take apart; the environment and the models are only linked."""
    with tempfile.TemporaryDirectory(prefix="guards-") as folder:
        copy = Path(folder) / "tree"
        shutil.copytree(ROOT, copy, ignore=LEFT_OUT)
        for name in LINKED:
            if (ROOT / name).exists():
                (copy / name).parent.mkdir(exist_ok=True)
                (copy / name).symlink_to(ROOT / name)
        yield copy


@contextmanager
def without(guard: Guard, root: Path) -> Iterator[None]:
    """The studio without this guard, for as long as the block lasts."""
    files = {root / change.file for change in guard.changes}
    before = {file: file.read_text(encoding="utf-8") for file in files}
    for change in guard.changes:
        file = root / change.file
        bare = file.read_text(encoding="utf-8").replace(change.guarded, change.bare)
        compile(bare, change.file, "exec")
        file.write_text(bare, encoding="utf-8")
    try:
        yield
    finally:
        for file, text in before.items():
            file.write_text(text, encoding="utf-8")


@dataclass(frozen=True)
class Run:
    """How a run of pytest ended, and what it said."""

    code: int
    said: str


class Tests:
    """Runs pytest on a tree, each time in a process and a temp folder of its own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        os.environ.update(SURROUNDINGS, PYTHONPATH=str(root))
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        self._processes = multiprocessing.get_context("forkserver")
        self._processes.set_forkserver_preload(LIBRARIES)

    def run(self, tests: Sequence[str]) -> Run:
        said, temp = self.root.parent / "said", self.root.parent / "temp"
        arguments = [*PYTEST, f"--basetemp={temp}", *tests]
        said.write_bytes(b"")
        process = self._processes.Process(target=in_child, args=(self.root, arguments, said))
        process.start()
        process.join()
        return Run(process.exitcode or 0, said.read_text(encoding="utf-8", errors="replace"))


def in_child(root: Path, arguments: list[str], said: Path) -> None:
    """Pytest in this process, which knows the libraries and nothing of the studio; what it says goes into a file."""
    import pytest

    with said.open("wb") as file:
        for descriptor in (1, 2):
            os.dup2(file.fileno(), descriptor)
    assert not [name for name in sys.modules if name.split(".")[0] in ("studio", "tests")]
    sys.dont_write_bytecode = False  # into the copy
    os.chdir(root)
    sys.path.insert(0, str(root))
    sys.exit(pytest.main(arguments))


def tried(guard: Guard, tests: Tests) -> tuple[str, str]:
    """The verdict on one guard, and the words of the failure (the end of the output where there are none)."""
    gone = [change.file for change in guard.changes if not change.fits(tests.root)]
    if gone:
        return GONE, ", ".join(gone)
    with without(guard, tests.root):
        run = tests.run([guard.test])
    if run.code == 0:
        return PASSES, ""
    found = ASSERTED.search(run.said) if run.code == 1 and " failed" in run.said else None
    return (FAILS, found[1]) if found else (BROKEN, run.said[-3000:])


def tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def sick_files(guards: Sequence[Guard], tests: Tests) -> set[str]:
    """Files whose tests fail with every guard in its place, told: of their guards nothing can be shown."""
    sick = set()
    for file in sorted({guard.test_file for guard in guards}):
        run = tests.run(sorted({guard.test for guard in guards if guard.test_file == file}))
        told = run.said[-6000:] if run.code else run.said.strip().splitlines()[-1]
        tell(f"{'NOT EVEN ' if run.code else ''}with every guard  {file}: {told}")
        if run.code:
            sick.add(file)
    return sick


def judged(guard: Guard, tests: Tests) -> str:
    """The verdict on one guard, told as a line of the table."""
    verdict, words = tried(guard, tests)
    told = words[:110] if verdict == FAILS else words
    tell(f"{guard.attack:02d}  {verdict:18}  {guard.what}  [{told}]")
    return verdict


def main(wanted: Collection[int]) -> int:
    """Judge the guards of the wanted attacks (none: of all); 0 when every one of them is missed."""
    guards = [guard for guard in read_table() if not wanted or guard.attack in wanted]
    gaps = [attack for attack in missing(guards) if not wanted or attack in wanted]
    with copied_tree() as root:
        tests = Tests(root)
        sick = sick_files(guards, tests)
        verdicts = [judged(guard, tests) for guard in guards if guard.test_file not in sick]
    for attack in gaps:
        tell(f"{attack:02d}  NO ENTRY")
    held = verdicts.count(FAILS)
    tell(f"{held} of {len(guards)} guards are missed by their tests when they are gone")
    return 0 if held == len(guards) and not gaps else 1


if __name__ == "__main__":
    raise SystemExit(main({int(number) for number in sys.argv[1:]}))
