"""Roman numerals."""

import re

_VALUES = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}
# Only well-formed numerals: MIX and CIVIL are words.
NUMERAL = r"(?=[IVXLCDM]+\b)M{0,3}(?:CM|CD|D?C{0,3})(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})(?<=[IVXLCDM])"
_WHOLE = re.compile(NUMERAL)


def value(numeral: str) -> int:
    """The number a well-formed Roman numeral stands for; ValueError for anything else."""
    if not _WHOLE.fullmatch(numeral):
        raise ValueError(f"not a Roman numeral: {numeral}")
    total = 0
    for sign, following in zip(numeral, [*numeral[1:], ""], strict=True):
        smaller = following and _VALUES[sign] < _VALUES[following]
        total += -_VALUES[sign] if smaller else _VALUES[sign]
    return total
