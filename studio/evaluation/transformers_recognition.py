"""Recognisers from transformers: wav2vec2 with CTC, and Whisper; from a local folder or a hub id."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from studio.audio.clip import AudioClip
from studio.audio.speech import Span, speech_spans
from studio.errors import InputRefused, ModelBroken, NotFound, SourceUnavailable
from studio.evaluation.checks import at_rate, check_clip
from studio.evaluation.speech_recognition import SAMPLE_RATE_HZ, SHORTEST_S, Transcript, Word, transcript

WINDOW_S = 25.0  # wav2vec2's memory grows with the square; Whisper hears 30 s at most


@dataclass(frozen=True)
class Window:
    """A stretch of a clip short enough for a model, cut where nobody speaks when that is possible."""

    samples: NDArray[np.float32]
    start_s: float


def windows(samples: NDArray[np.float32], speech: Sequence[Span]) -> Iterator[Window]:
    """Group spans of speech into windows of at most 25 s; a longer span is cut."""
    start = end = None
    for span in _cut(speech):
        if start is not None and end is not None and span.end_s - start > WINDOW_S:
            yield _window(samples, start, end)
            start = None
        start = span.start_s if start is None else start
        end = span.end_s
    if start is not None and end is not None:
        yield _window(samples, start, end)


def _cut(speech: Sequence[Span]) -> Iterator[Span]:
    for span in speech:
        start = span.start_s
        while span.end_s - start > WINDOW_S:
            yield Span(start, start + WINDOW_S)
            start += WINDOW_S
        yield Span(start, span.end_s)


def _window(samples: NDArray[np.float32], start_s: float, end_s: float) -> Window:
    first, last = int(start_s * SAMPLE_RATE_HZ), int(end_s * SAMPLE_RATE_HZ)
    piece = samples[first : max(last, first + int(SHORTEST_S * SAMPLE_RATE_HZ))]
    return Window(piece, first / SAMPLE_RATE_HZ)


def _reach(model: str) -> None:
    """Look at a hub model's first file, so that what stands in the way is told apart and soon."""
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        hf_hub_download(model, "config.json")
    except LocalEntryNotFoundError as error:  # no answer, and no copy from an earlier time
        raise SourceUnavailable("evaluation.hub_unreachable", model=model) from error
    except (HfHubHTTPError, HFValidationError) as error:
        raise NotFound("evaluation.hub_unknown", model=model) from error


def _load(kind: Any, model: str, local_only: bool, device: str) -> Any:
    if not local_only:
        _reach(model)
    try:
        loaded = kind.from_pretrained(model, local_files_only=local_only)
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise ModelBroken("evaluation.model_broken", model=model) from error
    return loaded.to(device).eval() if hasattr(loaded, "eval") else loaded


class CtcRecognizer:
    """A wav2vec2 CTC model of one language, e.g. jonatasgrosman/wav2vec2-large-xlsr-53-italian.

    `model` is a folder, or a hub id where `local_only` is off. Decoding takes the best letter of each
    frame: no language model mends what was badly said. Raises ModelBroken where it cannot be loaded,
    SourceUnavailable where the hub cannot be reached, NotFound where it has no such model.
    """

    def __init__(self, model: str, language: str, *, local_only: bool = True, device: str = "cpu") -> None:
        from transformers import Wav2Vec2ForCTC, Wav2Vec2Processor

        self._language, self._device = language, device
        # Not AutoProcessor: next to a language model it asks for a decoder this studio does not use.
        self._processor = _load(Wav2Vec2Processor, model, local_only, device)
        self._model = _load(Wav2Vec2ForCTC, model, local_only, device)
        self._frame_s = self._model.config.inputs_to_logits_ratio / SAMPLE_RATE_HZ

    def transcribe(self, clip: AudioClip, language: str = "") -> Transcript:
        """See SpeechRecognizer; a CTC model knows only its own language."""
        if language not in ("", self._language):
            raise InputRefused("evaluation.language", language=language)
        check_clip(clip, SHORTEST_S)
        samples = at_rate(clip, SAMPLE_RATE_HZ)
        pieces = windows(samples, speech_spans(clip))
        words = tuple(word for window in pieces for word in self._window_words(window))
        return Transcript(" ".join(word.text for word in words), self._language, words, 1.0)

    def _window_words(self, window: Window) -> Iterator[Word]:
        import torch

        given = self._processor(window.samples, sampling_rate=SAMPLE_RATE_HZ, return_tensors="pt")
        with torch.inference_mode():
            chances = self._model(**given.to(self._device)).logits[0].softmax(dim=-1)
        best, letters = chances.max(dim=-1)
        decoded = self._processor.tokenizer.decode(letters, output_word_offsets=True)
        for word in decoded.word_offsets:
            first, last = word["start_offset"], word["end_offset"]
            start_s, end_s = (window.start_s + frame * self._frame_s for frame in (first, last))
            yield Word(word["word"], start_s, end_s, float(best[first : max(last, first + 1)].mean()))


class TransformersWhisper:
    """Whisper in PyTorch, greedy; a word's times come from attention where the model names its heads.

    Without alignment heads every word carries its window's times. Raises as CtcRecognizer.
    """

    def __init__(self, model: str, *, local_only: bool = True, device: str = "cpu") -> None:
        from transformers import WhisperForConditionalGeneration, WhisperProcessor

        self._device = device
        self._processor = _load(WhisperProcessor, model, local_only, device)
        self._model = _load(WhisperForConditionalGeneration, model, local_only, device)
        self._languages = {
            token.strip("<|>"): index
            for token, index in (getattr(self._model.generation_config, "lang_to_id", None) or {}).items()
        }

    def transcribe(self, clip: AudioClip, language: str = "") -> Transcript:
        """See SpeechRecognizer."""
        if language and language not in self._languages:
            raise InputRefused("evaluation.language", language=language)
        check_clip(clip, SHORTEST_S)
        pieces = list(windows(at_rate(clip, SAMPLE_RATE_HZ), speech_spans(clip)))
        if not pieces:
            return Transcript("", language, (), 1.0 if language else 0.0)
        spoken, certainty = (language, 1.0) if language else self._tell_language(pieces[0])
        words = tuple(word for window in pieces for word in self._window_words(window, spoken))
        return transcript(words, spoken, certainty)

    def _heard(self, window: Window) -> Any:
        """Features padded to 30 s, and the mask that says which of them are sound."""
        given = self._processor(
            window.samples, sampling_rate=SAMPLE_RATE_HZ, return_tensors="pt", return_attention_mask=True
        )
        return given.to(self._device)

    def _tell_language(self, window: Window) -> tuple[str, float]:
        """The likeliest of the model's languages for the first token after the start, and its probability."""
        import torch

        start = torch.tensor([[self._model.generation_config.decoder_start_token_id]], device=self._device)
        with torch.inference_mode():
            logits = self._model(self._heard(window).input_features, decoder_input_ids=start).logits[0, -1]
        names, tokens = list(self._languages), list(self._languages.values())
        chances = logits[tokens].softmax(dim=-1)
        best = int(chances.argmax())
        return names[best], float(chances[best])

    def _window_words(self, window: Window, language: str) -> list[Word]:
        import torch

        timed = bool(getattr(self._model.generation_config, "alignment_heads", None))
        with torch.inference_mode():
            made = self._model.generate(
                **self._heard(window),
                language=language,
                task="transcribe",
                do_sample=False,
                num_beams=1,
                return_dict_in_generate=True,
                output_logits=True,
                return_token_timestamps=timed,
                force_unique_generate_call=True,  # a window is one call, and its scores are wanted
            )
        logits = made["logits"]  # a plain dict where times were asked for
        tokens = made["sequences"][0][-len(logits) :]
        chances = [float(step[0].softmax(-1)[token]) for step, token in zip(logits, tokens, strict=True)]
        end_s = len(window.samples) / SAMPLE_RATE_HZ
        times = made["token_timestamps"][0][-len(tokens) :].tolist() if timed else None
        return self._grouped([int(t) for t in tokens], chances, times, window.start_s, end_s)

    def _grouped(
        self, tokens: list[int], chances: list[float], times: list[float] | None, start_s: float, end_s: float
    ) -> list[Word]:
        """Join tokens into words (a new word begins with a space), leaving special tokens out."""
        tokenizer, words = self._processor.tokenizer, []
        groups: list[list[int]] = []
        for position, token in enumerate(tokens):
            if token in tokenizer.all_special_ids:
                continue
            if not groups or tokenizer.decode([token]).startswith(" "):
                groups.append([])
            groups[-1].append(position)
        for group in groups:
            begin = times[group[0]] if times else 0.0
            end = times[min(group[-1] + 1, len(times) - 1)] if times else end_s
            text = tokenizer.decode([tokens[position] for position in group])
            probability = float(np.mean([chances[position] for position in group]))
            words.append(Word(text, start_s + begin, start_s + end, probability))
        return words
