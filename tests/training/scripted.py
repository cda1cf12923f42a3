"""A scripted engine that can be trained, a dataset for it, and a studio whose jobs run in real children."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from safetensors.numpy import save
from sqlalchemy import select

from studio.audio.encode import AudioFormat, encode
from studio.bootstrap import Studio
from studio.consent.purposes import Purpose
from studio.datasets.rows import Texts, seal_texts, settle
from studio.db.tables import Adapter, ConsentRecord, ConsentSample, Dataset, DatasetUtterance, new_id
from studio.engines.base import EngineContext, EngineSpec, VoiceState
from studio.privacy.access import Actor
from studio.settings import Settings
from studio.training.forms import JobState, JobView, LaunchRequest
from studio.training.plan import Method, TrainingPlan
from studio.training.run_folder import RunFolder
from studio.voices.forms import VoiceView
from tests.enrolling import consent_form, enrol
from tests.fakes import ScriptedEngine, buzz, fake_spec

TRAINABLE = "fake-trains"
CONSENTED = frozenset({Purpose.ZERO_SHOT, Purpose.INTERNAL_USE, Purpose.FINE_TUNE, Purpose.EVALUATION})


def trainable_spec() -> EngineSpec:
    return replace(
        fake_spec(TRAINABLE), name="Engine that learns", trains=frozenset({"lora", "full"}), training_rate_hz=22_050,
        factory="tests.training.scripted:TrainableEngine",
        learner="tests.training.scripted_learner:ScriptedLearner",
    )  # fmt: skip


class TrainableEngine(ScriptedEngine):
    """Speaks higher with an adapter: how much follows from its weights."""

    def __init__(self, context: EngineContext) -> None:
        super().__init__(context, trainable_spec())

    def adapt(self, voice: VoiceState, adapter_id: str, read: Callable[[], bytes]) -> VoiceState:
        pitch = voice.tensors["pitch_hz"] + 20 + sum(read()) % 50
        return VoiceState(voice.engine_id, {"pitch_hz": pitch.astype(np.float32)}, {"adapter": adapter_id})


def consented_voice(studio: Studio, actor: Actor, name: str = "Linda") -> VoiceView:
    """A voice whose speaker agreed to training."""
    return enrol(studio, actor, name, consent=consent_form(studio, CONSENTED, subject=actor.account_id))


def make_dataset(studio: Studio, voice: VoiceView, clips: int = 10, language: str = "en") -> str:
    """A finished dataset of short sounds, as an import would leave it; its id."""
    with studio.database.write() as session:
        dataset = Dataset(
            owner_id=voice.owner_id, voice_id=voice.id, name="Readings", language=language, format="recordings",
            basis="consent", source="test", licence="consent", seed=1, held_out_share=0.2, state="ready",
        )  # fmt: skip
        session.add(dataset)
        session.flush()
        keyset = studio.vault.keyring.find(session, voice.speaker_id)
        for number in range(clips):
            _add(studio, session, dataset, voice, keyset, number)
        settle(session, dataset, keyset)
        return dataset.id


def _add(studio, session, dataset, voice, keyset, number):  # type: ignore[no-untyped-def]
    sound = buzz(1.5 + 0.1 * number, 120.0 + number, number)
    row_id, text = (
        new_id("utt"),
        f"This is the spoken sentence with the number {'abcdefghijklmnop'[number]} in it.",
    )
    session.add(
        DatasetUtterance(
            id=row_id, dataset_id=dataset.id, position=number,
            asset_id=studio.vault.write(session, voice.speaker_id, "utterance", encode(sound, AudioFormat.FLAC)),
            content_id=sound.content_id, sealed=seal_texts(keyset, row_id, Texts(text, text)), speaker="",
            language=dataset.language, recording=None, start_s=0.0, end_s=sound.duration_s,
            duration_s=sound.duration_s, sample_rate_hz=sound.sample_rate_hz, speech_s=sound.duration_s,
            confidence=0.9, cer=0.0, likeness=0.9, chars_per_s=14.0, tail_db=-40.0, suspicion=0.0, doubts=[],
            kept=True, reason="", by_person=True,
        )
    )  # fmt: skip


def end_consent(studio: Studio, voice: VoiceView, how: str) -> None:
    """The consent to train ends: "expired", or by a new version that agrees to less ("purpose_taken_back")."""
    with studio.database.write() as session:
        query = select(ConsentRecord).where(ConsentRecord.speaker_id == voice.speaker_id)
        record = session.scalars(query).one()
        if how == "expired":
            record.expires_at = "2020-01-01T00:00:00+00:00"
            return
        purposes = [purpose for purpose in record.purposes if purpose != "fine_tune"]
        less = _copied(record, version=2, purposes=purposes)
        session.add(less)
        session.flush()
        for sample in session.scalars(select(ConsentSample).where(ConsentSample.consent_id == record.id)):
            session.add(_copied(sample, consent_id=less.id))


def _copied(row: Any, **changes: object) -> Any:
    columns = {c.name: getattr(row, c.name) for c in type(row).__table__.columns if c.name != "id"}
    return type(row)(**columns | changes)


def small_plan(**changes: object) -> TrainingPlan:
    """About 20 steps with four checkpoints."""
    plan = TrainingPlan(
        TRAINABLE, Method.LORA, "en", "own", epochs=5, learning_rate=0.05, batch_size=2, checkpoint_every=5,
        warmup_steps=2,
    )  # fmt: skip
    return replace(plan, **changes)  # type: ignore[arg-type]


def request_for(studio: Studio, voice: VoiceView, dataset_id: str, **changes: object) -> LaunchRequest:
    return LaunchRequest(voice.id, dataset_id, small_plan(**changes))


def stored(
    studio: Studio, voice: VoiceView, engine_id: str = TRAINABLE, method: str = "lora", data: bytes = b""
) -> str:
    """An adapter in the vault, as a job leaves it; its id."""
    data = data or save({"w": np.ones(2, np.float32)}, metadata={"engine": engine_id})
    licence = {"id": "Apache-2.0", "name": "Apache License 2.0", "commercial": True}
    card = {
        "consent_record": "con_1",
        "base_hash": "b" * 64,
        "dataset": {"content_hash": "d" * 64},
        "licence": licence,
    }
    with studio.database.write() as session:
        asset_id = studio.vault.write(session, voice.speaker_id, "adapter", data)
        adapter = Adapter(
            voice_id=voice.id, job_id=None, name="Linda lora 1", engine_id=engine_id, method=method, step=10,
            asset_id=asset_id, card=card, scores={"similarity": 0.6},
        )  # fmt: skip
        session.add(adapter)
        session.flush()
        return adapter.id


def wait_for(
    studio: Studio, actor: Actor, job_id: str, until: Callable[[JobView], bool], seconds: float = 300
) -> JobView:
    """The job once `until` holds; fails with what it is by then."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        job = studio.training.job(actor, job_id)
        if until(job):
            return job
        time.sleep(0.05)
    log = studio.training.progress(actor, job_id).log
    raise AssertionError(f"{job.state} at step {job.step}/{job.steps}: {job.reason}\n{log}")


def tidied(folder: Path, seconds: float = 60) -> bool:
    """Whether a run's copy of the recordings is gone, soon after its row says how it ended."""
    end = time.monotonic() + seconds
    while (folder / "data").exists() and time.monotonic() < end:
        time.sleep(0.05)
    time.sleep(0.2)  # what else is tidied follows at once
    return not (folder / "data").exists()


def ended(job: JobView) -> bool:
    return job.state not in (JobState.QUEUED, JobState.RUNNING)


def worker_of(settings: Settings, job_id: str) -> int:
    """The process id of a job's child, which has to be alive."""
    identity = RunFolder(settings.storage / "runs" / job_id, b"").worker()
    assert identity is not None and identity.alive()
    return identity.pid


def kill_children(storage: Path) -> None:
    """No process of a test outlives it."""
    for process in psutil.process_iter(["cmdline"]):
        if any(str(storage) in part for part in process.info["cmdline"] or []):
            process.kill()
