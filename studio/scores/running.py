"""A run on its way: prepare the voice, speak the sentences, listen to them, add up."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy.orm import Session

from studio.audio.clip import AudioClip
from studio.consent.evidence import OTHER_VOICE
from studio.consent.gate import permits
from studio.consent.purposes import Purpose
from studio.db.database import Database
from studio.db.tables import EvaluationRun, Synthesis, Voice, now
from studio.engines.registry import Registry
from studio.errors import (
    Cancelled,
    InputRefused,
    ModelBroken,
    ModelMissing,
    NotFound,
    NotPermitted,
    SourceUnavailable,
    StudioError,
)
from studio.evaluation.judges import Judges
from studio.evaluation.memory import PeakMemory
from studio.evaluation.rtf import VERSION as RTF_VERSION
from studio.evaluation.rtf import Machine, Run
from studio.evaluation.similarity import Vector
from studio.privacy import audit
from studio.privacy.access import Actor
from studio.scores.baselines import DIFFERENT, SAME, baseline_scores
from studio.scores.measuring import FIRST_SOUND, MOS, RTF, SIMILARITY, WER, Ear, missing
from studio.scores.recognisers import RecogniserChoice, Recognisers
from studio.scores.requests import DONE, RECORDING, RUN, TAKE, EvaluationEvent, Score, System
from studio.scores.sentences import Sentence
from studio.scores.store import ScoreStore
from studio.scores.totals import FAILED, FLOOR, Heard, machine_recipe, speed, totals
from studio.synthesis.requests import SynthesisRequest, Take
from studio.synthesis.service import SynthesisService
from studio.voices.enrolment import EnrolmentService
from studio.voices.floor import Floor, FloorDesk
from studio.voices.service import VoiceService
from studio.work.live import Live

PURPOSES = frozenset({Purpose.ZERO_SHOT, Purpose.EVALUATION})


@dataclass(frozen=True)
class Rooms:
    """The services a run works with."""

    database: Database
    voices: VoiceService
    enrolment: EnrolmentService
    synthesis: SynthesisService
    engines: Registry
    judges: Judges
    recognisers: Recognisers
    store: ScoreStore
    floors: FloorDesk
    device: str
    cores: int


@dataclass(frozen=True)
class Task:
    """What a run does. `takes` are those to measure; without them the sentences are spoken first."""

    run_id: str
    system: System
    language: str
    sentences: tuple[Sentence, ...]
    seed: int
    recogniser: RecogniserChoice
    fresh_setup: bool = False
    takes: tuple[Take, ...] = ()


@dataclass
class Spoken:
    """The takes of a run by position, the runs of the engine for its speed, and what failed."""

    takes: dict[int, Take] = field(default_factory=dict)
    runs: list[Run] = field(default_factory=list)
    failed: dict[int, StudioError] = field(default_factory=dict)


class Running:
    """One run, done once by `go`; raises what ends it early."""

    def __init__(self, rooms: Rooms, live: Live[EvaluationEvent], actor: Actor, task: Task) -> None:
        self._rooms, self._live, self._actor, self._task = rooms, live, actor, task
        recorded = sum(sentence.recording is not None for sentence in task.sentences)
        self._steps = len(task.sentences) * (1 if task.takes else 2) + recorded + 1
        self._done = 0

    def go(self) -> None:
        self._tell("preparing")
        ear = self._ear()
        self._check_recordings(ear)
        spoken = Spoken(dict(enumerate(self._task.takes)))
        if not self._task.takes:
            self._prepare()
            self._step("speaking")
            with PeakMemory() as peak:
                self._speak(spoken)
            self._note(peak_bytes=peak.process_bytes, peak_gpu_bytes=peak.gpu_bytes)
        measured = self._measure(ear, spoken)
        recordings = self._listen_to_recordings(ear)
        self._finish(ear, spoken, measured, recordings)

    # Telling

    def _tell(self, stage: str) -> None:
        total = len(self._task.sentences)
        fraction = min(1.0, self._done / self._steps)
        self._live.publish(EvaluationEvent(self._task.run_id, stage, self._done, total, fraction))

    def _step(self, stage: str) -> None:
        self._done += 1
        self._tell(stage)

    # The voice

    def _voice(self, session: Session) -> Voice | None:
        """The voice under test, the gate asked anew; None for a preset."""
        voice_id = self._task.system.voice.voice_id
        if not voice_id:
            return None
        voice = self._rooms.voices.find(session, self._actor, voice_id)
        permits(session, voice, PURPOSES, self._rooms.engines.spec(self._task.system.engine_id))
        return voice

    def _ear(self) -> Ear:
        with self._rooms.database.read() as session:
            voice = self._voice(session)
            clips = self._rooms.voices.clips(session, voice) if voice else []
        rooms, task = self._rooms, self._task
        ear = Ear(rooms.judges, rooms.recognisers, task.recogniser, task.language, ())
        if voice is None:
            return replace(ear, no_references=InputRefused("scores.no_reference_clips"))
        try:
            return replace(ear, references=self._embedded(clips))
        except StudioError as error:  # no speaker encoder here: the likeness of each take says so
            return replace(ear, no_references=error)

    def _embedded(self, clips: Sequence[AudioClip]) -> tuple[Vector, ...]:
        return tuple(self._rooms.judges.embed(clip) for clip in clips)

    def _check_recordings(self, ear: Ear) -> None:
        if ear.references:
            recorded = [
                (n, s.recording) for n, s in enumerate(self._task.sentences, 1) if s.recording is not None
            ]
            ear.check_speaker(recorded, OTHER_VOICE)

    def _prepare(self) -> None:
        """Load the engine and encode the voice, and note how long it took where it had to be done."""
        started, engine_id = time.perf_counter(), self._task.system.engine_id
        was_loaded = engine_id in self._rooms.engines.loaded()
        self._rooms.engines.engine(engine_id)
        loaded_s = time.perf_counter() - started
        if not self._task.system.voice.voice_id:
            self._note(setup_s=None if was_loaded else loaded_s, setup_measured=not was_loaded)
            return
        encoded_s, content_id = self._encode()
        if encoded_s is not None:
            self._note(setup_s=loaded_s + encoded_s, setup_measured=True, voice_content_id=content_id)
            return
        with self._rooms.database.read() as session:
            voice_id = self._task.system.voice.voice_id
            known = self._rooms.store.measured_setup(session, voice_id, engine_id, content_id)
        self._note(setup_s=known, setup_measured=False, voice_content_id=content_id)

    def _encode(self) -> tuple[float | None, str]:
        """Seconds of encoding (None when it was done before) and the encoding's content id."""
        system, enrolment = self._task.system, self._rooms.enrolment
        joined = enrolment.running(system.voice.voice_id, system.engine_id) is not None
        work = enrolment.start(
            self._actor, system.voice.voice_id, system.engine_id, again=self._task.fresh_setup and not joined
        )
        started, content_id = 0.0, ""
        for event in work.events():
            if self._live.should_stop():
                if not joined:  # somebody else may wait for one that ran before
                    work.cancel()
                self._live.check("evaluation")
            started = started or (time.perf_counter() if event.stage != "queued" else 0.0)
            content_id = event.state.content_id if event.state is not None else content_id
            if event.stage == "cached":
                return None, content_id
        return (None if joined else time.perf_counter() - started), content_id

    # Speaking

    def _speak(self, spoken: Spoken) -> None:
        """A warm-up, whose take is thrown away, then every sentence once."""
        warm_up = self._say(self._task.sentences[0])
        spoken.runs.append(_run_of(warm_up))
        self._rooms.synthesis.takes.delete(self._actor, warm_up.id)
        for position, sentence in enumerate(self._task.sentences):
            self._live.check("evaluation")
            try:
                take = self._say(sentence)
            except (Cancelled, NotPermitted, NotFound):
                raise
            except StudioError as error:
                spoken.failed[position] = error
                self._keep([missing(RTF, error)], TAKE, position)
            else:
                spoken.takes[position] = take
                spoken.runs.append(_run_of(take))
                self._keep(_speed_of(take, self._machine), TAKE, position, take.id)
            self._step("speaking")

    def _say(self, sentence: Sentence) -> Take:
        system, options = self._task.system, {**self._task.system.options, "seed": self._task.seed}
        request = SynthesisRequest(
            system.voice, sentence.text, self._task.language, system.engine_id, options,
            Purpose.EVALUATION, system.trained_id, batch_id=self._task.run_id, batch_name=sentence.name,
            fresh=True, score=False,
        )  # fmt: skip
        preview = self._rooms.synthesis.preview(self._actor, request)
        for _event in preview.events():
            if self._live.should_stop():
                preview.cancel()
        return preview.take()

    # Listening

    def _measure(self, ear: Ear, spoken: Spoken) -> list[dict[str, Score]]:
        measured = []
        for position, sentence in enumerate(self._task.sentences):
            self._live.check("evaluation")
            take = spoken.takes.get(position)
            if take is None:
                measured.append({WER: missing(WER, spoken.failed[position])})
            else:
                clip = self._rooms.synthesis.takes.clip(self._actor, take.id)
                scores = ear.take(clip, sentence.text, sentence.recording)
                self._keep(scores, TAKE, position, take.id)
                if self._task.takes:
                    self._keep(_speed_of(take, self._machine), TAKE, position, take.id)
                measured.append({score.metric: score for score in scores})
            self._step("measuring")
        return measured

    def _listen_to_recordings(self, ear: Ear) -> list[Heard]:
        heard = []
        for position, sentence in enumerate(self._task.sentences):
            if sentence.recording is None:
                continue
            self._live.check("evaluation")
            score = ear.words(sentence.recording, sentence.text)
            self._keep([score], RECORDING, position)
            heard.append(Heard(sentence.text, score))
            self._step("measuring")
        return heard

    # Keeping

    def _keep(self, scores: Sequence[Score], subject: str, position: int, take_id: str | None = None) -> None:
        """Store scores of a sentence; the take's own row learns them, too. The gate is asked before."""
        with self._rooms.database.write() as session:
            self._voice(session)
            self._rooms.store.add(session, self._task.run_id, scores, subject, position, take_id)
            row = session.get(Synthesis, take_id) if take_id else None
            if row is not None:
                _onto(row, {score.metric: score for score in scores})

    def _note(self, **facts: object) -> None:
        with self._rooms.database.write() as session:
            row = self._row(session)
            for name, value in facts.items():
                setattr(row, name, value)

    def _row(self, session: Session) -> EvaluationRun:
        row = session.get(EvaluationRun, self._task.run_id)
        if row is None:
            raise NotFound("scores.unknown")  # its speaker withdrew while it ran
        return row

    def _known_floor(self, ear: Ear) -> Floor | None:
        """The floor over other recordings of the speaker whose words are known."""

        def hear(clip: AudioClip) -> str:
            self._live.check("evaluation")
            return ear.heard(clip)

        task = self._task
        try:
            return self._rooms.floors.of(task.system.voice.voice_id, task.language, ear.chosen.model, hear)
        except (ModelMissing, ModelBroken, SourceUnavailable, NotFound):  # the takes' word errors say so, too
            return None

    def _finish(
        self, ear: Ear, spoken: Spoken, measured: list[dict[str, Score]], recordings: list[Heard]
    ) -> None:
        texts = [sentence.text for sentence in self._task.sentences]
        known = None if recordings else self._known_floor(ear)
        figures = totals(measured, texts, recordings, self._task.language, self._task.seed, known)
        figures += self._baselines()
        takes = self._task.takes
        runs = [_run_of(take) for take in takes] if takes else spoken.runs
        figures += speed(runs, self._machine, warm=bool(takes))  # a take is spoken by a warm engine
        figures.append(Score(FAILED, float(len(spoken.failed)), n=len(texts)))
        with self._rooms.database.write() as session:
            self._voice(session)
            row = self._row(session)
            self._rooms.store.add(session, row.id, figures, RUN)
            floor = next(score for score in figures if score.metric == FLOOR)
            for take in spoken.takes.values():
                _floor_onto(session.get(Synthesis, take.id), floor)
            row.status, row.ended_at = DONE, now()
            audit.append(session, self._actor.account_id, "evaluation.done", row.id, sentences=len(texts))
        self._done = self._steps
        self._tell("done")

    @property
    def _machine(self) -> Machine:
        """Where the sentences are spoken; of takes made before, what their rows say."""
        if takes := self._task.takes:
            return Machine(devices(takes), "", 0)
        engine = self._rooms.engines.engine(self._task.system.engine_id)
        return Machine(self._rooms.device, getattr(engine, "dtype", ""), self._rooms.cores)

    def _baselines(self) -> list[Score]:
        try:
            return baseline_scores(self._speakers())
        except Cancelled:
            raise
        except StudioError as error:
            return [missing(SAME, error), missing(DIFFERENT, error)]

    def _speakers(self) -> dict[str, list[Vector]]:
        """Embeddings of the recordings that may be measured, by speaker: two voices may be one person's."""
        found: dict[str, list[Vector]] = {}
        for view in self._rooms.voices.browse(self._actor):
            self._live.check("evaluation")
            with self._rooms.database.read() as session:
                voice = self._rooms.voices.find(session, self._actor, view.id)
                try:
                    permits(session, voice, {Purpose.EVALUATION})
                except (NotPermitted, NotFound):
                    continue
                clips = self._rooms.voices.clips(session, voice)
            found.setdefault(view.speaker_id, []).extend(self._embedded(clips))
        return found


def _run_of(take: Take) -> Run:
    return Run(take.rtf * take.duration_s, take.duration_s, take.first_sound_s)


def devices(takes: Sequence[Take]) -> str:
    return ", ".join(sorted({take.device for take in takes}))


def _speed_of(take: Take, machine: Machine) -> list[Score]:
    recipe = machine_recipe(replace(machine, device=take.device))
    return [
        Score(RTF, take.rtf, RTF_VERSION, recipe),
        Score(FIRST_SOUND, take.first_sound_s, RTF_VERSION, recipe),
    ]


def _onto(row: Synthesis, scores: dict[str, Score]) -> None:
    """The take's row as the Clone tab shows it."""
    if WER not in scores:
        return
    row.similarity, row.predicted_mos = scores[SIMILARITY].value, scores[MOS].value
    row.wer = scores[WER].value
    row.transcript = str(scores[WER].detail["transcript"]) if row.wer is not None else None


def _floor_onto(row: Synthesis | None, floor: Score) -> None:
    """The floor of the same recogniser beside the take's word errors."""
    if row is not None:
        row.asr_floor, row.asr_floor_n = floor.value, floor.n if floor.value is not None else None
