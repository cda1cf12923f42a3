"""What was said: the protocol of a recogniser, and the embedded one (Whisper on CTranslate2)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from studio.audio.clip import AudioClip
from studio.audio.speech import Span, speech_spans
from studio.errors import InputRefused, ModelBroken, ModelMissing
from studio.evaluation.checks import at_rate, check_clip

SAMPLE_RATE_HZ = 16_000
SHORTEST_S = 0.1


@dataclass(frozen=True)
class Word:
    """A word as heard, with its times in the clip and the recogniser's own probability (0..1)."""

    text: str
    start_s: float
    end_s: float
    probability: float


@dataclass(frozen=True)
class Transcript:
    """What was heard. `text` is empty where nobody speaks; `language_probability` is 1 for a language given."""

    text: str
    language: str
    words: tuple[Word, ...]
    language_probability: float


class SpeechRecognizer(Protocol):
    """Anything that writes down speech, the same way every time."""

    def transcribe(self, clip: AudioClip, language: str = "") -> Transcript:
        """Write down a clip; an empty `language` asks the recogniser to tell which it is.

        Raises AudioRefused for sound that is not finite, silent or under 0.1 s, InputRefused for a
        language the recogniser does not know.
        """
        ...


class WhisperRecognizer:
    """Whisper through faster-whisper: the best of five beams at temperature 0, so the same clip reads the same.

    `model_dir` holds model.bin, config.json, tokenizer.json and vocabulary. Raises ModelMissing or
    ModelBroken. Source: Radford et al., "Robust Speech Recognition via Large-Scale Weak Supervision".
    """

    def __init__(self, model_dir: Path, threads: int = 2) -> None:
        if not (model_dir / "model.bin").is_file():
            raise ModelMissing("evaluation.model_missing", model=f"Whisper ({model_dir.name})")
        try:
            from faster_whisper import WhisperModel

            self._model = WhisperModel(
                str(model_dir), device="cpu", compute_type="int8", cpu_threads=threads, local_files_only=True
            )
        except (RuntimeError, ValueError, OSError) as error:
            raise ModelBroken("evaluation.model_broken", model=f"Whisper ({model_dir.name})") from error

    def transcribe(self, clip: AudioClip, language: str = "") -> Transcript:
        """See SpeechRecognizer."""
        check_clip(clip, SHORTEST_S)
        if language and language not in self._model.supported_languages:
            raise InputRefused("evaluation.language", language=language)
        speech = speech_spans(clip)
        if not speech:  # Whisper writes "thanks for watching" into silence
            return Transcript("", language, (), 1.0 if language else 0.0)
        segments, found = self._model.transcribe(
            at_rate(clip, SAMPLE_RATE_HZ),
            language=language or None,
            beam_size=5,
            temperature=0.0,
            condition_on_previous_text=False,
            word_timestamps=True,
        )
        words = spoken_words(self._words(segments), speech)
        return transcript(words, found.language, float(found.language_probability))

    def spoken_language(self, clip: AudioClip) -> tuple[str, float]:
        """The likeliest language of the first 30 s, and how likely it is (0..1); ("", 0) where nobody speaks."""
        check_clip(clip, SHORTEST_S)
        if not speech_spans(clip):
            return "", 0.0
        language, probability, _others = self._model.detect_language(audio=at_rate(clip, SAMPLE_RATE_HZ))
        return str(language), float(probability)

    @staticmethod
    def _words(segments: Iterable[Any]) -> list[Word]:
        return [
            Word(word.word, float(word.start), float(word.end), float(word.probability))
            for segment in segments
            for word in segment.words or ()
        ]


def spoken_words(words: Sequence[Word], speech: Sequence[Span], slack_s: float = 0.5) -> tuple[Word, ...]:
    """The words that lie within half a second of somebody speaking; the others were imagined."""
    return tuple(
        word
        for word in words
        if any(word.start_s < span.end_s + slack_s and word.end_s > span.start_s - slack_s for span in speech)
    )


def transcript(pieces: Sequence[Word], language: str, language_probability: float) -> Transcript:
    """A transcript of words that carry their own leading space, as Whisper's do."""
    text = "".join(piece.text for piece in pieces).strip()
    words = tuple(replace(piece, text=piece.text.strip()) for piece in pieces if piece.text.strip())
    return Transcript(text, language, words, language_probability)
