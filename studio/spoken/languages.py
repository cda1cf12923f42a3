"""Which languages can be read aloud, their scripts, and their rules."""

import functools

from studio.spoken.rules import Rules

# num2words' name of the language, its decimal mark, and how that is said.
_NUMBERS_ONLY = {
    "nl": ("nl", ",", "komma"),
    "pl": ("pl", ",", "przecinek"),
    "cs": ("cs", ",", "celá"),
    "ru": ("ru", ",", "запятая"),
    "uk": ("uk", ",", "кома"),
    "tr": ("tr", ",", "virgül"),
    "hu": ("hu", ",", "egész"),
    "ro": ("ro", ",", "virgulă"),
    "sv": ("sv", ",", "komma"),
    "da": ("da", ",", "komma"),
    "fi": ("fi", ",", "pilkku"),
    "no": ("no", ",", "komma"),
    "sk": ("sk", ",", "celá"),
    "sl": ("sl", ",", "vejica"),
    "ca": ("ca", ",", "coma"),
    "lt": ("lt", ",", "kablelis"),
    "lv": ("lv", ",", "komats"),
    "vi": ("vi", ",", "phẩy"),
    "id": ("id", ",", "koma"),
    "ja": ("ja", ".", "点"),
    "ko": ("ko", ".", "점"),
    "ar": ("ar", ".", "فاصلة"),
    "he": ("he", ".", "נקודה"),
    "fa": ("fa", ".", "ممیز"),
}
_AS_WRITTEN = frozenset({"zh", "hi", "el", "bg", "hr", "et"})  # numbers stay digits: the engine reads them
_SCRIPTS = {
    "ru": ("CYRILLIC",), "uk": ("CYRILLIC",), "bg": ("CYRILLIC",), "el": ("GREEK",), "ar": ("ARABIC",),
    "fa": ("ARABIC",), "he": ("HEBREW",), "hi": ("DEVANAGARI",), "zh": ("CJK",), "ko": ("HANGUL", "CJK"),
    "ja": ("HIRAGANA", "KATAKANA", "CJK", "KATAKANA-HIRAGANA"),
}  # fmt: skip
WITHOUT_SPACES = frozenset({"zh", "ja"})
FULL = ("it", "en", "es", "fr", "pt", "de")
LANGUAGES = (*FULL, *_NUMBERS_ONLY, *sorted(_AS_WRITTEN))


def base(language: str) -> str:
    """ "it" of "it-IT", "zh" of "zh-cn"."""
    return language.replace("_", "-").split("-")[0].lower()


def scripts(language: str) -> tuple[str, ...]:
    """The scripts a language is written in, as the first word of their letters' Unicode names."""
    return _SCRIPTS.get(base(language), ("LATIN",))


@functools.cache
def rules_for(language: str) -> Rules | None:
    """A language's rules (constants, built once); None where digits are left as they are.

    Raises KeyError for a language that is not in LANGUAGES.
    """
    code = base(language)
    if code == "it":
        from studio.spoken.italian import RULES as ITALIAN

        return ITALIAN
    if code == "en":
        from studio.spoken.english import RULES as ENGLISH

        return ENGLISH
    if code in FULL:
        from studio.spoken import others

        return {"es": others.SPANISH, "fr": others.FRENCH, "pt": others.PORTUGUESE, "de": others.GERMAN}[code]
    if code in _AS_WRITTEN:
        return None
    from studio.spoken.others import numbers_only

    return numbers_only(code, *_NUMBERS_ONLY[code])
