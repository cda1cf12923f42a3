"""Scores of a take: likeness, predicted MOS and word error rate, each where its judge is at hand."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from studio.audio.clip import AudioClip
from studio.errors import StudioError
from studio.evaluation.judges import RECOGNIZER_MODEL, Judges
from studio.evaluation.similarity import similarity
from studio.evaluation.wer import wer
from studio.voices.floor import Floor, FloorDesk
from studio.work.turns import Turns

T = TypeVar("T")
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Scores:
    """None where a judge is missing or cannot say (the reason is in the log)."""

    similarity: float | None = None
    predicted_mos: float | None = None
    wer: float | None = None
    transcript: str | None = None


class Scorer:
    """Scores one take at a time, so that listening does not slow down speaking more than need be."""

    def __init__(self, judges: Judges, floors: FloorDesk | None = None) -> None:
        self._judges = judges
        self._floors = floors
        self._turns = Turns()

    def score(
        self, clip: AudioClip, text: str, language: str, references: Callable[[], Sequence[AudioClip]]
    ) -> Scores:
        """Cosine to the mean reference embedding, distill-MOS, and WER of the embedded ASR against `text`."""
        with self._turns.turn():
            similarity = self._try("similarity", lambda: self._similarity(clip, references()))
            mos = self._try("predicted MOS", lambda: self._judges.mos.predict(clip).value)
            transcript = self._try("WER", lambda: self._judges.recognizer.transcribe(clip, language).text)
            errors = (
                None
                if transcript is None
                else self._try("WER", lambda: wer([text], [transcript], language).corpus)
            )
        return Scores(similarity, mos, errors, transcript)

    def _similarity(self, clip: AudioClip, references: Sequence[AudioClip]) -> float | None:
        if not references:
            return None
        heard = [self._judges.embed(reference) for reference in references]
        return similarity(self._judges.embed(clip), heard).cosine

    def floor(self, voice_id: str, language: str) -> Floor | None:
        """The embedded recogniser's own WER on the voice's real recordings; None where it cannot be told."""
        floors = self._floors
        if floors is None or not voice_id:
            return None
        with self._turns.turn():
            return self._try(
                "floor",
                lambda: floors.of(
                    voice_id,
                    language,
                    RECOGNIZER_MODEL,
                    lambda clip: self._judges.recognizer.transcribe(clip, language).text,
                ),
            )

    @staticmethod
    def _try(name: str, measure: Callable[[], T]) -> T | None:
        try:
            return measure()
        except StudioError as error:
            log.warning("no %s for this take: %s", name, error)
            return None
