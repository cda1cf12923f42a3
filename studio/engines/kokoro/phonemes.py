"""Text to Kokoro's phoneme ids: espeak-ng's IPA, rewritten in the alphabet the model was trained on."""

import functools
import json
import re
import threading
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from studio.errors import EngineTrouble, TextRefused

TOKEN_LIMIT = 510
_SOFT_LIMIT = 200  # longer stretches are split at the next clause: steadier speech, earlier first sound
_SHORTEST = 25  # shorter stretches are joined to the next: very short inputs are spoken badly

ESPEAK_VOICES = {
    "it": "it",
    "es": "es",
    "fr": "fr-fr",
    "pt": "pt-br",
    "hi": "hi",
    "us": "en-us",
    "gb": "en-gb",
}

# One letter for each affricate and diphthong that espeak ties with ^ (the training alphabet is misaki's).
_TIED = {
    "a^ɪ": "I", "a^ʊ": "W", "e^ɪ": "A", "o^ʊ": "O", "ə^ʊ": "Q", "ɔ^ɪ": "Y",
    "t^s": "ʦ", "d^z": "ʣ", "t^ʃ": "ʧ", "d^ʒ": "ʤ", "s^s": "S",
}  # fmt: skip
# English only: sounds espeak writes more finely than the training data did.
_ENGLISH = {
    "ʔˌn\u0329": "tᵊn", "ʔn": "tᵊn", "ə^l": "ᵊl", "ʲO": "jO", "ʲQ": "jQ", "ʲ": "", "\u0303": "", "e": "A",
    "r": "ɹ", "x": "k", "ç": "k", "ɐ": "ə", "ɚ": "əɹ", "ɬ": "l", "ʔ": "t",
}  # fmt: skip
_AMERICAN = {"ɾ": "T", "ɜːɹ": "ɜɹ", "ɜː": "ɜɹ", "ɪə": "iə", "ː": "", "o": "ɔ"}
_BRITISH = {"e^ə": "ɛː", "iə": "ɪə", "o": "ɔ"}
_PUNCTUATION = {
    "«": "“", "»": "”", "„": "“", "‘": "'", "’": "'", "–": "—", "―": "—", "...": "…",
    "¿": "", "¡": "", "[": "(", "]": ")", "{": "(", "}": ")", "。": ".", "，": ",", "！": "!", "？": "?",
}  # fmt: skip


@functools.cache
def vocabulary() -> dict[str, int]:
    """The model's 114 symbols and their ids (0 marks the boundaries); ids are those of Kokoro-82M v1.0."""
    loaded: dict[str, int] = json.loads(Path(__file__).with_name("vocabulary.json").read_text("utf-8"))
    return loaded


class Phonemizer:
    """espeak-ng from its wheel, one backend a language, made when first needed."""

    def __init__(self) -> None:
        self._backends: dict[str, Any] = {}
        self._lock = threading.Lock()  # espeak-ng keeps state of its own: one text at a time

    def __call__(self, text: str, language: str, accent: str = "us") -> str:
        """Phonemes of `text` in the model's alphabet; TextRefused when nothing in it can be spoken."""
        voice = accent if language == "en" else language
        spoken = _clean(text)
        if not any(char.isalnum() for char in spoken):
            raise TextRefused("kokoro.nothing_to_say")
        with self._lock:
            phonemes = self._backend(voice).phonemize([spoken])
        rewritten = rewrite(phonemes[0] if phonemes else "", voice)
        if not any(char.isalpha() for char in rewritten):
            raise TextRefused("kokoro.nothing_to_say")
        return rewritten

    def _backend(self, voice: str) -> Any:
        if voice not in self._backends:
            self._backends[voice] = _start_espeak(ESPEAK_VOICES[voice])
        return self._backends[voice]


def _start_espeak(code: str) -> Any:
    import logging

    import espeakng_loader
    from phonemizer.backend import EspeakBackend
    from phonemizer.backend.espeak.wrapper import EspeakWrapper

    EspeakWrapper.set_library(espeakng_loader.get_library_path())
    EspeakWrapper.set_data_path(espeakng_loader.get_data_path())
    quiet = logging.getLogger("timbro.espeak")
    quiet.setLevel(logging.ERROR)  # phonemizer warns of every word it joins; nothing here depends on it
    try:
        return EspeakBackend(
            code,
            preserve_punctuation=True,
            with_stress=True,
            tie="^",
            language_switch="remove-flags",
            logger=quiet,
        )
    except RuntimeError as error:
        raise EngineTrouble("kokoro.espeak", language=code) from error


def _clean(text: str) -> str:
    text = unicodedata.normalize("NFC", text)
    for old, new in _PUNCTUATION.items():
        text = text.replace(old, new)
    kept = (char for char in text if unicodedata.category(char) not in {"So", "Sk", "Cf", "Cs", "Co"})
    return re.sub(r"\s+", " ", "".join(kept)).strip()


def rewrite(phonemes: str, voice: str) -> str:
    """espeak's tied IPA in the model's alphabet, with symbols it does not know left out."""
    english = voice in {"us", "gb"}
    tables = [_TIED, _ENGLISH, _AMERICAN if voice == "us" else _BRITISH] if english else [_TIED]
    for table in tables:
        for old in sorted(table, key=len, reverse=True):
            phonemes = phonemes.replace(old, table[old])
    # in English a syllabic consonant is a small schwa before it; elsewhere hyphens are not pauses
    phonemes = re.sub(r"(\S)\u0329", r"ᵊ\1", phonemes) if english else phonemes.replace("-", "")
    known = vocabulary()
    return re.sub(r" +", " ", "".join(char for char in phonemes if char in known)).strip()


def ids_of(phonemes: str) -> list[int]:
    """Token ids, without the boundary zeros."""
    known = vocabulary()
    return [known[char] for char in phonemes]


def stretches(phonemes: str) -> Iterator[str]:
    """Cut phonemes into stretches to speak one after another, each within TOKEN_LIMIT.

    Sentence ends always cut, clauses only in long sentences, spaces only where a clause is endless.
    """
    held: list[str] = []
    for sentence in re.findall(r"[^.!?…]+[.!?…]*[\"”)]*\s*|[.!?…]+", phonemes):
        if held and min(len(held[-1]), len(sentence)) < _SHORTEST:
            held[-1] += sentence
        else:
            held.append(sentence)
    for sentence in held:
        yield from _fitting(sentence.strip())


def _fitting(sentence: str) -> Iterator[str]:
    while len(sentence) > _SOFT_LIMIT:
        cut = _last_cut(sentence)
        yield sentence[:cut].strip()
        sentence = sentence[cut:].strip()
    if sentence:
        yield sentence


def _last_cut(sentence: str) -> int:
    window = sentence[:_SOFT_LIMIT]
    for marks in (";:—", ",", " "):
        cut = max(window.rfind(mark) for mark in marks) + 1
        if cut > _SHORTEST:
            return cut
    return _SOFT_LIMIT
