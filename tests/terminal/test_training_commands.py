"""Training from the terminal: forecast, launch, follow to the end, jobs and adapters, all by `app.py`'s own words."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from studio.bootstrap import Studio
from studio.engines.weights import metadata_of
from studio.privacy.access import Actor
from studio.terminal import main as command_line
from studio.terminal.common import Terminal
from studio.training.forms import JobState
from studio.voices.forms import VoiceView
from tests.conftest import Home
from tests.training.scripted import (
    TRAINABLE,
    consented_voice,
    kill_children,
    make_dataset,
    request_for,
    stored,
    trainable_spec,
)


@pytest.fixture
def studio(home: Home) -> Iterator[Studio]:
    home.studio.engines.register(trainable_spec())
    yield home.studio
    kill_children(home.settings.storage)


@pytest.fixture
def voice(studio: Studio, admin: Actor) -> VoiceView:
    return consented_voice(studio, admin)


@pytest.fixture
def app(studio: Studio, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """app("jobs", "list") runs a command on the test's studio and returns what it printed."""
    monkeypatch.setattr(Terminal, "studio", property(lambda self: studio))
    monkeypatch.setattr(Terminal, "close", lambda self: None)

    def run(*command: str, code: int = 0) -> str:
        assert command_line.main(command) == code, capsys.readouterr()
        told = capsys.readouterr()
        return told.out + told.err

    return run


def train(voice: VoiceView, dataset_id: str, *more: str) -> tuple[str, ...]:
    settings = ("epochs=2", "learning_rate=0.05", "batch_size=2", "accumulation=1", "checkpoint_every=4")
    setting = [part for one in settings for part in ("--set", one)]
    return (
        "train",
        f"voice:{voice.id}",
        dataset_id,
        "--engine",
        TRAINABLE,
        "--method",
        "lora",
        *setting,
        *more,
    )


def test_a_forecast_launches_nothing_and_says_what_it_would_take(
    app: Any, studio: Studio, admin: Actor, voice: VoiceView
) -> None:
    dataset_id = make_dataset(studio, voice)
    told = app(*train(voice, dataset_id, "--forecast"))
    assert told.startswith("fits: 8 steps, memory ") and "disk" in told and "estimated" in told
    assert studio.training.jobs(admin) == []
    replay = make_dataset(studio, voice, language="it")
    more = app(*train(voice, dataset_id, "--forecast", "--replay", replay, "--set", "replay_share=0.5"))
    assert more.startswith("fits: 16 steps")


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (("--set", "epoch=3"), "the valid ones are"),
        (("--set", "epochs=0"), "epochs"),
        (("--set", "epochs"), "name=value"),
        (("--set", "method=knitting"), "knitting"),
        (("--replay", "dat_none"), "dataset"),
    ],
)
def test_a_mistake_is_told_and_nothing_is_queued(
    app: Any, studio: Studio, admin: Actor, voice: VoiceView, settings: tuple[str, ...], told: str
) -> None:
    assert told in app(*train(voice, make_dataset(studio, voice), *settings), code=1)
    assert studio.training.jobs(admin) == []


def test_a_voice_without_a_dataset_is_told_how_to_make_one(app: Any, voice: VoiceView) -> None:
    assert "datasets" in app("train", voice.id, "--engine", TRAINABLE, code=1)


def test_a_training_is_followed_to_its_end_and_its_adapter_taken_out(
    app: Any, studio: Studio, admin: Actor, voice: VoiceView, tmp_path: Path
) -> None:
    told = app(*train(voice, make_dataset(studio, voice)))
    (job,) = studio.training.jobs(admin)
    assert job.state is JobState.DONE, job.trouble("en")
    assert f"{job.id}: done at step 8/8, adapter {job.adapter_id}" in told and "zero-shot" in told
    assert job.id in app("jobs", "list") and "done" in app("jobs", "show", job.id)
    assert "step 8/8" in app("jobs", "follow", job.id)
    log = studio.training.progress(admin, job.id).log
    assert "checkpoint at step 8" in log and "loss" in log  # the log has something to say while all is well
    assert "INFO" in log and "spoken sentence" not in log
    assert job.adapter_id in app("jobs", "adapters", f"voice:{voice.id}")
    assert "Alto" in app("jobs", "rename", job.adapter_id, "Alto")
    out = tmp_path / "alto.safetensors"
    app("jobs", "export", job.adapter_id, str(out))
    card = json.loads(metadata_of(out.read_bytes())["card"])
    assert card["dataset"]["content_hash"] == job.dataset.content_hash
    assert card["scores"] and card["consent_record"] and "name" not in card["dataset"]
    with studio.database.read() as session:
        row = studio.training.adapters.find(session, admin, job.adapter_id)
        assert "card" in metadata_of(studio.vault.read(session, row.asset_id))  # in the vault, too
    assert "merge" in app("jobs", "merge", job.adapter_id, str(tmp_path / "whole"), code=1)
    rows = studio.training.progress(admin, job.id).checkpoints
    kept = next(row for row in rows if row.there)
    assert "adp_" in app("jobs", "use", kept.id)
    app("jobs", "delete", job.id)
    assert studio.training.jobs(admin) == []
    app("jobs", "delete", job.adapter_id)
    assert job.adapter_id not in {one.id for one in studio.training.adapters.mine(admin)}


def test_a_waiting_job_is_paused_resumed_cancelled_and_deleted(
    app: Any, studio: Studio, admin: Actor, voice: VoiceView, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(studio.training.supervisor, "somewhere", lambda: True)  # a studio serves elsewhere
    told = app(*train(voice, make_dataset(studio, voice), "--detach"))
    (job,) = studio.training.jobs(admin)
    assert f"{job.id}: queued" in told
    for action, state in (
        ("pause", JobState.PAUSED),
        ("resume", JobState.QUEUED),
        ("cancel", JobState.CANCELLED),
    ):
        assert app("jobs", action, job.id) == f"{job.id}: {action} asked\n"
        assert studio.training.job(admin, job.id).state is state
    app("jobs", "delete", job.id)
    app("jobs", "show", job.id, code=1)


def test_somebody_elses_job_and_adapter_are_unknown(
    app: Any, studio: Studio, admin: Actor, voice: VoiceView, account: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = studio.training.submit(admin, request_for(studio, voice, make_dataset(studio, voice)))
    adapter_id = stored(studio, voice)
    monkeypatch.setattr(Terminal, "actor", account("rosa"))
    assert job_id not in app("jobs", "list")
    for command in (("show", job_id), ("cancel", job_id), ("delete", job_id), ("delete", adapter_id),
                    ("rename", adapter_id, "Mine"), ("export", adapter_id, "/nowhere/out")):  # fmt: skip
        app("jobs", *command, code=1)
    assert studio.training.job(admin, job_id).state is JobState.QUEUED
