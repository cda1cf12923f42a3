"""From a request to a queued job: what it would take, and everything that can be refused before it waits."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import select

from studio.consent.gate import permits
from studio.datasets.forms import DatasetView
from studio.db.tables import TrainingJob
from studio.engines.base import EngineSpec
from studio.engines.registry import Registry
from studio.errors import InputRefused, NotFound
from studio.privacy import audit
from studio.privacy.access import Actor
from studio.training import hardware, slots
from studio.training.forms import DatasetNote, LaunchRequest, ReplayNote
from studio.training.launching import Ground, replayed
from studio.training.permission import PURPOSES
from studio.training.plan import TrainingPlan
from studio.training.prediction import Load, Machine, Prediction, Verdict, predict
from studio.training.presets import checked
from studio.voices.service import VoiceService


@dataclass(frozen=True)
class Planner:
    """`device` is the studio's kind of device, "cuda" or "cpu"."""

    ground: Ground
    voices: VoiceService
    engines: Registry
    device: str

    def machine(self, engine_id: str) -> Machine:
        """What this machine has free now for what an engine trains on."""
        kind = slots.kind_for(self.engines.spec(engine_id), self.device)
        self.ground.runs.mkdir(mode=0o700, parents=True, exist_ok=True)
        return hardware.machine(kind, self.ground.threads, self.ground.runs)

    def predict(self, actor: Actor, request: LaunchRequest) -> Prediction:
        """What a job would take; raises what `submit` would refuse, but for what does not fit."""
        spec = self.engines.spec(request.plan.engine_id)
        plan = checked(request.plan, spec)
        dataset = self._dataset(actor, request)
        load = _load(dataset, self._replay(actor, request))
        return predict(plan, load, self.machine(spec.id), self._pace(plan))

    def _pace(self, plan: TrainingPlan) -> float | None:
        """Clips a second of the newest job of this kind on this kind of device."""
        kind = slots.kind_for(self.engines.spec(plan.engine_id), self.device)
        query = select(TrainingJob).where(
            TrainingJob.engine_id == plan.engine_id,
            TrainingJob.clips_per_s.is_not(None),
            TrainingJob.device.startswith(kind),
        )
        with self.ground.database.read() as session:
            rows = session.scalars(query.order_by(TrainingJob.created_at.desc()).limit(20))
            alike = [row.clips_per_s for row in rows if _like(row.plan, plan)]
        return alike[0] if alike else None

    def _dataset(self, actor: Actor, request: LaunchRequest) -> DatasetView:
        dataset = self.ground.datasets.view(actor, request.dataset_id)
        if dataset.voice_id != request.voice_id:
            raise NotFound("datasets.unknown")
        return dataset

    def _replay(self, actor: Actor, request: LaunchRequest) -> list[DatasetView]:
        """The datasets of other languages, of the same owner; InputRefused where one can't be replayed."""
        found = [self.ground.datasets.view(actor, one) for one in dict.fromkeys(request.replay_ids)]
        for one in found:
            if one.id == request.dataset_id or one.language == request.plan.language:
                raise InputRefused("training.replay_language", name=one.name, language=one.language)
        if found and not request.plan.replay_share:
            raise InputRefused("training.replay_share")
        return found

    def _noted(self, actor: Actor, one: DatasetView, plan: TrainingPlan) -> ReplayNote:
        clips = len(replayed(self.ground, actor, one.id, plan))
        return ReplayNote(
            one.id, one.voice_id, one.name, one.content_hash, one.licence, one.language, clips,
        )  # fmt: skip

    def queue(self, actor: Actor, request: LaunchRequest) -> str:
        """Write down a job; its id. Everything that can be refused is refused here."""
        spec = self.engines.spec(request.plan.engine_id)
        plan = checked(request.plan, spec)
        if not spec.learner:
            raise InputRefused("training.method", engine=spec.name, method=plan.method.value, known="-")
        dataset = self._dataset(actor, request)
        given = self.ground.datasets.training_set(actor, request.dataset_id)
        for model_id in spec.models:
            self.ground.model_files(model_id)
        replay = self._replay(actor, request)
        notes = tuple(self._noted(actor, one, plan) for one in replay)
        self._refuse_missing_cards(plan, spec)
        prediction = predict(plan, _load(dataset, replay), self.machine(spec.id), self._pace(plan))
        _refuse_what_does_not_fit(prediction)
        with self.ground.database.write() as session:
            voice = self.voices.find(session, actor, request.voice_id)
            consent = permits(session, voice, PURPOSES, spec, dataset.language)
            row = TrainingJob(
                owner_id=actor.account_id, voice_id=voice.id, dataset_id=dataset.id,
                dataset=asdict(_note(dataset, given.content_hash, notes)), engine_id=spec.id, plan=_plain(plan),
                consent_id=consent.id, steps=prediction.steps, epochs=plan.epochs,
            )  # fmt: skip
            session.add(row)
            session.flush()
            audit.append(
                session, actor.account_id, "training.queued", row.id, engine=spec.id, method=plan.method.value,
                dataset=dataset.id, consent=consent.id,
            )  # fmt: skip
            return row.id

    def _refuse_missing_cards(self, plan: TrainingPlan, spec: EngineSpec) -> None:
        kind = slots.kind_for(spec, self.device)
        cards = len(slots.of_kind(hardware.devices(self.device), kind))
        if kind == slots.CUDA and plan.processes > cards:
            raise InputRefused("training.cards", wanted=plan.processes, cards=cards)


def _load(dataset: DatasetView, replay: Sequence[DatasetView] = ()) -> Load:
    return Load(
        dataset.train,
        _train_s(dataset),
        sum(one.train for one in replay),
        sum(_train_s(one) for one in replay),
    )


def _train_s(dataset: DatasetView) -> float:
    return dataset.kept_s * dataset.train / max(1, dataset.kept)


def _like(before: Mapping[str, object], plan: TrainingPlan) -> bool:
    """Whether a run's pace says something of this plan's."""
    return before["method"] == plan.method.value and before.get("processes", 1) == plan.processes


def _plain(plan: TrainingPlan) -> dict[str, object]:
    found: dict[str, object] = json.loads(plan.to_json())
    return found


def _note(dataset: DatasetView, content_hash: str, replay: tuple[ReplayNote, ...]) -> DatasetNote:
    return DatasetNote(
        dataset.name, content_hash, dataset.licence, dataset.language, dataset.train, dataset.held_out,
        round(dataset.kept_s, 2), dict(dataset.dropped_by_reason), replay,
    )  # fmt: skip


def _refuse_what_does_not_fit(prediction: Prediction) -> None:
    if prediction.memory is Verdict.NOT:
        needed, free = prediction.memory_bytes / 1e9, prediction.memory_free / 1e9
        raise InputRefused("training.memory", needed=f"{needed:.1f}", free=f"{free:.1f}")
    if prediction.disk is Verdict.NOT:
        needed, free = prediction.disk_bytes / 1e9, prediction.disk_free / 1e9
        raise InputRefused("training.disk", needed=f"{needed:.1f}", free=f"{free:.1f}")
