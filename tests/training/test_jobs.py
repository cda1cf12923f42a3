"""Jobs in real child processes: launched, watched, paused, cancelled, resumed, and what comes out."""

import os
import signal
import time
from collections.abc import Iterator
from datetime import datetime

import pytest

from studio.bootstrap import Studio
from studio.errors import ConsentMissing, InputRefused, NotFound
from studio.privacy.access import Actor
from studio.provenance.verify import Verdict, examine
from studio.synthesis.requests import SynthesisRequest, VoiceChoice
from studio.training.forms import JobState
from studio.voices.forms import VoiceView
from tests.conftest import Home
from tests.enrolling import enrol
from tests.training.scripted import (
    TRAINABLE,
    consented_voice,
    ended,
    kill_children,
    make_dataset,
    request_for,
    tidied,
    trainable_spec,
    wait_for,
    worker_of,
)

STEP_S = "SCRIPTED_STEP_S"  # how long a step of the scripted learner takes


@pytest.fixture
def studio(home: Home) -> Iterator[Studio]:
    home.studio.engines.register(trainable_spec())
    yield home.studio
    kill_children(home.settings.storage)


@pytest.fixture
def voice(studio: Studio, admin: Actor) -> VoiceView:
    return consented_voice(studio, admin)


@pytest.fixture
def dataset_id(studio: Studio, voice: VoiceView) -> str:
    return make_dataset(studio, voice)


def launched(studio: Studio, admin: Actor, voice: VoiceView, dataset_id: str, **changes: object) -> str:
    job_id = studio.training.submit(admin, request_for(studio, voice, dataset_id, **changes))
    studio.training.supervisor.start()
    return job_id


def test_a_job_runs_to_its_end_and_its_best_checkpoint_becomes_an_adapter(
    studio: Studio, admin: Actor, voice: VoiceView, dataset_id: str
) -> None:
    job_id = launched(studio, admin, voice, dataset_id)
    job = wait_for(studio, admin, job_id, ended)
    assert job.state is JobState.DONE, job.trouble("en")
    assert studio.training.supervised()
    seen = studio.training.progress(admin, job_id)
    assert [point.step for point in seen.curves.train] == list(range(1, job.steps + 1))
    assert [row.step for row in seen.checkpoints] == [0, *range(5, job.steps + 1, 5)]
    assert sum(row.best for row in seen.checkpoints) == 1 and job.best_step
    assert job.seconds > 0 and job.peak_bytes and job.progress == 1.0
    (adapter,) = studio.training.adapters.of_voice(admin, voice.id)
    assert adapter.job_id == job_id and adapter.step == job.best_step
    consent = studio.voices.view(admin, voice.id).consent
    assert consent is not None and adapter.card["consent_record"] == consent.id
    assert adapter.card["licence"]["id"] == "Apache-2.0"
    assert adapter.card["dataset"]["content_hash"] == job.dataset.content_hash != ""
    # What is not needed any more is gone: the recordings' copy above all.
    folder = studio.settings.storage / "runs" / job_id
    assert tidied(folder) and not list(folder.glob("checkpoints/*/trainer"))
    assert studio.training.sample_texts(admin, job_id)
    data, media_type, _ = studio.training.sample_audio(admin, seen.checkpoints[0].id, 0)
    assert media_type == "audio/wav" and data[:4] == b"RIFF"
    assert examine(studio.marker, data, "sample.wav").verdict is Verdict.OURS
    _speaks_with_what_was_trained(studio, admin, voice)
    studio.training.delete(admin, job_id)
    assert not folder.exists() and studio.training.jobs(admin) == []
    assert studio.audit.verify(admin).intact


def _speaks_with_what_was_trained(studio: Studio, admin: Actor, voice: VoiceView) -> None:
    adapters = studio.synthesis.trained.choices(admin, voice.id, TRAINABLE)
    request = SynthesisRequest(VoiceChoice(voice.id), "Hello to all of you.", "en", TRAINABLE)
    plain = studio.synthesis.preview(admin, request).take()
    with_it = studio.synthesis.preview(
        admin, SynthesisRequest(**{**vars(request), "adapter_id": adapters[0].id})
    ).take()
    assert (plain.adapter_id, with_it.adapter_id) == ("", adapters[0].id)
    first, second = (studio.synthesis.takes.clip(admin, take.id) for take in (plain, with_it))
    assert first.content_id != second.content_id
    offered = studio.synthesis.trained.choices(admin, voice.id, TRAINABLE, checkpoints=True)
    checkpoint = next(one for one in offered if one.kind == "checkpoint")
    spoken = studio.synthesis.preview(
        admin, SynthesisRequest(**{**vars(request), "adapter_id": checkpoint.id})
    ).take()
    assert spoken.adapter_id == checkpoint.id
    studio.training.adapters.delete(admin, adapters[0].id)
    with pytest.raises(NotFound):
        studio.synthesis.preview(admin, SynthesisRequest(**{**vars(request), "adapter_id": adapters[0].id}))


def test_a_pause_keeps_what_was_done_and_a_resume_ends_it(
    studio: Studio, admin: Actor, voice: VoiceView, dataset_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(STEP_S, "0.1")
    job_id = launched(studio, admin, voice, dataset_id)
    wait_for(studio, admin, job_id, lambda job: job.step >= 3)
    studio.training.pause(admin, job_id)
    paused = wait_for(studio, admin, job_id, ended)
    assert paused.state is JobState.PAUSED and 3 <= paused.step < paused.steps
    worked = paused.seconds
    time.sleep(3)
    monkeypatch.setenv(STEP_S, "0")
    studio.training.resume(admin, job_id)
    done = wait_for(studio, admin, job_id, ended)
    assert done.state is JobState.DONE
    began = datetime.fromisoformat(done.started_at or "").timestamp()
    assert worked < done.seconds < time.time() - began - 2.5  # the time in between is no work
    steps = [point.step for point in studio.training.progress(admin, job_id).curves.train]
    assert steps == list(range(1, done.steps + 1))


def test_a_cancelled_job_ends_at_its_next_step_and_its_recordings_go(
    studio: Studio, admin: Actor, voice: VoiceView, dataset_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(STEP_S, "0.1")
    job_id = launched(studio, admin, voice, dataset_id)
    wait_for(studio, admin, job_id, lambda job: job.step >= 2)
    second = studio.training.submit(admin, request_for(studio, voice, dataset_id))
    assert studio.training.job(admin, second).ahead == 1
    studio.training.cancel(admin, second)  # it waits: the processor is taken
    assert studio.training.job(admin, second).state is JobState.CANCELLED
    studio.training.cancel(admin, job_id)
    job = wait_for(studio, admin, job_id, ended)
    assert job.state is JobState.CANCELLED
    assert tidied(studio.settings.storage / "runs" / job_id)
    assert studio.training.adapters.of_voice(admin, voice.id) == []
    with pytest.raises(InputRefused):
        studio.training.resume(admin, job_id)
    kept = [row for row in studio.training.progress(admin, job_id).checkpoints if row.there]
    assert studio.training.use(admin, kept[-1].id).step == kept[-1].step


def test_kill_9_of_the_child_is_told_and_resume_goes_on(
    studio: Studio, admin: Actor, voice: VoiceView, dataset_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(STEP_S, "0.1")
    job_id = launched(studio, admin, voice, dataset_id)
    wait_for(studio, admin, job_id, lambda job: job.step >= 7)
    os.kill(worker_of(studio.settings, job_id), signal.SIGKILL)
    job = wait_for(studio, admin, job_id, ended)
    assert job.state is JobState.INTERRUPTED and job.reason == ("training.killed", {"signal": 9})
    monkeypatch.setenv(STEP_S, "0")
    studio.training.resume(admin, job_id)
    done = wait_for(studio, admin, job_id, ended)
    assert done.state is JobState.DONE, done.trouble("en")
    steps = [point.step for point in studio.training.progress(admin, job_id).curves.train]
    assert steps == list(range(1, done.steps + 1))


def test_without_the_consent_to_train_nothing_is_queued(studio: Studio, admin: Actor) -> None:
    voice = enrol(studio, admin)
    dataset_id = make_dataset(studio, voice)
    with pytest.raises(ConsentMissing):
        studio.training.submit(admin, request_for(studio, voice, dataset_id))
    assert studio.training.jobs(admin) == []


def test_another_producer_sees_nothing(
    studio: Studio, admin: Actor, voice: VoiceView, dataset_id: str, account: object
) -> None:
    job_id = studio.training.submit(admin, request_for(studio, voice, dataset_id))
    stranger = account("rosa")  # type: ignore[operator]
    assert studio.training.jobs(stranger) == []
    for ask in (
        studio.training.progress,
        studio.training.cancel,
        studio.training.resume,
        studio.training.delete,
    ):
        with pytest.raises(NotFound):
            ask(stranger, job_id)
    with pytest.raises(NotFound):
        studio.synthesis.trained.choices(stranger, voice.id)


@pytest.mark.parametrize(
    "changes",
    [
        {"batch_size": 0},
        {"learning_rate": float("nan")},
        {"epochs": 2.5e9},
        {"longest_s": -1},
        {"language": "xx"},
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(
    studio: Studio, admin: Actor, voice: VoiceView, dataset_id: str, changes: dict[str, object]
) -> None:
    with pytest.raises(InputRefused):
        studio.training.submit(admin, request_for(studio, voice, dataset_id, **changes))
