"""espeak-ng for Coqui models, from the library in a wheel: coqui-tts itself would start a system program."""

import re
from typing import Any

from TTS.tts.utils.text import phonemizers
from TTS.tts.utils.text.phonemizers.base import BasePhonemizer
from TTS.tts.utils.text.punctuation import Punctuation

_LANGUAGE_SWITCH = re.compile(r"\(.+?\)")
_SAME_AS_COQUI = {"en": "en-us", "zh-cn": "cmn"}


class LibraryEspeak(BasePhonemizer):
    """Answers like coqui's "espeak" phonemizer; punctuation is handled by its base class."""

    def __init__(
        self, language: str, punctuations: str = Punctuation.default_puncs(), *, keep_puncs: bool = True
    ) -> None:
        import espeakng_loader
        from phonemizer.backend.espeak.wrapper import EspeakWrapper

        EspeakWrapper.set_library(espeakng_loader.get_library_path())
        EspeakWrapper.set_data_path(espeakng_loader.get_data_path())
        self._espeak: Any = EspeakWrapper()
        language = _SAME_AS_COQUI.get(language, language)
        self._espeak.set_voice(language)  # RuntimeError for a language espeak-ng does not have
        super().__init__(language, punctuations=punctuations, keep_puncs=keep_puncs)

    @staticmethod
    def name() -> str:
        return "espeak"

    @classmethod
    def is_available(cls) -> bool:
        return True

    @staticmethod
    def supported_languages() -> dict[str, str]:
        return {}

    def is_supported_language(self, language: str) -> bool:
        return True  # set_voice has said so

    def version(self) -> str:
        return ".".join(str(part) for part in self._espeak.version)

    def _phonemize(self, text: str, separator: str = "") -> str:
        spoken: str = self._espeak.text_to_phonemes(text)
        return _LANGUAGE_SWITCH.sub("", spoken).strip().replace("_", separator)


def use_library_espeak() -> None:
    """Make coqui build LibraryEspeak wherever a configuration asks for "espeak". Safe to call again."""
    phonemizers._register_phonemizers()
    phonemizers.PHONEMIZERS["espeak"] = LibraryEspeak
