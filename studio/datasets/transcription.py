"""Listening to what a dataset is made of: words with their times, transcripts, and whose voice it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from studio.audio.clip import AudioClip
from studio.audio.speech import speech_s, speech_spans
from studio.datasets.edges import tail_db
from studio.errors import AudioRefused
from studio.evaluation.judges import Judges
from studio.evaluation.normalize import normalize
from studio.evaluation.similarity import Vector
from studio.evaluation.speech_recognition import Word

SURE_OF_LANGUAGE = 0.6


@dataclass(frozen=True)
class Impression:
    """What listening to one clip gave; None where nobody listened or it could not be told."""

    heard: str
    confidence: float | None
    likeness: float | None
    speech_s: float
    tail_db: float
    spoken_language: str = ""  # "" where it could not be told


@runtime_checkable
class TellsLanguage(Protocol):
    """A recogniser that also tells which language is spoken."""

    def spoken_language(self, clip: AudioClip) -> tuple[str, float]:
        """The likeliest language, and how likely it is (0..1). AudioRefused as `transcribe`."""
        ...


class Ear:
    """One dataset's judges. `references` are embeddings of the voice's recordings; empty compares nobody."""

    def __init__(self, judges: Judges, references: Sequence[Vector], *, listens: bool) -> None:
        self._judges = judges
        mean = np.mean(references, axis=0) if references else None
        self._reference = None if mean is None else mean / np.linalg.norm(mean)
        # Asked for now: a missing model is told before any work is done.
        self._recognizer = judges.recognizer if listens else None

    @property
    def listens(self) -> bool:
        """Whether it writes down what is said."""
        return self._recognizer is not None

    def words(self, clip: AudioClip, language: str) -> Sequence[Word]:
        """Words with their times; none where the clip is silent."""
        assert self._recognizer is not None, "an ear that does not listen was asked for words"
        try:
            return self._recognizer.transcribe(clip, language).words
        except AudioRefused:
            return ()

    def impression(self, clip: AudioClip, language: str, *, listens: bool = True) -> Impression:
        """Everything that is measured of a clip that came as it is."""
        heard, confidence = self.transcript(clip, language) if listens else ("", None)
        spoken = self.spoken_language(clip) if listens else ""
        likeness, said_s = self.likeness(clip), speech_s(speech_spans(clip))
        return Impression(heard, confidence, likeness, said_s, tail_db(clip), spoken)

    def spoken_language(self, clip: AudioClip) -> str:
        """The language that is spoken, as heard; "" where the recogniser is not sure or does not tell."""
        if not isinstance(self._recognizer, TellsLanguage):
            return ""
        try:
            language, probability = self._recognizer.spoken_language(clip)
        except AudioRefused:
            return ""
        return language if probability >= SURE_OF_LANGUAGE else ""

    def transcript(self, clip: AudioClip, language: str) -> tuple[str, float | None]:
        """What is said, and how sure the recogniser is of it (mean over words)."""
        if self._recognizer is None:
            return "", None
        try:
            found = self._recognizer.transcribe(clip, language)
        except AudioRefused:
            return "", 0.0
        sure = [word.probability for word in found.words]
        return found.text, sum(sure) / len(sure) if sure else 0.0

    def likeness(self, clip: AudioClip) -> float | None:
        """Cosine to the mean of the voice's recordings; None for a clip that is too short or silent."""
        if self._reference is None:
            return None
        try:
            return float(self._judges.embed(clip) @ self._reference)
        except AudioRefused:
            return None


def character_errors(text: str, heard: str, language: str) -> float:
    """Character error rate of what was heard against the text, both as they are spoken; at most 1.

    A text without any letter has nothing to be compared with: 1 where something was heard, else 0.
    """
    import jiwer

    expected, found = normalize(text, language), normalize(heard, language)
    if not expected:
        return 1.0 if found else 0.0
    return min(1.0, float(jiwer.process_characters([expected], [found]).cer))
