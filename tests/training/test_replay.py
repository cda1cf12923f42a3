"""Other languages take turns: from datasets of the same owner, with everybody's consent, in the share asked for."""

from collections.abc import Iterator

import pytest
from sqlalchemy import select

from studio.bootstrap import Studio
from studio.db.tables import Adapter, TrainingJob
from studio.errors import ConsentMissing, InputRefused, NotFound
from studio.privacy.access import Actor
from studio.training.forms import JobState, LaunchRequest
from studio.training.hardware import devices
from studio.training.run_folder import REPLAY, TRAIN, RunFolder
from studio.voices.forms import VoiceView
from tests.conftest import Home
from tests.enrolling import enrol
from tests.training.scripted import (
    consented_voice,
    end_consent,
    ended,
    kill_children,
    make_dataset,
    small_plan,
    stored,
    trainable_spec,
    wait_for,
)


@pytest.fixture
def studio(home: Home) -> Iterator[Studio]:
    home.studio.engines.register(trainable_spec())
    yield home.studio
    kill_children(home.settings.storage)


@pytest.fixture
def voice(studio: Studio, admin: Actor) -> VoiceView:
    return consented_voice(studio, admin)


def request(studio: Studio, voice: VoiceView, *replay: str, **changes: object) -> LaunchRequest:
    plan = small_plan(**{"replay_share": 0.5, "epochs": 3, **changes})
    return LaunchRequest(voice.id, make_dataset(studio, voice), plan, replay)


@pytest.mark.slow
def test_a_job_with_replay_and_two_processes_takes_the_steps_that_were_forecast(
    studio: Studio, admin: Actor, voice: VoiceView
) -> None:
    other = make_dataset(studio, consented_voice(studio, admin, "Rosa"), clips=6, language="it")
    wanted = request(studio, voice, other, processes=2)
    forecast = studio.training.predict(admin, wanted).steps
    job_id = studio.training.submit(admin, wanted)
    studio.training.supervisor.start()
    job = wait_for(studio, admin, job_id, lambda job: ended(job) or job.step >= 1)
    assert job.steps == forecast
    events = (studio.settings.storage / "runs" / job_id / "events.jsonl").read_text()
    there = job.dataset.replay[0].clips
    assert '"processes": 2' in events and f'"replay": {there}' in events and there > 0
    done = wait_for(studio, admin, job_id, ended)
    assert done.state is JobState.DONE, done.trouble("en")
    assert done.step == forecast
    (adapter,) = studio.training.adapters.of_voice(admin, voice.id)
    assert [one["language"] for one in adapter.card["dataset"]["replay"]] == ["it"]
    assert "voice_id" not in adapter.card["dataset"]["replay"][0]


def test_the_run_folder_holds_the_training_part_of_the_other_languages(
    studio: Studio, admin: Actor, voice: VoiceView
) -> None:
    from studio.training.launching import _filled

    other = make_dataset(studio, voice, clips=6, language="it")
    job_id = studio.training.submit(admin, request(studio, voice, other))
    ground = studio.training._ground
    with studio.database.read() as session:
        job = session.get_one(TrainingJob, job_id)
    run = RunFolder(ground.runs / job_id, bytes(32))
    manifest = _filled(ground, job, admin, trainable_spec(), run, lambda: False).manifest()
    by_split = [(one.split, one.language) for one in manifest]
    assert by_split.count((REPLAY, "it")) == job.dataset["replay"][0]["clips"] > 0
    assert by_split.count((TRAIN, "en")) == 8 and ("held_out", "it") not in by_split
    assert all(run.read_clip(one.id).duration_s > 0 for one in manifest)


def test_what_cannot_be_replayed_is_refused(
    studio: Studio, admin: Actor, voice: VoiceView, account: object
) -> None:
    other, english = make_dataset(studio, voice, language="it"), make_dataset(studio, voice)
    for wrong, error in (
        (request(studio, voice, english), InputRefused),
        (request(studio, voice, "dat_none"), NotFound),
        (request(studio, voice, other, replay_share=0.0), InputRefused),
    ):
        with pytest.raises(error):
            studio.training.predict(admin, wrong)
        with pytest.raises(error):
            studio.training.submit(admin, wrong)
    stranger = account("rosa")  # type: ignore[operator]
    theirs = make_dataset(studio, consented_voice(studio, stranger, "Rosa"), language="it")
    with pytest.raises(NotFound):
        studio.training.submit(account("ugo"), request(studio, voice, theirs))  # type: ignore[operator]
    unasked = make_dataset(studio, enrol(studio, admin, "Zita"), language="it")
    with pytest.raises(ConsentMissing):
        studio.training.submit(admin, request(studio, voice, unasked))
    assert studio.training.jobs(admin) == []


def test_consent_is_asked_of_those_who_are_replayed_when_the_job_starts(
    studio: Studio, admin: Actor, voice: VoiceView
) -> None:
    rosa = consented_voice(studio, admin, "Rosa")
    job_id = studio.training.submit(admin, request(studio, voice, make_dataset(studio, rosa, language="it")))
    end_consent(studio, rosa, "purpose_taken_back")
    studio.training.supervisor.start()
    job = wait_for(studio, admin, job_id, ended)
    assert job.state is JobState.CANCELLED
    assert job.reason is not None and job.reason[0] == "consent.purpose_missing"
    assert job.step == 0


def test_what_learned_from_somebody_goes_when_they_withdraw_and_nothing_else_does(
    studio: Studio, admin: Actor, voice: VoiceView
) -> None:
    rosa = consented_voice(studio, admin, "Rosa")
    with_her = studio.training.submit(
        admin, request(studio, voice, make_dataset(studio, rosa, language="it"))
    )
    without = studio.training.submit(admin, request(studio, voice, replay_share=0.0))
    learned, apart = stored(studio, voice), stored(studio, voice)
    with studio.database.write() as session:
        session.get_one(Adapter, learned).job_id = with_her
    studio.voices.withdraw(admin, rosa.id)
    assert [job.id for job in studio.training.jobs(admin)] == [without]
    with studio.database.read() as session:
        assert [*session.scalars(select(Adapter.id))] == [apart]
    assert studio.training.exports.adapter(admin, apart)[0]


def test_more_cards_than_there_are_is_refused(
    studio: Studio, admin: Actor, voice: VoiceView, monkeypatch: pytest.MonkeyPatch
) -> None:
    planner = studio.training._planner
    monkeypatch.setattr(type(planner), "device", "cuda", raising=False)
    object.__setattr__(planner, "device", "cuda")
    assert devices("cuda")[-1] == "cpu"
    with pytest.raises(InputRefused) as refused:
        studio.training.submit(admin, request(studio, voice, replay_share=0.0, processes=9))
    assert refused.value.key == "training.cards"
