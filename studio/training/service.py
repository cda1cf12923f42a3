"""Training: plans and their prediction, jobs submitted, watched, paused, cancelled, resumed, deleted."""

from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from studio.audio.encode import AudioFormat
from studio.consent.gate import permits
from studio.db.tables import Adapter, Checkpoint, Voice
from studio.engines.base import EngineSpec
from studio.engines.registry import Registry
from studio.errors import InputRefused, NotFound
from studio.privacy import audit
from studio.privacy.access import Actor, Permission
from studio.privacy.erasure import Erased
from studio.provenance.marking import Marker
from studio.training.cards import card_of
from studio.training.checkpoints import Checkpoints
from studio.training.curves import CurveBook
from studio.training.erasing import erase_jobs, jobs_of_speaker
from studio.training.exporting import AdapterExports
from studio.training.forms import AdapterView, JobState, JobView, LaunchRequest, Progress, Wish
from studio.training.launching import Ground
from studio.training.leftovers import remove_run, tidy
from studio.training.permission import PURPOSES, permitted
from studio.training.planning import Planner
from studio.training.prediction import Machine, Prediction
from studio.training.run_folder import RunFolder
from studio.training.shelf import AdapterShelf
from studio.training.store import checkpoint_view, checkpoints_of, find_job, job_view, jobs_of
from studio.training.supervisor import Supervisor
from studio.voices.service import VoiceService

LOG_BYTES = 6_000


class TrainingService:
    """What the pages and the terminal ask; the work itself is the supervisor's and its children's."""

    def __init__(
        self, ground: Ground, shelf: AdapterShelf, voices: VoiceService, engines: Registry, supervisor: Supervisor,
        device: str, marker: Marker,
    ) -> None:  # fmt: skip
        self._ground, self._engines = ground, engines
        self._planner = Planner(ground, voices, engines, device)
        self._marker = marker
        self._curves = CurveBook()
        self.supervisor = supervisor
        self.adapters = shelf
        self.exports = AdapterExports(ground, shelf, engines)

    # Plans

    def engines(self) -> tuple[EngineSpec, ...]:
        """The engines that can be trained."""
        return tuple(spec for spec in self._engines.specs() if spec.learner and spec.trains)

    def machine(self, engine_id: str) -> Machine:
        """What this machine has free now for what an engine trains on."""
        return self._planner.machine(engine_id)

    def predict(self, actor: Actor, request: LaunchRequest) -> Prediction:
        """What a job would take; raises what `submit` would refuse, but for what does not fit."""
        return self._planner.predict(actor, request)

    def submit(self, actor: Actor, request: LaunchRequest) -> str:
        """Queue a job; its id. Everything that can be refused is refused here.

        Raises InputRefused (the plan, the datasets, what does not fit), ConsentMissing, ModelMissing, NotFound.
        """
        actor.require(Permission.VOICES)
        job_id = self._planner.queue(actor, request)
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
            permitted(session, row, self._engines.spec(row.engine_id))
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
            consent = permitted(session, job, spec)
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
            job_ids = [row.id for row in jobs_of_speaker(session, speaker_id)]
        for job_id in job_ids:
            remove_run(self._folder(job_id))
            self._curves.forget(job_id)

    def erase_speaker(self, session: Session, speaker_id: str) -> Erased:
        """Their jobs' rows, and those that replay their recordings; see `erase_jobs`."""
        return erase_jobs(session, self._ground, speaker_id)

    def _folder(self, job_id: str) -> Path:
        return self._ground.runs / job_id
