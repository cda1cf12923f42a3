"""Attack 27: consent ends while a job trains. The process ends, and nothing of it is left."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from studio.bootstrap import Studio
from studio.db.tables import Adapter, Asset, Checkpoint, TrainingJob
from studio.errors import NotFound
from studio.privacy.access import Actor
from studio.training.forms import JobState
from studio.training.processes import Identity
from studio.voices.forms import VoiceView
from tests.conftest import Home
from tests.training.scripted import (
    consented_voice,
    end_consent,
    ended,
    kill_children,
    make_dataset,
    request_for,
    trainable_spec,
    wait_for,
    worker_of,
)
from tests.waiting import until


@pytest.fixture
def studio(home: Home, monkeypatch: pytest.MonkeyPatch) -> Iterator[Studio]:
    monkeypatch.setenv("SCRIPTED_STEP_S", "0.2")
    home.studio.engines.register(trainable_spec())
    yield home.studio
    kill_children(home.settings.storage)


def training(studio: Studio, admin: Actor) -> tuple[VoiceView, str, Identity]:
    """A job with a checkpoint behind it, in the middle of its steps."""
    voice = consented_voice(studio, admin)
    job_id = studio.training.submit(admin, request_for(studio, voice, make_dataset(studio, voice), epochs=50))
    studio.training.supervisor.start()
    wait_for(studio, admin, job_id, lambda job: job.step >= 6)
    return voice, job_id, Identity.of(worker_of(studio.settings, job_id))


def holds(storage: Path, word: str) -> list[Path]:
    """Files of the storage that still name something."""
    files = (path for path in storage.rglob("*") if path.is_file())
    return [path for path in files if word.encode() in path.read_bytes()]


def test_attack_27_a_withdrawal_during_training_stops_the_job_and_leaves_nothing(
    studio: Studio, admin: Actor
) -> None:
    voice, job_id, worker = training(studio, admin)
    folder = studio.settings.storage / "runs" / job_id
    assert list((folder / "data").iterdir()) and list(folder.glob("checkpoints/*/weights"))
    studio.voices.withdraw(admin, voice.id)
    assert not worker.alive()  # by the time the receipt is there
    assert not folder.exists()
    with studio.database.read() as session:
        for table in (TrainingJob, Checkpoint, Adapter):
            assert session.scalars(select(table)).all() == []
        assert session.scalars(select(Asset).where(Asset.keyset_id == voice.speaker_id)).all() == []
    with pytest.raises(NotFound):
        studio.training.progress(admin, job_id)
    studio.training.supervisor.tick()
    assert not folder.exists()
    assert studio.audit.verify(admin).intact


@pytest.mark.parametrize("how", ["expired", "purpose_taken_back"])
def test_attack_27_a_consent_that_ends_during_training_stops_the_job_and_leaves_nothing(
    studio: Studio, admin: Actor, how: str
) -> None:
    voice, job_id, worker = training(studio, admin)
    end_consent(studio, voice, how)
    job = wait_for(studio, admin, job_id, ended)
    assert job.state is JobState.CANCELLED and job.reason is not None and job.reason[0].startswith("consent.")
    assert job.step < job.steps, "it trained to its end"
    assert not worker.alive()
    assert not (studio.settings.storage / "runs" / job_id).exists()
    with studio.database.read() as session:
        assert session.scalars(select(Checkpoint)).all() == []
        assert session.scalars(select(Asset).where(Asset.kind.in_(("run_key", "adapter")))).all() == []


def test_a_process_nobody_knows_of_is_ended_with_its_folder(studio: Studio, admin: Actor) -> None:
    """The row is gone behind the supervisor's back (a backup put back, say): the child does not train on."""
    _voice, job_id, worker = training(studio, admin)
    with studio.database.write() as session:
        session.delete(session.get_one(TrainingJob, job_id))
    folder = studio.settings.storage / "runs" / job_id
    until(lambda: not worker.alive() and not folder.exists(), 30.0)  # it would train for longer


def test_no_word_and_no_sound_of_a_run_lies_open_on_the_disk(studio: Studio, admin: Actor) -> None:
    _voice, job_id, _worker = training(studio, admin)
    storage = studio.settings.storage
    assert holds(storage, "spoken sentence with the number") == []
    assert holds(storage, "Linda Real") == []
    for path in (storage / "runs").rglob("*"):
        assert not path.is_file() or path.read_bytes()[:4] not in (b"RIFF", b"fLaC"), path
    facts = json.loads((storage / "runs" / job_id / "run.json").read_text())
    assert "key" not in facts
    assert (storage / "runs").stat().st_mode & 0o077 == 0
    with studio.database.read() as session:
        job = session.get_one(TrainingJob, job_id)
        assert job.key_asset_id is not None
        key = studio.vault.read(session, job.key_asset_id)
    for path in storage.rglob("*"):
        found = path.read_bytes() if path.is_file() else b""
        assert key not in found and base64.b64encode(key) not in found, path
