"""kill -9 of the server while a job trains: the next one finds the process and misses nothing."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from studio.bootstrap import Studio
from studio.privacy.access import Actor
from studio.training.forms import JobState
from studio.training.processes import Identity
from tests.conftest import Home
from tests.training.scripted import (
    consented_voice,
    ended,
    kill_children,
    make_dataset,
    request_for,
    trainable_spec,
    wait_for,
    worker_of,
)

ROOT = Path(__file__).parents[2]
SERVER = """
import sys, time
from pathlib import Path
from studio.settings import Settings
from tests.conftest import open_home
from tests.fakes import FakeJudges
from tests.training.scripted import trainable_spec

studio = open_home(Settings(storage=Path(sys.argv[1]), device="cpu"), FakeJudges())
studio.engines.register(trainable_spec())
studio.training.supervisor.start()
print("serving", flush=True)
time.sleep(600)
"""


@pytest.fixture
def studio(home: Home) -> Iterator[Studio]:
    home.studio.engines.register(trainable_spec())
    yield home.studio
    kill_children(home.settings.storage)


def test_a_killed_server_finds_its_job_again_and_the_curve_has_no_hole(
    home: Home, studio: Studio, admin: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCRIPTED_STEP_S", "0.25")
    voice = consented_voice(studio, admin)
    job_id = studio.training.submit(admin, request_for(studio, voice, make_dataset(studio, voice)))
    command = [sys.executable, "-c", SERVER, str(home.settings.storage)]
    server = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert server.stdout is not None and server.stdout.readline() == "serving\n"
    wait_for(studio, admin, job_id, lambda job: job.step >= 3)
    worker = worker_of(home.settings, job_id)
    os.killpg(server.pid, signal.SIGKILL)
    server.wait()
    seen = studio.training.job(admin, job_id)
    assert seen.state is JobState.RUNNING  # nobody looks after it: the row stands where it stood
    assert not studio.training.supervised()
    time.sleep(1.0)
    assert worker_of(home.settings, job_id) == worker

    again = home.reopen()
    again.engines.register(trainable_spec())
    again.training.supervisor.start()
    done = wait_for(again, admin, job_id, ended)
    assert done.state is JobState.DONE, done.trouble("en")
    progress = again.training.progress(admin, job_id)
    assert [point.step for point in progress.curves.train] == list(range(1, done.steps + 1))
    events = (home.settings.storage / "runs" / job_id / "events.jsonl").read_text()
    assert events.count('"kind": "started"') == 1  # the same process all along
    assert again.training.adapters.of_voice(admin, voice.id)
    assert again.audit.verify(admin).intact


def test_a_job_whose_process_died_with_the_server_is_interrupted_and_resumes(
    home: Home, studio: Studio, admin: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCRIPTED_STEP_S", "0.1")
    voice = consented_voice(studio, admin)
    job_id = studio.training.submit(admin, request_for(studio, voice, make_dataset(studio, voice)))
    studio.training.supervisor.start()
    wait_for(studio, admin, job_id, lambda job: job.step >= 6)
    studio.training.supervisor.close()  # the server goes first, then the machine takes the child along
    os.kill(worker_of(home.settings, job_id), signal.SIGKILL)
    monkeypatch.setenv("SCRIPTED_STEP_S", "0")
    again = home.reopen()
    again.engines.register(trainable_spec())
    again.training.supervisor.start()
    found = wait_for(again, admin, job_id, ended)
    assert found.state is JobState.INTERRUPTED and found.reason == ("training.restarted", {})
    assert found.step >= 6  # what it had told by then is in the books
    again.training.resume(admin, job_id)
    done = wait_for(again, admin, job_id, ended)
    assert done.state is JobState.DONE, done.trouble("en")
    steps = [point.step for point in again.training.progress(admin, job_id).curves.train]
    assert steps == list(range(1, done.steps + 1))


def test_a_stranger_with_the_number_of_a_dead_process_is_not_taken_for_it() -> None:
    mine = Identity.of(os.getpid())
    assert mine.alive()
    assert not Identity(mine.pid, mine.started - 100, mine.boot).alive()
    assert not Identity(mine.pid, mine.started, "another-boot").alive()
    stranger = Identity(mine.pid, mine.started - 100, mine.boot)
    stranger.kill()  # would end this very process
    assert mine.alive()
