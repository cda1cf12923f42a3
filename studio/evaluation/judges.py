"""The loaded judges: speaker encoder, speech recogniser and MOS predictor, each on first use."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from studio.audio.clip import AudioClip

if TYPE_CHECKING:
    from studio.evaluation.mcd_pairs import Distortions
    from studio.evaluation.predicted_mos import MosPredictor
    from studio.evaluation.speaker_encoder import SpeakerEncoder
    from studio.evaluation.speech_recognition import SpeechRecognizer

ENCODER_MODEL = "wespeaker-resnet34"
RECOGNIZER_MODEL = "whisper-base-ct2"
MOST_EMBEDDINGS = 1000  # a kilobyte each


class Judges:
    """Loads each judge once and lends it out; raises ModelMissing while a judge's model is not here."""

    identity = f"{RECOGNIZER_MODEL}, {ENCODER_MODEL}"

    def __init__(self, model_files: Callable[[str], Path], threads: int) -> None:
        self._model_files = model_files
        self._threads = threads
        self._lock = threading.Lock()
        self._loaded: dict[str, object] = {}
        self._embeddings: OrderedDict[str, NDArray[np.float32]] = OrderedDict()  # by content

    def _once(self, name: str, load: Callable[[], object]) -> object:
        with self._lock:
            if name not in self._loaded:
                self._loaded[name] = load()
            return self._loaded[name]

    @property
    def encoder(self) -> "SpeakerEncoder":
        from studio.evaluation.speaker_encoder import SpeakerEncoder

        folder = self._model_files
        made = self._once(
            "encoder", lambda: SpeakerEncoder(folder(ENCODER_MODEL) / "model.onnx", self._threads)
        )
        assert isinstance(made, SpeakerEncoder)
        return made

    @property
    def recognizer(self) -> "SpeechRecognizer":
        from studio.evaluation.speech_recognition import WhisperRecognizer

        folder = self._model_files
        made = self._once("recognizer", lambda: WhisperRecognizer(folder(RECOGNIZER_MODEL), self._threads))
        assert isinstance(made, WhisperRecognizer)
        return made

    @property
    def mos(self) -> "MosPredictor":
        from studio.evaluation.predicted_mos import MosPredictor

        made = self._once("mos", MosPredictor)
        assert isinstance(made, MosPredictor)
        return made

    @property
    def distortions(self) -> "Distortions":
        """Measures MCD on all threads; it needs no model."""
        from studio.evaluation.mcd_pairs import Distortions

        made = self._once("distortions", lambda: Distortions(self._threads))
        assert isinstance(made, Distortions)
        return made

    def close(self) -> None:
        """End the processes that judge; the judges can be used again."""
        if "distortions" in self._loaded:
            self.distortions.close()

    def stop_speaker(self, speaker_id: str) -> None:
        """Forget every sound that is remembered: whose it was is not (studio.privacy.erasure)."""
        if "distortions" in self._loaded:
            self.distortions.forget()
        with self._lock:
            self._embeddings.clear()

    def embed(self, clip: AudioClip) -> NDArray[np.float32]:
        """Unit speaker embedding, shape (256,); of a sound heard lately it is remembered."""
        with self._lock:
            known = self._embeddings.pop(clip.content_id, None)
        found = self.encoder.embed(clip) if known is None else known
        with self._lock:
            self._embeddings[clip.content_id] = found
            if len(self._embeddings) > MOST_EMBEDDINGS:
                self._embeddings.popitem(last=False)
        return found

    def statement_errors(self, statement: str, clip: AudioClip, language: str) -> tuple[str, float]:
        """What was heard, and its word error rate against what should have been read."""
        heard = self.transcript(clip, language)
        return heard, self.word_errors(statement, heard, language)

    def transcript(self, clip: AudioClip, language: str) -> str:
        """What is said; ModelMissing without the recogniser."""
        return self.recognizer.transcribe(clip, language).text

    @staticmethod
    def word_errors(sentence: str, heard: str, language: str) -> float:
        """Word error rate of what was heard against what should have been said, at most 1."""
        from studio.evaluation.wer import wer

        return min(1.0, wer([sentence], [heard], language).corpus)
