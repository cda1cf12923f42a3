"""Errors that nobody foresaw: one job ends with a reason, the others and the queue go on."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from studio.bootstrap import Studio
from studio.db.tables import Adapter, Asset, Checkpoint, TrainingJob
from studio.privacy.access import Actor
from studio.training.books import Books
from studio.training.forms import JobState, JobView
from studio.training.launching import Child, _key
from studio.training.processes import Identity
from studio.training.run_folder import RunFacts, RunFolder
from studio.training.sweeping import sweep
from studio.voices.forms import VoiceView
from tests.conftest import Home
from tests.training.scripted import (
    consented_voice,
    end_consent,
    ended,
    kill_children,
    make_dataset,
    request_for,
    small_plan,
    trainable_spec,
    wait_for,
    worker_of,
)
from tests.waiting import until


@pytest.fixture
def studio(home: Home) -> Iterator[Studio]:
    home.studio.engines.register(trainable_spec())
    yield home.studio
    kill_children(home.settings.storage)


@pytest.fixture
def voice(studio: Studio, admin: Actor) -> VoiceView:
    return consented_voice(studio, admin)


def submitted(studio: Studio, admin: Actor, voice: VoiceView, **changes: object) -> str:
    return studio.training.submit(admin, request_for(studio, voice, make_dataset(studio, voice), **changes))


def launched(studio: Studio, admin: Actor, voice: VoiceView, **changes: object) -> str:
    job_id = submitted(studio, admin, voice, **changes)
    studio.training.supervisor.start()
    return job_id


def reason(job: JobView) -> str:
    assert job.reason is not None
    return job.reason[0]


@pytest.mark.parametrize(
    ("error", "key"),
    [
        (RuntimeError("no such thing"), "training.unforeseen"),
        (FileNotFoundError(2, "No such file", "config.json"), "learning.file_missing"),
        (OSError(28, "No space left on device"), "learning.disk_full"),
    ],
)
def test_an_error_at_the_start_ends_the_job_and_the_next_one_runs(
    studio: Studio,
    admin: Actor,
    voice: VoiceView,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    key: str,
) -> None:
    from studio.training import claiming

    launch, calls = claiming.launch, []

    def first_fails(*given: Any) -> Child:
        calls.append(given)
        if len(calls) == 1:
            raise error
        return launch(*given)

    monkeypatch.setattr(claiming, "launch", first_fails)
    first, second = submitted(studio, admin, voice), submitted(studio, admin, voice, epochs=1)
    studio.training.supervisor.start()
    failed = wait_for(studio, admin, first, ended)
    assert failed.state is JobState.FAILED
    assert reason(failed) == key
    assert failed.trouble("it")
    assert wait_for(studio, admin, second, ended).state is JobState.DONE
    studio.training.delete(admin, first)  # and it is no prisoner of its state
    assert [job.id for job in studio.training.jobs(admin)] == [second]


def test_weights_that_are_gone_at_the_end_make_a_failed_job_not_an_endless_one(
    studio: Studio, admin: Actor, voice: VoiceView, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*given: Any) -> Adapter:
        raise FileNotFoundError(2, "No such file", "/somewhere/weights")

    monkeypatch.setattr(studio.training.adapters, "store", gone)
    monkeypatch.setattr(type(studio.training.adapters), "store", gone)
    job = wait_for(studio, admin, launched(studio, admin, voice, epochs=3), ended)
    assert job.state is JobState.FAILED
    assert job.reason == ("learning.file_missing", {"name": "weights"})
    monkeypatch.undo()
    studio.training.resume(admin, job.id)
    assert wait_for(studio, admin, job.id, ended).state is JobState.DONE
    assert len(studio.training.adapters.of_voice(admin, voice.id)) == 1


def locked() -> OperationalError:
    return OperationalError("UPDATE", {}, Exception("database is locked"))


def test_a_database_that_is_locked_at_the_end_is_asked_again(
    studio: Studio, admin: Actor, voice: VoiceView, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle, refused = Books._settle, []

    def busy(self: Books, *given: Any) -> bool:
        if len(refused) < 2:
            refused.append(given)
            raise locked()
        return settle(self, *given)

    monkeypatch.setattr(Books, "_settle", busy)
    job = wait_for(studio, admin, launched(studio, admin, voice, epochs=3), ended)
    assert len(refused) == 2
    assert job.state is JobState.DONE
    assert len(studio.training.adapters.of_voice(admin, voice.id)) == 1


def test_a_job_that_cannot_be_looked_after_is_given_up_and_keeps_nobody_from_the_queue(
    studio: Studio, admin: Actor, voice: VoiceView, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCRIPTED_STEP_S", "0.1")
    bad, good = submitted(studio, admin, voice, epochs=50), submitted(studio, admin, voice, epochs=1)
    hear = Books.hear

    def unreadable(self: Books, job_id: str, offset: int) -> Any:
        if job_id == bad and offset:
            raise ValueError("no JSON")
        return hear(self, job_id, offset)

    monkeypatch.setattr(Books, "hear", unreadable)
    studio.training.supervisor.start()
    wait_for(studio, admin, bad, lambda job: job.state is JobState.RUNNING and bool(job.heard_at))
    worker = Identity.of(worker_of(studio.settings, bad))
    failed = wait_for(studio, admin, bad, ended)
    assert failed.state is JobState.FAILED
    assert reason(failed) == "training.unforeseen"
    assert not worker.alive()
    assert wait_for(studio, admin, good, ended).state is JobState.DONE


def running_without_a_process(studio: Studio, job_id: str, wish: str = "") -> None:
    with studio.database.write() as session:
        row = session.get_one(TrainingJob, job_id)
        row.state, row.device, row.wish = "running", "cpu", wish


@pytest.mark.parametrize(("wish", "state"), [("", JobState.INTERRUPTED), ("cancel", JobState.CANCELLED)])
def test_a_running_job_that_nobody_follows_is_taken_up_even_long_after_the_start(
    studio: Studio, admin: Actor, voice: VoiceView, wish: str, state: JobState
) -> None:
    studio.training.supervisor.start()
    job_id = wait_for(studio, admin, submitted(studio, admin, voice, epochs=1), ended).id
    running_without_a_process(studio, job_id, wish)
    (studio.settings.storage / "runs" / job_id / "events.jsonl").unlink()  # and it told nobody how it ended
    assert wait_for(studio, admin, job_id, ended).state is state


def test_a_done_that_was_read_before_the_server_died_is_still_a_done(
    home: Home, studio: Studio, admin: Actor, voice: VoiceView, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The event was consumed (its offset is in the row), the ending never written."""
    monkeypatch.setattr(Books, "end", lambda self, job_id, ending: time.sleep(60))
    job_id = launched(studio, admin, voice, epochs=3)
    events = home.settings.storage / "runs" / job_id / "events.jsonl"
    until(lambda: events.exists() and '"kind": "done"' in events.read_text(), 120.0)
    identity = RunFolder(events.parent, b"").worker()
    while identity is not None and identity.alive():
        time.sleep(0.05)
    monkeypatch.undo()
    with studio.database.write() as session:
        session.get_one(TrainingJob, job_id).events_offset = events.stat().st_size
    studio.training.supervisor._closing.set()
    monkeypatch.setattr(studio.training.supervisor, "_thread", None)
    again = home.reopen()
    again.engines.register(trainable_spec())
    again.training.supervisor.start()
    assert wait_for(again, admin, job_id, ended).state is JobState.DONE
    assert len(again.training.adapters.of_voice(admin, voice.id)) == 1


def test_how_an_earlier_process_ended_says_nothing_of_the_one_that_came_after(
    studio: Studio, admin: Actor, voice: VoiceView, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Paused, resumed, killed before a word: interrupted, not paused."""
    monkeypatch.setenv("SCRIPTED_STEP_S", "0.1")
    job_id = launched(studio, admin, voice, epochs=20)
    wait_for(studio, admin, job_id, lambda job: job.step >= 2)
    studio.training.pause(admin, job_id)
    assert wait_for(studio, admin, job_id, ended).state is JobState.PAUSED
    folder = studio.settings.storage / "runs" / job_id
    old = RunFolder(folder, b"").worker()
    assert old is not None
    said = json.loads((folder / "events.jsonl").read_text().splitlines()[-1])
    assert said["kind"] == "stopped"
    RunFolder(folder, b"").write_worker(Identity(old.pid, time.time(), old.boot))  # as a new one would
    running_without_a_process(studio, job_id)
    studio.training.supervisor.wake()
    found = wait_for(studio, admin, job_id, ended)
    assert found.state is JobState.INTERRUPTED


def test_a_child_that_dies_at_once_is_not_told_as_trouble_with_the_disk(
    studio: Studio, admin: Actor, voice: VoiceView, monkeypatch: pytest.MonkeyPatch
) -> None:
    from studio.training import launching

    monkeypatch.setattr(launching.sys, "executable", "/bin/false")
    job = wait_for(studio, admin, launched(studio, admin, voice), ended)
    assert job.state is JobState.INTERRUPTED
    assert job.reason == ("training.crashed", {"code": 1})


def test_a_reattached_child_is_gone_before_its_folder_is(
    studio: Studio, admin: Actor, voice: VoiceView, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCRIPTED_STEP_S", "0.1")
    job_id = launched(studio, admin, voice, epochs=50)
    wait_for(studio, admin, job_id, lambda job: job.step >= 2)
    identity = Identity.of(worker_of(studio.settings, job_id))
    Child(identity).end()  # as one that another studio started
    assert not identity.alive()


@pytest.mark.parametrize("how", ["expired", "purpose_taken_back"])
@pytest.mark.parametrize("state", ["paused", "interrupted", "failed"])
def test_a_run_at_rest_goes_when_its_consent_ends(
    studio: Studio, admin: Actor, voice: VoiceView, state: str, how: str
) -> None:
    ground, shelf = studio.training._ground, studio.training.adapters
    job_id = submitted(studio, admin, voice)
    with studio.database.read() as session:
        row = session.get_one(TrainingJob, job_id)
    key = _key(ground, row)
    folder = ground.runs / job_id
    RunFolder.create(folder, key, small_plan(), RunFacts(job_id, "none")).write_samples([])
    with studio.database.write() as session:
        session.get_one(TrainingJob, job_id).state = state
        session.add(Checkpoint(job_id=job_id, step=5, folder="000005", scores={}))
    sweep(Books(ground, shelf, studio.engines), studio.engines)
    with studio.database.read() as session:
        kept = shelf.run(session, session.get_one(TrainingJob, job_id))
    assert kept.samples() == ()  # agreed to: it can go on
    end_consent(studio, voice, how)
    sweep(Books(ground, shelf, studio.engines), studio.engines)
    job = studio.training.job(admin, job_id)
    assert job.state is JobState.CANCELLED
    assert reason(job).startswith("consent.")
    assert not folder.exists()
    with studio.database.read() as session:
        assert session.scalars(select(Checkpoint)).all() == []
        assert session.scalars(select(Asset).where(Asset.kind == "run_key")).all() == []
