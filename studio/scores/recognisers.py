"""Which speech recogniser judges the words: the embedded one, or one from transformers that the settings name."""

import threading
from dataclasses import dataclass
from pathlib import Path

from studio.errors import InputRefused
from studio.evaluation.judges import RECOGNIZER_MODEL, Judges
from studio.evaluation.speech_recognition import SpeechRecognizer
from studio.scores.requests import EMBEDDED
from studio.settings import Settings

WAV2VEC2, WHISPER = "wav2vec2", "whisper"
ITALIAN_MODEL = "jonatasgrosman/wav2vec2-large-xlsr-53-italian"  # of a wav2vec2 that is not named


@dataclass(frozen=True)
class RecogniserChoice:
    """A recogniser as people choose it. `languages` is empty where it knows many."""

    id: str
    model: str
    languages: tuple[str, ...] = ()


class Recognisers:
    """Lends the chosen recogniser out; a transformers model is loaded once, on first use."""

    def __init__(self, judges: Judges, settings: Settings) -> None:
        self._judges = judges
        self._settings = settings
        self._lock = threading.Lock()
        self._loaded: SpeechRecognizer | None = None

    def choices(self) -> tuple[RecogniserChoice, ...]:
        """What can be chosen here, the default of the settings first."""
        embedded = RecogniserChoice(EMBEDDED, RECOGNIZER_MODEL)
        kind, model = self._settings.recogniser, self._settings.recogniser_model
        if kind == EMBEDDED:
            return (embedded,)
        languages = (self._settings.recogniser_language,) if kind == WAV2VEC2 else ()
        if kind == WAV2VEC2 and languages == ("it",):
            model = model or ITALIAN_MODEL
        return RecogniserChoice(kind, model, languages), embedded

    def choose(self, recogniser_id: str, language: str) -> RecogniserChoice:
        """The recogniser of this id ("" is the default), if it knows the language; InputRefused otherwise."""
        found = self.choices()
        chosen = next((one for one in found if recogniser_id in ("", one.id)), None)
        if chosen is None:
            known = ", ".join(one.id for one in found)
            raise InputRefused("scores.recogniser", name=recogniser_id[:64], known=known)
        if chosen.id != EMBEDDED and not chosen.model:
            raise InputRefused("scores.recogniser_model", name=chosen.id)
        if chosen.languages and language not in chosen.languages:
            knows = ", ".join(chosen.languages)
            raise InputRefused(
                "scores.recogniser_language", name=chosen.model, language=language, known=knows
            )
        return chosen

    def load(self, chosen: RecogniserChoice) -> SpeechRecognizer:
        """The recogniser itself; ModelMissing or ModelBroken where it cannot be had."""
        if chosen.id == EMBEDDED:
            return self._judges.recognizer
        with self._lock:
            if self._loaded is None:
                self._loaded = self._transformers(chosen)
            return self._loaded

    def _transformers(self, chosen: RecogniserChoice) -> SpeechRecognizer:
        from studio.evaluation.transformers_recognition import CtcRecognizer, TransformersWhisper

        local = Path(chosen.model).is_dir()  # anything else is a hub id, and may be fetched
        if chosen.id == WAV2VEC2:
            return CtcRecognizer(chosen.model, chosen.languages[0], local_only=local)
        return TransformersWhisper(chosen.model, local_only=local)
