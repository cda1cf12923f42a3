"""The first half of a run: the voice made ready, and the sentences spoken by it."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from studio.consent.purposes import Purpose
from studio.errors import Cancelled, NotFound, NotPermitted, StudioError
from studio.evaluation.memory import PeakMemory
from studio.evaluation.rtf import VERSION as RTF_VERSION
from studio.evaluation.rtf import Machine, Run
from studio.scores.books import Books
from studio.scores.measuring import FIRST_SOUND, RTF, missing
from studio.scores.requests import TAKE, Score
from studio.scores.sentences import Sentence
from studio.scores.totals import machine_recipe
from studio.synthesis.requests import SynthesisRequest, Take


@dataclass
class Spoken:
    """The takes of a run by position, the runs of the engine for its speed, and what failed."""

    takes: dict[int, Take] = field(default_factory=dict)
    runs: list[Run] = field(default_factory=list)
    failed: dict[int, StudioError] = field(default_factory=dict)


class Speaking:
    """Speaks the sentences of a run, unless it measures takes that were made before."""

    def __init__(self, books: Books) -> None:
        self._books, self._rooms, self._task = books, books.rooms, books.task

    def go(self) -> Spoken:
        spoken = Spoken(dict(enumerate(self._task.takes)))
        if not self._task.takes:
            self._prepare()
            self._books.step("speaking")
            with PeakMemory() as peak:
                self._speak(spoken)
            self._books.note(peak_bytes=peak.process_bytes, peak_gpu_bytes=peak.gpu_bytes)
        return spoken

    @property
    def machine(self) -> Machine:
        """Where the sentences are spoken; of takes made before, what their rows say."""
        if takes := self._task.takes:
            return Machine(devices(takes), "", 0)
        engine = self._rooms.engines.engine(self._task.system.engine_id)
        return Machine(self._rooms.device, getattr(engine, "dtype", ""), self._rooms.cores)

    def _prepare(self) -> None:
        """Load the engine and encode the voice, and note how long it took where it had to be done."""
        started, engine_id = time.perf_counter(), self._task.system.engine_id
        was_loaded = engine_id in self._rooms.engines.loaded()
        self._rooms.engines.engine(engine_id)
        loaded_s = time.perf_counter() - started
        if not self._task.system.voice.voice_id:
            self._books.note(setup_s=None if was_loaded else loaded_s, setup_measured=not was_loaded)
            return
        encoded_s, content_id = self._encode()
        if encoded_s is not None:
            self._books.note(setup_s=loaded_s + encoded_s, setup_measured=True, voice_content_id=content_id)
            return
        with self._rooms.database.read() as session:
            voice_id = self._task.system.voice.voice_id
            known = self._rooms.store.measured_setup(session, voice_id, engine_id, content_id)
        self._books.note(setup_s=known, setup_measured=False, voice_content_id=content_id)

    def _encode(self) -> tuple[float | None, str]:
        """Seconds of encoding (None when it was done before) and the encoding's content id."""
        system, enrolment = self._task.system, self._rooms.enrolment
        joined = enrolment.running(system.voice.voice_id, system.engine_id) is not None
        work = enrolment.start(
            self._books.actor,
            system.voice.voice_id,
            system.engine_id,
            again=self._task.fresh_setup and not joined,
        )
        started, content_id = 0.0, ""
        for event in work.events():
            if self._books.live.should_stop():
                if not joined:  # somebody else may wait for one that ran before
                    work.cancel()
                self._books.check()
            started = started or (time.perf_counter() if event.stage != "queued" else 0.0)
            content_id = event.state.content_id if event.state is not None else content_id
            if event.stage == "cached":
                return None, content_id
        return (None if joined else time.perf_counter() - started), content_id

    def _speak(self, spoken: Spoken) -> None:
        """A warm-up, whose take is thrown away, then every sentence once."""
        warm_up = self._say(self._task.sentences[0])
        spoken.runs.append(run_of(warm_up))
        self._rooms.synthesis.takes.delete(self._books.actor, warm_up.id)
        for position, sentence in enumerate(self._task.sentences):
            self._books.check()
            try:
                take = self._say(sentence)
            except (Cancelled, NotPermitted, NotFound):
                raise
            except StudioError as error:
                spoken.failed[position] = error
                self._books.keep([missing(RTF, error)], TAKE, position)
            else:
                spoken.takes[position] = take
                spoken.runs.append(run_of(take))
                self._books.keep(speed_of(take, self.machine), TAKE, position, take.id)
            self._books.step("speaking")

    def _say(self, sentence: Sentence) -> Take:
        system, options = self._task.system, {**self._task.system.options, "seed": self._task.seed}
        request = SynthesisRequest(
            system.voice, sentence.text, self._task.language, system.engine_id, options,
            Purpose.EVALUATION, system.trained_id, batch_id=self._task.run_id, batch_name=sentence.name,
            fresh=True, score=False,
        )  # fmt: skip
        preview = self._rooms.synthesis.preview(self._books.actor, request)
        for _event in preview.events():
            if self._books.live.should_stop():
                preview.cancel()
        return preview.take()


def run_of(take: Take) -> Run:
    return Run(take.rtf * take.duration_s, take.duration_s, take.first_sound_s)


def devices(takes: Sequence[Take]) -> str:
    return ", ".join(sorted({take.device for take in takes}))


def speed_of(take: Take, machine: Machine) -> list[Score]:
    recipe = machine_recipe(replace(machine, device=take.device))
    return [
        Score(RTF, take.rtf, RTF_VERSION, recipe),
        Score(FIRST_SOUND, take.first_sound_s, RTF_VERSION, recipe),
    ]
