"""The scores of a stored take: measured, kept beside it, and told."""

from studio.audio.clip import AudioClip
from studio.db.database import Database
from studio.db.tables import Synthesis, Voice
from studio.privacy.access import Actor
from studio.synthesis.preview import Preview
from studio.synthesis.requests import PreviewEvent, Take
from studio.synthesis.scoring import Scorer
from studio.synthesis.speaking import Script
from studio.synthesis.takes import TakeStore
from studio.voices.service import VoiceService


class Judging:
    """Has takes scored, after they are heard."""

    def __init__(self, database: Database, voices: VoiceService, scorer: Scorer, takes: TakeStore) -> None:
        self._database = database
        self._voices = voices
        self._scorer = scorer
        self._takes = takes

    def score(self, live: Preview, actor: Actor, script: Script, take_id: str) -> None:
        take = self._takes.find(actor, take_id)
        if take.predicted_mos is None:
            scores = self._scorer.score(
                self._takes.clip(actor, take_id),
                take.normalised_text,
                take.language,
                lambda: self._references(script),
            )
            with self._database.write() as session:
                row = session.get(Synthesis, take_id)
                if row is None:
                    return  # deleted meanwhile: there is nothing to score
                row.similarity, row.predicted_mos = scores.similarity, scores.predicted_mos
                row.wer, row.transcript = scores.wer, scores.transcript
            take = self._takes.find(actor, take_id)
        live.publish(PreviewEvent("scored", 1.0, chunks=take.chunks, take=take))
        if script.voice is not None and take.wer is not None and take.asr_floor is None:
            self._score_floor(live, actor, script.voice.id, take)

    def _score_floor(self, live: Preview, actor: Actor, voice_id: str, take: Take) -> None:
        """The recogniser's own errors beside the take's, after its figures: the first time they take longer."""
        floor = self._scorer.floor(voice_id, take.language)
        if floor is None:
            return
        with self._database.write() as session:
            row = session.get(Synthesis, take.id)
            if row is None:
                return
            row.asr_floor, row.asr_floor_n = floor.value, floor.n
        take = self._takes.find(actor, take.id)
        live.publish(PreviewEvent("scored", 1.0, chunks=take.chunks, take=take))

    def _references(self, script: Script) -> list[AudioClip]:
        if script.voice is None:
            return []
        with self._database.read() as session:
            voice = session.get(Voice, script.voice.id)
            return self._voices.clips(session, voice) if voice else []
