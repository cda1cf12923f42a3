"""Starting a job's child process: its folder filled from the dataset, its key handed over on a pipe."""

import contextlib
import hashlib
import logging
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import studio
from studio.datasets.forms import TrainingSet, TrainingUtterance
from studio.datasets.service import DatasetService
from studio.db.database import Database
from studio.db.tables import TrainingJob, Voice
from studio.engines.base import EngineSpec
from studio.errors import Cancelled, ModelBroken, ModelMissing, NotFound
from studio.evaluation.judges import ENCODER_MODEL, RECOGNIZER_MODEL
from studio.privacy.access import Actor
from studio.privacy.sealing import KEY_BYTES
from studio.privacy.vault import Vault
from studio.training.plan import TrainingPlan
from studio.training.processes import Identity
from studio.training.run_folder import (
    HELD_OUT,
    REPLAY,
    TRAIN,
    Order,
    Recording,
    RunFacts,
    RunFolder,
    SampleSentence,
)
from studio.training.store import note_of, plan_of

ROOT = Path(studio.__file__).parent.parent
SENTENCES = 6  # spoken at every checkpoint
READY = "ready"  # an empty file: the folder is whole
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Ground:
    """Where runs are and what they stand on. `model_files` as in EngineContext."""

    database: Database
    vault: Vault
    datasets: DatasetService
    runs: Path
    model_files: Callable[[str], Path]
    threads: int


@dataclass(frozen=True)
class Child:
    """A process that trains: found by its identity; `process` is None when another studio started it."""

    identity: Identity
    process: "subprocess.Popen[bytes] | None" = None

    def alive(self) -> bool:
        if self.process is not None:
            return self.process.poll() is None
        return self.identity.alive()

    def end(self) -> None:
        """Kill it with what it started, and wait until all are gone."""
        self.identity.end()
        if self.process is not None:
            self.process.wait()


def launch(
    ground: Ground, job: TrainingJob, actor: Actor, spec: EngineSpec, should_stop: Callable[[], bool]
) -> Child:
    """Fill the job's folder, unless an earlier start did, and start its process on `job.device`.

    Raises what the dataset, the vault, the models or the disk refuse; Cancelled when `should_stop` turns true.
    """
    models = _models(ground, spec)
    run = RunFolder(ground.runs / job.id, _key(ground, job))
    if not (run.root / READY).exists():
        run = _filled(ground, job, actor, spec, run, should_stop)
    run.clear_wishes()
    processes = run.plan.processes
    threads = max(1, ground.threads // processes) if job.device == "cpu" else ground.threads
    return _start(run, Order(run.key, models, job.device, threads, processes))


def _models(ground: Ground, spec: EngineSpec) -> dict[str, str]:
    """Where the engine's models are; the judges' where they are here: without them, checkpoints go unscored."""
    found = {model: str(ground.model_files(model).absolute()) for model in spec.models}
    for judge in (ENCODER_MODEL, RECOGNIZER_MODEL, *spec.any_of):
        try:
            found[judge] = str(ground.model_files(judge).absolute())
        except (ModelMissing, ModelBroken):
            log.info("training without %s: it is not here", judge)
    return found


def _key(ground: Ground, job: TrainingJob) -> bytes:
    """The run's key, out of the vault; made at the first start. It is never written anywhere else."""
    with ground.database.write() as session:
        row = session.get(TrainingJob, job.id)
        if row is None:
            raise NotFound("training.unknown")
        if row.key_asset_id is not None:
            return ground.vault.read(session, row.key_asset_id)
        voice = session.get_one(Voice, row.voice_id)
        key = os.urandom(KEY_BYTES)
        row.key_asset_id = ground.vault.write(session, voice.speaker_id, "run_key", key)
        return key


def _filled(
    ground: Ground,
    job: TrainingJob,
    actor: Actor,
    spec: EngineSpec,
    run: RunFolder,
    should_stop: Callable[[], bool],
) -> RunFolder:
    """A folder made anew: plan, facts, every recording sealed with the run's key, the sample sentences."""
    shutil.rmtree(run.root, ignore_errors=True)
    given = ground.datasets.training_set(actor, job.dataset_id)
    plan = plan_of(job)
    replay = [one for note in note_of(job).replay for one in replayed(ground, actor, note.dataset_id, plan)]
    run = RunFolder.create(run.root, run.key, plan, _facts(ground, job, spec, given))
    with ground.database.read() as session:
        for utterance in (*given.utterances, *replay):
            if should_stop():
                raise Cancelled("work.cancelled")
            run.write_clip(utterance.id, ground.datasets.clip(session, utterance))
    run.write_manifest([_recording(one, plan) for one in (*given.utterances, *replay)])
    run.write_samples(sample_sentences(given.utterances, plan))
    (run.root / READY).touch(mode=0o600)
    return run


def replayed(ground: Ground, actor: Actor, dataset_id: str, plan: TrainingPlan) -> list[TrainingUtterance]:
    """What of a replay dataset takes turns: its training part, in other languages than the plan's.

    Raises what the gate and the dataset's licence refuse.
    """
    given = ground.datasets.training_set(actor, dataset_id)
    return [one for one in given.utterances if one.split == TRAIN and one.language != plan.language]


def _facts(ground: Ground, job: TrainingJob, spec: EngineSpec, given: TrainingSet) -> RunFacts:
    return RunFacts(
        job.id, spec.learner, given.dataset_id, given.content_hash, spec.models[0] if spec.models else spec.id,
        folder_hash(ground.model_files(spec.models[0])) if spec.models else "",
        licence=spec.licence.id, consent_id=job.consent_id or "",
    )  # fmt: skip


def folder_hash(folder: Path) -> str:
    """SHA-256 over the names and contents of a model's files: which base an adapter belongs to."""
    whole = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        with path.open("rb") as file:
            inner = hashlib.file_digest(file, "sha256").hexdigest()
        whole.update(f"{path.relative_to(folder).as_posix()}\t{inner}\n".encode())
    return whole.hexdigest()


def _recording(one: TrainingUtterance, plan: TrainingPlan) -> Recording:
    """Training material in other languages than the plan's is for replay."""
    foreign = one.split == TRAIN and one.language != plan.language
    return Recording(one.id, one.text, one.language, REPLAY if foreign else one.split, one.duration_s)


def sample_sentences(utterances: Sequence[TrainingUtterance], plan: TrainingPlan) -> list[SampleSentence]:
    """Held-out sentences of middling length, drawn by the plan's seed: each has its recording to compare with."""
    held = [one for one in utterances if one.split == HELD_OUT and one.language == plan.language]
    fitting = [one for one in held if 15 <= len(one.text) <= 160] or held
    chosen = random.Random(f"samples:{plan.seed}").sample(fitting, min(SENTENCES, len(fitting)))
    return [SampleSentence(one.text, one.language, one.id) for one in chosen]


def _start(run: RunFolder, order: Order) -> Child:
    """The process leads a group of its own: it outlives this studio, and can be ended with all it started."""
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    kind, _, card = order.device.partition(":")
    if card:  # the child sees the one card that is its own
        environment["CUDA_VISIBLE_DEVICES"], order = card, replace(order, device=kind)
    run.log_file.touch(mode=0o600)
    with run.log_file.open("ab") as log_file:
        process = subprocess.Popen(
            [sys.executable, "-m", "studio.training.worker", str(run.root.absolute())], cwd=ROOT, env=environment,
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=log_file, start_new_session=True,
        )  # fmt: skip
    assert process.stdin is not None
    identity = Identity.of(process.pid)
    run.write_worker(identity)  # before it has the key: a child that nobody knows of can do nothing
    # A child that died at once reads nothing: how it ended is told when it is followed, and is no disk's fault.
    with contextlib.suppress(BrokenPipeError), process.stdin as pipe:
        pipe.write(order.line().encode())
    return Child(identity, process)


def found(ground: Ground, job: TrainingJob) -> Child | None:
    """The job's process, started by a studio before this one, if it still runs."""
    root = ground.runs / job.id
    if not (root / "worker.pid").exists():
        return None
    identity = RunFolder(root, b"").worker()
    return Child(identity) if identity is not None and identity.alive() else None
