"""A Coqui text-to-speech model, with its vocoder, ready to speak."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from librosa.effects import time_stretch
from TTS.vocoder.utils.generic_utils import interpolate_vocoder_input

from studio.audio.clip import AudioClip, Samples
from studio.engines.coqui.seeded import seeded
from studio.errors import EngineTrouble, TextRefused


class Vocoder:
    """Turns the spectrograms of one acoustic model into sound."""

    def __init__(self, model: Any, processor: Any) -> None:
        self._model = model
        self._processor = processor
        self.sample_rate_hz = int(processor.sample_rate)

    def sound(self, spectrogram: torch.Tensor, source: Any) -> torch.Tensor:
        """Sound (n,) of a `spectrogram` (frames, mels) that the audio processor `source` normalised."""
        plain = source.denormalize(spectrogram.detach().cpu().numpy().T)
        own = self._processor.normalize(plain)
        ratio = self.sample_rate_hz / source.sample_rate
        matched = torch.tensor(own)[None] if ratio == 1 else interpolate_vocoder_input([1, ratio], own)
        device = next(self._model.parameters()).device
        with torch.inference_mode():
            return self._model.inference(matched.to(device)).reshape(-1).float().cpu()


class CoquiSpeaker:
    """One loaded model."""

    def __init__(self, model: Any, vocoder: Vocoder | None) -> None:
        self._model = model
        self._vocoder = vocoder

    def speak(self, text: str, speaker: str, *, speed: float, seed: int) -> AudioClip:
        """One text as sound, at the model's own rate.

        TextRefused for a text the model has no symbols for; EngineTrouble when the model fails on it.
        """
        language = self._language()
        if not self._model.tokenizer.encode(self._letters(text, language)):
            raise TextRefused("coqui.nothing_to_say", text=text[:60])
        try:
            with seeded(seed, self._model.device), self._at(speed) as stretch:
                sound, rate = self._sound(text, speaker, language)
        except (RuntimeError, ValueError, IndexError) as error:
            raise EngineTrouble("coqui.failed", reason=f"{type(error).__name__}: {error}") from error
        if stretch != 1.0:
            sound = np.asarray(time_stretch(sound, rate=stretch), np.float32)
        return AudioClip(np.clip(sound, -1.0, 1.0), rate)

    def _sound(self, text: str, speaker: str, language: str | None) -> tuple[Samples, int]:
        config = self._model.config
        made = self._model.synthesize(
            text, speaker=speaker or None, language=language, use_griffin_lim=self._vocoder is None
        )
        rate = int(config.audio.get("output_sample_rate") or config.audio["sample_rate"])
        if self._vocoder is not None:
            sound = self._vocoder.sound(made["outputs"]["model_outputs"][0], self._model.ap).numpy()
            rate = self._vocoder.sample_rate_hz
        else:
            sound = np.asarray(made["wav"], np.float32).reshape(-1)
        if config.audio.get("do_trim_silence"):
            sound = sound[: self._model.ap.find_endpoint(sound)]
        return np.nan_to_num(np.asarray(sound, np.float32)), rate

    def _letters(self, text: str, language: str | None) -> str:
        """The text as the model's symbols, without the blanks put between them."""
        tokenizer = self._model.tokenizer
        if tokenizer.text_cleaner is not None:
            text = tokenizer.text_cleaner(text, lang=language)
        if tokenizer.phonemizer:
            text = tokenizer.phonemizer.phonemize(text, separator="", language=language)
        return "".join(symbol for symbol in text if symbol.isalnum())

    def _language(self) -> str | None:
        names: list[str] = self._model.language_manager.language_names
        return names[0] if names else None

    @contextmanager
    def _at(self, speed: float) -> Iterator[float]:
        """Set the model's rate where it has one; yields by how much the sound must still be stretched."""
        if not hasattr(self._model, "length_scale"):
            yield speed
            return
        usual = self._model.length_scale
        self._model.length_scale = usual / speed
        try:
            yield 1.0
        finally:
            self._model.length_scale = usual
