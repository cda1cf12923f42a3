"""Before and after reading aloud: one form for quotes, dashes, spaces and digits; no sign left over."""

import re
import unicodedata

_SAME = str.maketrans(
    {
        "’": "'", "‘": "'", "ʼ": "'", "′": "'", "`": "'", "´": "'", "＇": "'",
        "“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "‹": '"', "›": '"', "″": '"', "＂": '"',
        "‐": "-", "‑": "-", "−": "-", "‒": "–", "―": "—", "…": "...", "\u2028": "\n", "\u2029": "\n\n",
        "\u00ad": "", "\u200b": "", "\u200c": "", "\u200d": "", "\u2060": "", "\ufeff": "",
        "×": " x ", "⁄": "/", "∕": "/", "·": " ", "•": "\n", "‣": "\n", "▪": "\n", "●": "\n",
    }
)  # fmt: skip
_BULLET = re.compile(r"^[ \t]*[-*–—][ \t]+", re.MULTILINE)
_ENDS = ".!?…:;,"


def same_signs(text: str) -> str:
    """NFC, one kind of apostrophe, quote, hyphen and digit; no emoji, no invisible characters."""
    joined = re.sub(r"(?<=\d)[\u00a0\u202f\u2009](?=\d{3}(?!\d))", "", text)
    joined = re.sub(
        r"(?<![\d+] )(?<![\d.,+])\d{1,2}(?: \d{3})+(?![ ]?\d)", lambda m: m[0].replace(" ", ""), joined
    )
    composed = unicodedata.normalize("NFC", joined).translate(_SAME)
    return "".join(_plain(character) for character in composed)


def _plain(character: str) -> str:
    if character < "\x80":
        return character
    category = unicodedata.category(character)
    if category == "Nd":
        return str(unicodedata.decimal(character))
    if category == "Nl" or "FULLWIDTH" in unicodedata.name(character, ""):
        return unicodedata.normalize("NFKC", character)
    if category == "Zs":
        return " "
    keeps = category[0] in "LMP" or character in "€£¥$¢₹°²³½¼¾⅓⅔+=%‰"
    return character if keeps else _other(character, category)


def _other(character: str, category: str) -> str:
    """Circled digits and the like as digits; emoji, arrows and ornaments as nothing."""
    return f" {unicodedata.digit(character)} " if category == "No" and character.isdigit() else " "


def one_line(text: str) -> str:
    """Lines as sentences: a line's end is a full stop, unless the next goes on in lower case."""
    lines = [
        line.strip() for line in _BULLET.sub("\n", text.replace("\r\n", "\n").replace("\r", "\n")).split("\n")
    ]
    said: list[str] = []
    gap = False
    for line in lines:
        if not line:
            gap = True
            continue
        if said and said[-1][-1] not in _ENDS + '"' and (gap or not line[0].islower()):
            said[-1] += "."
        said.append(line)
        gap = False
    return " ".join(" ".join(said).split())


_LEFT_OVER = re.compile(r"[^\w\s.,;:!?'\"…¿¡–—\-。！？、，；：「」؟،؛।]|_")
_STEPS = (
    (re.compile(r"[()\[\]{}]"), ", "),
    (re.compile(r"\s[–—]\s|\s-\s|—"), ", "),
    (_LEFT_OVER, " "),
    (re.compile(r"(?<![\w])-+|-+(?![\w])"), " "),
    (re.compile(r"–"), "-"),
    (re.compile(r"\s+([.,;:!?…])"), r"\1"),
    (re.compile(r"\.{3,}"), "…"),
    (re.compile(r"([!?])[!?]*[!?]"), r"\1"),
    (re.compile(r"[,;:]+([,;:.!?…])"), r"\1"),
    (re.compile(r"([.!?…])[,;:]+"), r"\1"),
    (re.compile(r"\.\.+"), "."),
    (re.compile(r"^[\s,;:.]+"), ""),
    (re.compile(r"([,;:])(?=[^\W\d_])"), r"\1 "),
    (re.compile(r"\s+"), " "),
)


def clean(text: str) -> str:
    """What no voice can say becomes a pause or nothing; punctuation is not repeated."""
    before = None
    while before != text:
        before = text
        for pattern, replacement in _STEPS:
            text = pattern.sub(replacement, text)
        text = text.strip()
    return text
