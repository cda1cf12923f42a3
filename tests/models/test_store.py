import errno
import json
import multiprocessing
import os
import threading
import time
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

from studio.errors import (
    Cancelled,
    LicenceForbids,
    ModelBroken,
    ModelMissing,
    NotFound,
    SourceUnavailable,
    StorageTrouble,
)
from studio.models.progress import PullProgress
from studio.models.store import ModelStore
from tests.models.scripted import ALPHA, BETA, RESTRICTED, ScriptedFetcher, catalogue_of, hub

FIRST, SECOND = hub("first", "alpha.bin", "beta.bin"), hub("second", "alpha.bin", "beta.bin")
RIGHT = {"alpha.bin": ALPHA, "beta.bin": BETA}


def store_with(root: Path, contents: dict[str, dict[str, bytes]]) -> tuple[ModelStore, ScriptedFetcher]:
    fetcher = ScriptedFetcher(contents)
    return ModelStore(root, catalogue_of(FIRST, SECOND), fetcher=fetcher), fetcher


def test_a_pulled_model_is_present_and_its_folder_holds_the_bytes(tmp_path: Path) -> None:
    store, fetcher = store_with(tmp_path, {FIRST.label: RIGHT})
    assert store.state("m").kind == "absent"
    reports: list[PullProgress] = []
    folder = store.pull("m", reports.append)
    assert (folder / "alpha.bin").read_bytes() == ALPHA
    assert store.folder("m") == folder
    assert store.state("m").kind == "present"
    assert reports[-1].activity == "done" and reports[-1].fraction == 1.0
    assert not (tmp_path / ".staging" / "m").exists()
    assert len(fetcher.calls) == 1


def test_a_second_pull_fetches_nothing(tmp_path: Path) -> None:
    store, fetcher = store_with(tmp_path, {FIRST.label: RIGHT})
    store.pull("m")
    store.pull("m")
    assert len(fetcher.calls) == 1


def test_an_unreachable_source_is_skipped_with_a_word_and_the_next_is_used(tmp_path: Path) -> None:
    store, fetcher = store_with(tmp_path, {SECOND.label: RIGHT})
    reports: list[PullProgress] = []
    store.pull("m", reports.append)
    skipped = [report for report in reports if report.activity == "skipped"]
    assert [report.source for report in skipped] == [FIRST.label]
    assert skipped[0].trouble is not None
    assert "non è raggiungibile" in skipped[0].trouble.text("it").lower()
    assert [label for label, _ in fetcher.calls] == [FIRST.label, SECOND.label]


def test_no_source_at_all_says_what_was_tried(tmp_path: Path) -> None:
    store, _ = store_with(tmp_path, {})
    with pytest.raises(SourceUnavailable, match="hub first; hub second"):
        store.pull("m")


def test_wrong_bytes_are_deleted_and_the_next_source_fetches_only_what_is_missing(tmp_path: Path) -> None:
    wrong = RIGHT | {"beta.bin": b"x" * len(BETA)}
    store, fetcher = store_with(tmp_path, {FIRST.label: wrong, SECOND.label: RIGHT})
    store.pull("m")
    assert fetcher.calls[1] == (SECOND.label, ("beta.bin",))
    assert (tmp_path / "m" / "beta.bin").read_bytes() == BETA


@pytest.mark.parametrize("content", [b"x" * len(BETA), BETA[:-1], BETA + b"!"])
def test_wrong_bytes_everywhere_raise_model_broken_and_none_are_kept(tmp_path: Path, content: bytes) -> None:
    wrong = RIGHT | {"beta.bin": content}
    store, _ = store_with(tmp_path, {FIRST.label: wrong, SECOND.label: wrong})
    with pytest.raises(ModelBroken, match="SHA-256"):
        store.pull("m")
    assert [path.name for path in tmp_path.rglob("beta.bin*")] == []
    assert store.state("m").kind == "partial"
    with pytest.raises(ModelMissing):
        store.folder("m")


def test_a_cancelled_pull_keeps_what_was_finished_and_resumes_with_the_rest(tmp_path: Path) -> None:
    store, fetcher = store_with(tmp_path, {FIRST.label: RIGHT})
    fetcher.pause_at = "beta.bin"
    with pytest.raises(Cancelled):
        store.pull("m", should_stop=fetcher.reached.is_set)
    assert store.state("m").staged_bytes == len(ALPHA)
    fetcher.pause_at = ""
    store.pull("m")
    assert fetcher.calls[1] == (FIRST.label, ("beta.bin",))


def test_files_put_there_by_hand_are_taken_on_and_wrong_ones_fetched_again(tmp_path: Path) -> None:
    store, fetcher = store_with(tmp_path, {FIRST.label: RIGHT})
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "alpha.bin").write_bytes(ALPHA)
    assert store.state("m").kind == "partial"
    (tmp_path / "m" / "beta.bin").write_bytes(b"x" * len(BETA))
    assert store.state("m").broken_files == ("beta.bin",)
    with pytest.raises(ModelBroken, match=r"beta\.bin"):
        store.folder("m")
    store.pull("m")
    assert fetcher.calls == [(FIRST.label, ("beta.bin",))]
    assert store.state("m").kind == "present"


def test_a_file_changed_afterwards_is_found_by_the_next_look(tmp_path: Path) -> None:
    store, _ = store_with(tmp_path, {FIRST.label: RIGHT})
    folder = store.pull("m")
    (folder / "alpha.bin").write_bytes(b"y" * len(ALPHA))
    assert store.state("m").kind == "broken"


def test_a_look_does_not_hash_again_and_verify_does(tmp_path: Path) -> None:
    store, _ = store_with(tmp_path, {FIRST.label: RIGHT})
    path = store.pull("m") / "alpha.bin"
    before = path.stat()
    path.write_bytes(b"y" * len(ALPHA))  # same size and inode, and the old time put back
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert store.state("m").kind == "present"
    assert store.verify("m").broken_files == ("alpha.bin",)
    assert store.state("m").kind == "broken"


def test_an_unreadable_record_only_costs_another_hash(tmp_path: Path) -> None:
    store, _ = store_with(tmp_path, {FIRST.label: RIGHT})
    record = store.pull("m") / ".checked.json"
    assert set(json.loads(record.read_text())) == set(RIGHT)
    record.write_text("{ not json")
    assert store.state("m").kind == "present"
    assert set(json.loads(record.read_text())) == set(RIGHT)


def test_removed_models_are_gone_and_can_come_again(tmp_path: Path) -> None:
    store, fetcher = store_with(tmp_path, {FIRST.label: RIGHT})
    store.pull("m")
    store.remove("m")
    assert store.state("m").kind == "absent"
    store.pull("m")
    assert len(fetcher.calls) == 2


def test_two_threads_pulling_one_model_fetch_it_once(tmp_path: Path) -> None:
    store, fetcher = store_with(tmp_path, {FIRST.label: RIGHT})
    fetcher.pause_at = "beta.bin"
    waiting = threading.Event()
    one = threading.Thread(target=store.pull, args=("m",))
    one.start()
    assert fetcher.reached.wait(60)
    two = threading.Thread(
        target=store.pull, args=("m", lambda report: waiting.set() if report.activity == "waiting" else None)
    )
    two.start()
    assert waiting.wait(60)
    with pytest.raises(StorageTrouble):
        store.remove("m")
    fetcher.released.set()
    one.join(60)
    two.join(60)
    assert len(fetcher.calls) == 1
    assert store.state("m").kind == "present"


def test_waiting_for_another_pull_can_be_cancelled(tmp_path: Path) -> None:
    store, fetcher = store_with(tmp_path, {FIRST.label: RIGHT})
    fetcher.pause_at = "beta.bin"
    one = threading.Thread(target=store.pull, args=("m",))
    one.start()
    assert fetcher.reached.wait(60)
    with pytest.raises(Cancelled):
        store.pull("m", should_stop=lambda: True)
    fetcher.released.set()
    one.join(60)
    assert store.state("m").kind == "present"


def _pull_and_stand_still(root: Path, reached: Event) -> None:
    fetcher = ScriptedFetcher({FIRST.label: RIGHT}, pause_at="beta.bin")
    store = ModelStore(root, catalogue_of(FIRST, SECOND), fetcher=fetcher)
    store.pull("m", lambda report: reached.set() if fetcher.reached.is_set() else None)


def test_a_killed_process_leaves_no_lock_and_its_finished_files_are_used(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    reached = context.Event()
    child = context.Process(target=_pull_and_stand_still, args=(tmp_path, reached))
    child.start()
    assert reached.wait(120)
    store, fetcher = store_with(tmp_path, {FIRST.label: RIGHT})
    with pytest.raises(StorageTrouble):
        store.remove("m")  # the other process holds it
    child.kill()
    child.join(60)
    started = time.monotonic()
    store.pull("m")
    assert time.monotonic() - started < 30  # a lock that is held is waited for without end
    assert fetcher.calls == [(FIRST.label, ("beta.bin",))]


def test_a_full_disk_is_said_before_anything_is_fetched(tmp_path: Path) -> None:
    fetcher = ScriptedFetcher({FIRST.label: RIGHT})
    store = ModelStore(tmp_path, catalogue_of(FIRST), fetcher=fetcher, free_bytes=lambda folder: 1 << 20)
    with pytest.raises(StorageTrouble, match="1 MB are free"):
        store.pull("m")
    assert fetcher.calls == []


def test_a_disk_that_fills_up_on_the_way_is_said_too(tmp_path: Path) -> None:
    class Filling(ScriptedFetcher):
        def fetch(self, *args: object) -> None:
            raise OSError(errno.ENOSPC, "no space left")

    store = ModelStore(tmp_path, catalogue_of(FIRST), fetcher=Filling({}))
    with pytest.raises(StorageTrouble, match="room on the disk"):
        store.pull("m")


def test_a_restricted_model_is_fetched_only_after_its_licence_was_accepted(tmp_path: Path) -> None:
    accepted: set[tuple[str, str]] = set()

    class Book:
        def accepted(self, model_id: str, licence: str) -> bool:
            return (model_id, licence) in accepted

    fetcher = ScriptedFetcher({FIRST.label: RIGHT})
    catalogue = catalogue_of(FIRST, licence=RESTRICTED, needs_acceptance=True)
    store = ModelStore(tmp_path, catalogue, Book(), fetcher)
    with pytest.raises(LicenceForbids, match="non-commercial use only"):
        store.pull("m")
    with pytest.raises(LicenceForbids):
        ModelStore(tmp_path, catalogue, fetcher=fetcher).pull("m")
    assert fetcher.calls == []
    accepted.add(("m", RESTRICTED.id))
    store.pull("m")
    assert store.state("m").kind == "present"


def test_an_unknown_model_is_not_found(tmp_path: Path) -> None:
    store, _ = store_with(tmp_path, {})
    with pytest.raises(NotFound, match="nobody"):
        store.state("nobody")
