"""A run on its way: what was spoken (or brought) is listened to and added up."""

from collections.abc import Sequence
from dataclasses import replace

from studio.audio.clip import AudioClip
from studio.consent.evidence import OTHER_VOICE
from studio.consent.gate import permits
from studio.consent.purposes import Purpose
from studio.db.tables import Synthesis, now
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
from studio.evaluation.similarity import Vector
from studio.privacy import audit
from studio.scores.baselines import DIFFERENT, SAME, baseline_scores
from studio.scores.books import Books
from studio.scores.measuring import WER, Ear, missing
from studio.scores.requests import DONE, RECORDING, RUN, TAKE, Score
from studio.scores.speaking import Speaking, Spoken, run_of, speed_of
from studio.scores.totals import FAILED, FLOOR, Heard, speed, totals
from studio.voices.floor import Floor


class Running:
    """One run, done once by `go`; raises what ends it early."""

    def __init__(self, books: Books) -> None:
        self._books, self._rooms, self._task = books, books.rooms, books.task
        self._speaking = Speaking(books)

    def go(self) -> None:
        self._books.tell("preparing")
        ear = self._ear()
        self._check_recordings(ear)
        spoken = self._speaking.go()
        measured = self._measure(ear, spoken)
        recordings = self._listen_to_recordings(ear)
        self._finish(ear, spoken, measured, recordings)

    def _ear(self) -> Ear:
        with self._rooms.database.read() as session:
            voice = self._books.voice(session)
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

    # Listening

    def _measure(self, ear: Ear, spoken: Spoken) -> list[dict[str, Score]]:
        measured = []
        for position, sentence in enumerate(self._task.sentences):
            self._books.check()
            take = spoken.takes.get(position)
            if take is None:
                measured.append({WER: missing(WER, spoken.failed[position])})
            else:
                clip = self._rooms.synthesis.takes.clip(self._books.actor, take.id)
                scores = ear.take(clip, sentence.text, sentence.recording)
                self._books.keep(scores, TAKE, position, take.id)
                if self._task.takes:
                    self._books.keep(speed_of(take, self._speaking.machine), TAKE, position, take.id)
                measured.append({score.metric: score for score in scores})
            self._books.step("measuring")
        return measured

    def _listen_to_recordings(self, ear: Ear) -> list[Heard]:
        heard = []
        for position, sentence in enumerate(self._task.sentences):
            if sentence.recording is None:
                continue
            self._books.check()
            score = ear.words(sentence.recording, sentence.text)
            self._books.keep([score], RECORDING, position)
            heard.append(Heard(sentence.text, score))
            self._books.step("measuring")
        return heard

    # Adding up

    def _known_floor(self, ear: Ear) -> Floor | None:
        """The floor over other recordings of the speaker whose words are known."""

        def hear(clip: AudioClip) -> str:
            self._books.check()
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
        runs = [run_of(take) for take in takes] if takes else spoken.runs
        figures += speed(runs, self._speaking.machine, warm=bool(takes))  # a take is spoken by a warm engine
        figures.append(Score(FAILED, float(len(spoken.failed)), n=len(texts)))
        with self._rooms.database.write() as session:
            self._books.voice(session)
            row = self._books.row(session)
            self._rooms.store.add(session, row.id, figures, RUN)
            floor = next(score for score in figures if score.metric == FLOOR)
            for take in spoken.takes.values():
                _floor_onto(session.get(Synthesis, take.id), floor)
            row.status, row.ended_at = DONE, now()
            audit.append(
                session, self._books.actor.account_id, "evaluation.done", row.id, sentences=len(texts)
            )
        self._books.finish()

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
        for view in self._rooms.voices.browse(self._books.actor):
            self._books.check()
            with self._rooms.database.read() as session:
                voice = self._rooms.voices.find(session, self._books.actor, view.id)
                try:
                    permits(session, voice, {Purpose.EVALUATION})
                except (NotPermitted, NotFound):
                    continue
                clips = self._rooms.voices.clips(session, voice)
            found.setdefault(view.speaker_id, []).extend(self._embedded(clips))
        return found


def _floor_onto(row: Synthesis | None, floor: Score) -> None:
    """The floor of the same recogniser beside the take's word errors."""
    if row is not None:
        row.asr_floor, row.asr_floor_n = floor.value, floor.n if floor.value is not None else None
