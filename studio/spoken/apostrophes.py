"""Italian accents typed as apostrophes: "E' la citta'" is "È la città"."""

import re

# Words cut short keep their apostrophe: un po', a mo' di, va', fa', di'.
_CUT_SHORT = re.compile(r"po|mo|be|t[oe]|d[eaio]|co|que|a|i|o|ca|s[uo]|v[oea]|gua|f[ea]|m[iea]|pe|nu|sta")
_ACCENTED = {"a": "à", "e": "è", "i": "ì", "o": "ò", "u": "ù"}
_CLOSED_E = re.compile(r"\w*ch|n|s|\w{3,}tr")  # perché, né, sé, trentatré
_OPENED = re.compile(r"(?<!\w)'(?=\w)")  # a quotation in single marks: its end is no accent
TRAILING = re.compile(r"(?<!\w)(\w*[aeiou])'(?!\w)", re.IGNORECASE)


def accented(match: re.Match[str]) -> str:
    """A match of TRAILING with the accent its apostrophe stands for, where it stands for one."""
    word = match[1]
    if _stays(word.lower(), quoted=_OPENED.search(match.string) is not None):
        return match[0]
    last = word[-1].lower()
    letter = "é" if last == "e" and _CLOSED_E.fullmatch(word[:-1].lower()) else _ACCENTED[last]
    return word[:-1] + (letter.upper() if word[-1].isupper() else letter)


def _stays(word: str, *, quoted: bool) -> bool:
    """Whether it is an apostrophe: of a word cut short, or perhaps the end of a quotation."""
    return _CUT_SHORT.fullmatch(word) is not None or (
        quoted and word != "e" and not word.endswith(("che", "ta", "piu"))
    )
