"""Evaluation: a system over sentences, or takes that are there, measured in the background."""

import logging
from collections.abc import Mapping
from dataclasses import replace

from studio.consent.gate import permits
from studio.db.tables import EvaluationRun, new_id
from studio.engines.base import EngineSpec
from studio.errors import Cancelled, InputRefused, NotFound, StudioError
from studio.privacy import audit
from studio.privacy.access import Actor, Permission
from studio.scores.agreement import AgreementDesk
from studio.scores.books import PURPOSES, Books, Rooms, Task
from studio.scores.comparison import Comparison, compare
from studio.scores.recognisers import RecogniserChoice
from studio.scores.requests import (
    ADAPTER,
    CANCELLED,
    DONE,
    FAILED,
    FULL,
    RUN,
    TRAINING_PEAK,
    EvaluationEvent,
    EvaluationRequest,
    ListenerScores,
    NoRatings,
    Score,
    System,
)
from studio.scores.running import Running
from studio.scores.sentences import MOST_SENTENCES, TAKES, Sentence, SentenceSet
from studio.scores.speaking import devices
from studio.synthesis.requests import Take, VoiceChoice
from studio.synthesis.speaking import checked_options
from studio.synthesis.trained import TrainedChoice
from studio.work.live import Live, LiveBoard
from studio.work.turns import Turns

log = logging.getLogger(__name__)
Evaluation = Live[EvaluationEvent]


class EvaluationService:
    """Runs evaluations one after the other, so that none disturbs another's clock."""

    def __init__(self, rooms: Rooms, hour_price: float, listeners: ListenerScores | None = None) -> None:
        self._rooms = rooms
        self._hour_price = hour_price
        self._turns = Turns()
        self._board: LiveBoard[EvaluationEvent] = LiveBoard()
        self.results = rooms.store
        self.recognisers = rooms.recognisers
        self.listeners = listeners or NoRatings()
        self.agreement = AgreementDesk(rooms.database, rooms.synthesis.takes, rooms.judges, self.listeners)

    def evaluate(self, actor: Actor, request: EvaluationRequest) -> Evaluation:
        """Start a run; everything that can be refused is refused here, before any work.

        Raises InputRefused (naming the sentence), ConsentMissing (evaluation is a purpose of its own), NotFound.
        """
        actor.require(Permission.VOICES)
        chosen = self._rooms.recognisers.choose(request.recogniser, request.sentences.language)
        self._check_sentences(actor, request.system, request.sentences)
        name = self._check_system(actor, request.system, request.sentences)
        task = Task(
            new_id("run"), request.system, request.sentences.language, request.sentences.sentences, request.seed,
            chosen, request.fresh_setup,
        )  # fmt: skip
        return self._begin(actor, task, name, request.sentences)

    def evaluate_takes(self, actor: Actor, take_ids: list[str], recogniser: str = "") -> Evaluation:
        """Measure takes that are there: of one voice, engine with its options, and language. Raises as `evaluate`."""
        actor.require(Permission.VOICES)
        takes = tuple(self._rooms.synthesis.takes.find(actor, take_id) for take_id in dict.fromkeys(take_ids))
        if not takes:
            raise InputRefused("scores.no_takes")
        first, *others = takes
        if any(_system_of(take) != _system_of(first) for take in others):
            raise InputRefused("scores.mixed_takes")
        chosen = self._rooms.recognisers.choose(recogniser, first.language)
        system = System(first.engine_id, VoiceChoice.parse(first.voice_key), dict(first.options))
        if first.adapter_id:
            system = system.speaking_with(self._rooms.synthesis.trained.choice(actor, first.adapter_id))
        listed = _set_of(takes)
        name = self._check_system(actor, system, listed)
        task = Task(
            new_id("run"), system, first.language, listed.sentences, _seed_of(takes), chosen, takes=takes
        )
        return self._begin(actor, task, name, listed)

    def find(self, actor: Actor, token: str) -> Evaluation:
        return self._board.find(actor.account_id, token)

    def running(self, actor: Actor) -> list[Evaluation]:
        """The actor's runs that have not ended, oldest first."""
        return self._board.running(actor.account_id)

    def compare(self, actor: Actor, run_id: str) -> Comparison:
        """A run beside the other options of the same voice, sentences and recogniser."""
        result = self.results.find(actor, run_id)
        specs = self._rooms.engines.specs()
        trainers = {
            ADAPTER: tuple(s.name for s in specs if s.trains - {FULL}),
            FULL: tuple(s.name for s in specs if FULL in s.trains),
        }
        runs = self.results.runs(actor, status=DONE)
        found = compare(result, runs, lambda other: self.results.find(actor, other), self.listeners, trainers)
        return replace(found, studio=self.agreement.of(actor))

    # Checking

    def _check_sentences(self, actor: Actor, system: System, chosen: SentenceSet) -> None:
        if not chosen.sentences:
            raise InputRefused("synthesis.no_rows")
        if len(chosen.sentences) > MOST_SENTENCES:
            raise InputRefused("scores.too_many_sentences", count=len(chosen.sentences), most=MOST_SENTENCES)
        for number, sentence in enumerate(chosen.sentences, 1):
            try:
                self._rooms.synthesis.prepare(sentence.text, chosen.language, system.engine_id)
            except StudioError as error:
                reason = error.text(actor.language)
                raise InputRefused("scores.sentence", row=number, reason=reason) from error

    def _check_system(self, actor: Actor, system: System, chosen: SentenceSet) -> str:
        """The voice's name, when the gate lets it be measured."""
        spec = self._rooms.engines.spec(system.engine_id)
        departures(spec, system.options)
        if not system.voice.voice_id:
            if system.trained_id:
                raise NotFound("synthesis.adapter_unknown")
            return self._preset_name(system, chosen)
        with self._rooms.database.read() as session:
            voice = self._rooms.voices.find(session, actor, system.voice.voice_id)
            permits(session, voice, PURPOSES, spec, chosen.language)
            if system.trained_id:
                self._rooms.synthesis.trained.check(session, actor, system.trained_id, voice, spec)
        if not spec.clones:
            raise InputRefused("voices.not_cloning", engine=spec.name)
        return voice.name

    def _preset_name(self, system: System, chosen: SentenceSet) -> str:
        if chosen.recordings:
            raise InputRefused("scores.preset_recordings")
        spec = self._rooms.engines.spec(system.engine_id)
        if system.voice.engine_id != spec.id:
            raise InputRefused("synthesis.foreign_preset", engine=spec.name)
        presets = {preset.id: preset.name for preset in self._rooms.engines.engine(spec.id).presets()}
        if system.voice.preset_id not in presets:
            raise NotFound("voices.unknown")
        return presets[system.voice.preset_id]

    # Running

    def _begin(self, actor: Actor, task: Task, voice_name: str, chosen: SentenceSet) -> Evaluation:
        trained_id = task.system.trained_id
        trained = self._rooms.synthesis.trained.choice(actor, trained_id) if trained_id else None
        with self._rooms.database.write() as session:
            session.add(self._row(actor, task, voice_name, chosen, trained))
            if trained is not None and trained.peak_bytes is not None:
                session.flush()
                peak = Score(TRAINING_PEAK, float(trained.peak_bytes))
                self._rooms.store.add(session, task.run_id, [peak], RUN)
            engine_id, count = task.system.engine_id, len(task.sentences)
            audit.append(
                session,
                actor.account_id,
                "evaluation.started",
                task.run_id,
                engine=engine_id,
                sentences=count,
            )
        live = self._board.add(Evaluation(actor.account_id))
        place = self._turns.reserve()

        def work(running: Evaluation) -> None:
            def waiting(ahead: int) -> None:
                running.publish(
                    EvaluationEvent(task.run_id, "queued", total=len(task.sentences), ahead=ahead)
                )

            try:
                with place.turn(running.should_stop, waiting):
                    Running(Books(self._rooms, running, actor, task)).go()
                    self.agreement.predict(actor)
            except StudioError as error:
                ended = CANCELLED if isinstance(error, Cancelled) else FAILED
                self._rooms.store.end(task.run_id, ended, error)
                raise
            except Exception:
                self._rooms.store.end(task.run_id, FAILED, StudioError("scores.unexpected"))
                raise

        return live.start(work, "evaluation")

    def _row(
        self, actor: Actor, task: Task, voice_name: str, chosen: SentenceSet, trained: TrainedChoice | None
    ) -> EvaluationRun:
        system, spec = task.system, self._rooms.engines.spec(task.system.engine_id)
        named = f"{voice_name} · {trained.name}" if trained else voice_name
        return EvaluationRun(
            id=task.run_id, owner_id=actor.account_id, voice_id=system.voice.voice_id or None,
            preset_id=system.voice.preset_id or None, voice_name=named, engine_id=system.engine_id,
            option=system.option, adapter_id=system.adapter_id or None, checkpoint_id=system.checkpoint_id or None,
            options=departures(spec, system.options), language=chosen.language, set_id=chosen.id,
            set_titles=dict(chosen.titles), content_id=chosen.content_id,
            sentences=[{"name": s.name, "text": s.text} for s in task.sentences],
            seed=task.seed, recogniser=_identity(task.recogniser),
            device=devices(task.takes) if task.takes else self._rooms.device,
            cores=0 if task.takes else self._rooms.cores,  # of takes made before: not recorded
            hour_price=self._hour_price, training_s=trained.training_s if trained else None,
        )  # fmt: skip


def departures(spec: EngineSpec, options: Mapping[str, object]) -> dict[str, object]:
    """The options that differ from the engine's own, without the seed; InputRefused for those it does not know."""
    chosen = {name: value for name, value in options.items() if name != "seed"}
    return checked_options(spec, chosen).model_dump(mode="json", exclude_defaults=True)


def _identity(chosen: RecogniserChoice) -> str:
    return f"{chosen.id}: {chosen.model}"


def _system_of(take: Take) -> tuple[object, ...]:
    """What must be one for takes to be of one system; seeds may differ."""
    options = {name: value for name, value in take.options.items() if name != "seed"}
    return take.voice_key, take.engine_id, take.language, take.adapter_id, options


def _seed_of(takes: tuple[Take, ...]) -> int:
    """The takes' seed where they have one in common; 0 otherwise."""
    seeds = {int(str(take.options.get("seed", 0))) for take in takes}
    return seeds.pop() if len(seeds) == 1 else 0


def _set_of(takes: tuple[Take, ...]) -> SentenceSet:
    sentences = tuple(Sentence(take.batch_name or take.id, take.text) for take in takes)
    return SentenceSet(TAKES, takes[0].language, {"it": "Audio scelti", "en": "Chosen takes"}, sentences)
