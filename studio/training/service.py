"""Training: plans and their prediction, jobs submitted, watched, paused, cancelled, resumed, deleted."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from studio.audio.encode import AudioFormat
from studio.consent.gate import permits
from studio.datasets.forms import DatasetView
from studio.db.tables import Adapter, Checkpoint, TrainingJob, Voice
from studio.engines.base import EngineSpec
from studio.engines.registry import Registry
from studio.errors import InputRefused, NotFound
from studio.privacy import audit
from studio.privacy.access import Actor, Permission
from studio.privacy.erasure import Erased
from studio.provenance.marking import Marker
from studio.training import hardware
from studio.training.cards import card_of
from studio.training.checkpoints import Checkpoints
from studio.training.curves import CurveBook
from studio.training.forms import AdapterView, DatasetNote, JobState, JobView, LaunchRequest, Progress, Wish
from studio.training.launching import Ground
from studio.training.plan import TrainingPlan
from studio.training.prediction import Load, Machine, Prediction, Verdict, predict
from studio.training.presets import checked
from studio.training.run_folder import RunFolder
from studio.training.shelf import PURPOSES, AdapterShelf
from studio.training.store import checkpoint_view, checkpoints_of, find_job, job_view, jobs_of
from studio.training.supervisor import Supervisor, remove_run, tidy
from studio.voices.service import VoiceService

LOG_BYTES = 6_000


class TrainingService:
    """What the pages and the terminal ask; the work itself is the supervisor's and its children's."""

    def __init__(
        self, ground: Ground, shelf: AdapterShelf, voices: VoiceService, engines: Registry, supervisor: Supervisor,
        device: str, marker: Marker,
    ) -> None:  # fmt: skip
        self._ground, self._voices, self._engines = ground, voices, engines
        self._device = device
        self._marker = marker
        self._curves = CurveBook()
        self.supervisor = supervisor
        self.adapters = shelf

    # Plans

    def engines(self) -> tuple[EngineSpec, ...]:
        """The engines that can be trained."""
        return tuple(spec for spec in self._engines.specs() if spec.learner and spec.trains)

    def machine(self) -> Machine:
        """What this machine has free now."""
        self._ground.runs.mkdir(mode=0o700, parents=True, exist_ok=True)
        return hardware.machine(self._device, self._ground.threads, self._ground.runs)

    def predict(self, actor: Actor, request: LaunchRequest) -> Prediction:
        """What a job would take; raises what `submit` would refuse, but for what does not fit."""
        spec = self._engines.spec(request.plan.engine_id)
        plan = checked(request.plan, spec)
        dataset = self._dataset(actor, request)
        return predict(plan, _load(dataset), self.machine(), self._pace(plan))

    def _pace(self, plan: TrainingPlan) -> float | None:
        """Clips a second of the newest job of this kind on this kind of device."""
        query = select(TrainingJob).where(
            TrainingJob.engine_id == plan.engine_id,
            TrainingJob.clips_per_s.is_not(None),
            TrainingJob.device.startswith(self._device),
        )
        with self._ground.database.read() as session:
            rows = session.scalars(query.order_by(TrainingJob.created_at.desc()).limit(20))
            alike = [row.clips_per_s for row in rows if row.plan["method"] == plan.method.value]
        return alike[0] if alike else None

    def _dataset(self, actor: Actor, request: LaunchRequest) -> DatasetView:
        dataset = self._ground.datasets.view(actor, request.dataset_id)
        if dataset.voice_id != request.voice_id:
            raise NotFound("datasets.unknown")
        return dataset

    # Submitting

    def submit(self, actor: Actor, request: LaunchRequest) -> str:
        """Queue a job; its id. Everything that can be refused is refused here.

        Raises InputRefused (the plan, the dataset, what does not fit), ConsentMissing, ModelMissing, NotFound.
        """
        actor.require(Permission.VOICES)
        spec = self._engines.spec(request.plan.engine_id)
        plan = checked(request.plan, spec)
        if not spec.learner:
            raise InputRefused("training.method", engine=spec.name, method=plan.method.value, known="-")
        dataset = self._dataset(actor, request)
        given = self._ground.datasets.training_set(actor, request.dataset_id)
        for model_id in spec.models:
            self._ground.model_files(model_id)
        prediction = predict(plan, _load(dataset), self.machine(), self._pace(plan))
        _refuse_what_does_not_fit(prediction)
        with self._ground.database.write() as session:
            voice = self._voices.find(session, actor, request.voice_id)
            consent = permits(session, voice, PURPOSES, spec)
            row = TrainingJob(
                owner_id=actor.account_id, voice_id=voice.id, dataset_id=dataset.id,
                dataset=asdict(_note(dataset, given.content_hash)), engine_id=spec.id, plan=_plain(plan),
                consent_id=consent.id, steps=prediction.steps, epochs=plan.epochs,
            )  # fmt: skip
            session.add(row)
            session.flush()
            audit.append(
                session, actor.account_id, "training.queued", row.id, engine=spec.id, method=plan.method.value,
                dataset=dataset.id, consent=consent.id,
            )  # fmt: skip
            job_id = row.id
        self.supervisor.wake()
        return job_id

    # Watching

    def jobs(self, actor: Actor) -> list[JobView]:
        """The actor's jobs: running, queued, then history, newest first."""
        with self._ground.database.read() as session:
            return jobs_of(session, actor)

    def supervised(self) -> bool:
        """Whether a process of this storage looks after jobs now."""
        return self.supervisor.somewhere()

    def job(self, actor: Actor, job_id: str) -> JobView:
        with self._ground.database.read() as session:
            return job_view(session, find_job(session, actor, job_id))

    def progress(self, actor: Actor, job_id: str) -> Progress:
        """Everything there is to see of a job, out of the database and its events: the same from any window."""
        with self._ground.database.read() as session:
            row = find_job(session, actor, job_id)
            job = job_view(session, row)
            rows = checkpoints_of(session, job_id)
            seen = tuple(checkpoint_view(one, self.adapters.kept(job_id, one)) for one in rows)
        curves = self._curves.of(job_id, self._folder(job_id) / "events.jsonl")
        pace = curves.seconds_per_step
        eta = max(0, job.steps - job.step) * pace if pace and job.state is JobState.RUNNING else None
        return Progress(job, curves, seen, self._log(job_id), eta)

    def _log(self, job_id: str) -> str:
        """The end of what the process wrote to its log."""
        path = self._folder(job_id) / "log.txt"
        if not path.exists():
            return ""
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - LOG_BYTES))
            return file.read().decode("utf-8", errors="replace")

    def sample_audio(self, actor: Actor, checkpoint_id: str, number: int) -> tuple[bytes, str, str]:
        """A sample sentence of a checkpoint as (bytes, media type, file name), marked; the gate is asked."""
        self._marker.check()
        with self._ground.database.read() as session:
            run, row = self._run_of(session, actor, checkpoint_id)
        try:
            clip = Checkpoints(run).sample(row.step, number)
        except FileNotFoundError as error:
            raise NotFound("training.sample_gone") from error
        data = self._marker.file(self._marker.clip(clip), AudioFormat.WAV, row.created_at)
        return data, AudioFormat.WAV.media_type, f"{checkpoint_id}-{number}.wav"

    def sample_texts(self, actor: Actor, job_id: str) -> Sequence[str]:
        """What the samples say; empty once the run is gone."""
        with self._ground.database.read() as session:
            job = find_job(session, actor, job_id)
            try:
                run = self.adapters.run(session, job)
            except NotFound:
                return ()
        return [one.text for one in run.samples()] if (run.root / "samples.json").exists() else ()

    def _run_of(self, session: Session, actor: Actor, checkpoint_id: str) -> tuple[RunFolder, Checkpoint]:
        row = session.get(Checkpoint, checkpoint_id)
        if row is None:
            raise NotFound("training.sample_gone")
        job = find_job(session, actor, row.job_id)
        permits(session, session.get_one(Voice, job.voice_id), PURPOSES)
        return self.adapters.run(session, job), row

    # Changing

    def cancel(self, actor: Actor, job_id: str) -> None:
        """End a job for good: at once when it waits, at its next step when it runs. Ended ones stay as they are."""
        actor.require(Permission.VOICES)
        self._ask(actor, job_id, Wish.CANCEL)

    def pause(self, actor: Actor, job_id: str) -> None:
        """Stop at the next step, to be resumed; a job that waits pauses at once."""
        actor.require(Permission.VOICES)
        self._ask(actor, job_id, Wish.PAUSE)

    def _ask(self, actor: Actor, job_id: str, wish: Wish) -> None:
        actor.require(Permission.VOICES)
        with self._ground.database.write() as session:
            row = find_job(session, actor, job_id)
            state, running = JobState(row.state), row.state == JobState.RUNNING
            if running:
                row.wish = wish.value
            elif wish is Wish.CANCEL and state not in (JobState.DONE, JobState.CANCELLED):
                row.state, row.reason = JobState.CANCELLED.value, None
                tidy(self._folder(job_id))
            elif wish is Wish.PAUSE and state is JobState.QUEUED:
                row.state = JobState.PAUSED.value
            else:
                return
            audit.append(session, actor.account_id, f"training.{wish.value}_asked", job_id)
        if running and (folder := self._folder(job_id)).is_dir():
            RunFolder(folder, b"").ask("stop" if wish is Wish.CANCEL else "pause")
        self.supervisor.wake()

    def resume(self, actor: Actor, job_id: str) -> None:
        """Queue a paused, interrupted or failed job again: it goes on from its last checkpoint.

        Raises InputRefused for a job that cannot, ConsentMissing when consent has gone meanwhile.
        """
        actor.require(Permission.VOICES)
        with self._ground.database.write() as session:
            row = find_job(session, actor, job_id)
            if not JobState(row.state).resumable:
                raise InputRefused("training.not_resumable", state=row.state)
            permits(
                session, session.get_one(Voice, row.voice_id), PURPOSES, self._engines.spec(row.engine_id)
            )
            row.state, row.wish, row.reason, row.ended_at = JobState.QUEUED.value, "", None, None
            audit.append(session, actor.account_id, "training.resumed", job_id, step=row.step)
        self.supervisor.wake()

    def delete(self, actor: Actor, job_id: str) -> None:
        """Remove an ended job with its checkpoints; adapters made of it stay. InputRefused while it runs."""
        actor.require(Permission.VOICES)
        with self._ground.database.write() as session:
            row = find_job(session, actor, job_id)
            if row.state == JobState.RUNNING:
                raise InputRefused("training.runs")
            key_asset_id = row.key_asset_id
            session.delete(row)
            session.flush()
            if key_asset_id is not None:
                self._ground.vault.delete(session, key_asset_id)
            audit.append(session, actor.account_id, "training.deleted", job_id)
        remove_run(self._folder(job_id))
        self._curves.forget(job_id)

    def use(self, actor: Actor, checkpoint_id: str) -> AdapterView:
        """Make a checkpoint an adapter of its voice: sealed in the vault, offered wherever the voice speaks."""
        actor.require(Permission.VOICES)
        with self._ground.database.write() as session:
            row = session.get(Checkpoint, checkpoint_id)
            if row is None or not self.adapters.kept(row.job_id, row):
                raise NotFound("synthesis.adapter_unknown")
            job = find_job(session, actor, row.job_id)
            spec = self._engines.spec(job.engine_id)
            consent = permits(session, session.get_one(Voice, job.voice_id), PURPOSES, spec)
            there = select(Adapter).where(Adapter.job_id == job.id, Adapter.step == row.step)
            adapter = session.scalars(there).first()
            if adapter is None:
                base_hash = self.adapters.run(session, job).facts.base_hash
                adapter = self.adapters.store(
                    session, job, row, card_of(job, row, spec, consent.id, base_hash)
                )
                audit.append(session, actor.account_id, "adapter.made", adapter.id, job=job.id, step=row.step)
        return self.adapters.view(actor, adapter.id)

    # Erasure (studio.privacy.erasure)

    def stop_speaker(self, speaker_id: str) -> None:
        """End the processes that train with a speaker's voice, wherever they were started; remove their folders."""
        with self._ground.database.read() as session:
            job_ids = [*session.scalars(_jobs_of_speaker(speaker_id))]
        for job_id in job_ids:
            remove_run(self._folder(job_id))
            self._curves.forget(job_id)

    def erase_speaker(self, session: Session, speaker_id: str) -> Erased:
        """Their jobs' rows; adapters and run keys are assets and counted as such."""
        rows = [*session.scalars(select(TrainingJob).where(TrainingJob.id.in_(_jobs_of_speaker(speaker_id))))]
        for row in rows:
            session.delete(row)
            remove_run(self._folder(row.id))
        session.flush()
        return Erased({"training_job": len(rows)})

    def _folder(self, job_id: str) -> Path:
        return self._ground.runs / job_id


def _jobs_of_speaker(speaker_id: str):  # type: ignore[no-untyped-def]
    return select(TrainingJob.id).join(Voice).where(Voice.speaker_id == speaker_id)


def _load(dataset: DatasetView) -> Load:
    share = dataset.train / max(1, dataset.kept)
    return Load(dataset.train, dataset.kept_s * share)


def _plain(plan: TrainingPlan) -> dict[str, object]:
    import json

    found: dict[str, object] = json.loads(plan.to_json())
    return found


def _note(dataset: DatasetView, content_hash: str) -> DatasetNote:
    return DatasetNote(
        dataset.name, content_hash, dataset.licence, dataset.language, dataset.train, dataset.held_out,
        round(dataset.kept_s, 2), dict(dataset.dropped_by_reason),
    )  # fmt: skip


def _refuse_what_does_not_fit(prediction: Prediction) -> None:
    if prediction.memory is Verdict.NOT:
        needed, free = prediction.memory_bytes / 1e9, prediction.memory_free / 1e9
        raise InputRefused("training.memory", needed=f"{needed:.1f}", free=f"{free:.1f}")
    if prediction.disk is Verdict.NOT:
        needed, free = prediction.disk_bytes / 1e9, prediction.disk_free / 1e9
        raise InputRefused("training.disk", needed=f"{needed:.1f}", free=f"{free:.1f}")
