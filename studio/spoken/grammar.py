"""The shared grammar: from written signs to words, with one language's rules."""

import functools
import re
from collections.abc import Callable, Iterable

from studio.spoken import numbers
from studio.spoken.addresses import addresses, phones
from studio.spoken.rules import Rewrite, Rules
from studio.spoken.tidy import clean, one_line, same_signs

Step = Callable[[str, Rules], str]


def spoken(text: str, rules: Rules) -> str:
    """The text as it is said: no digits, no signs, no abbreviations. Never refuses."""
    text = one_line(same_signs(text))
    for step in _STEPS:
        text = step(text, rules)
    return clean(text)


def _any_of(words: Iterable[str]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


@functools.lru_cache(maxsize=512)
def _pattern(rules: Rules, name: str) -> re.Pattern[str]:
    number = numbers.number_pattern(rules)
    months = _any_of(rules.months)
    coins, units, scales = _any_of(rules.currencies), _any_of(rules.units), _any_of(rules.scales)
    scale = rf"(?:\s?(?P<scale>{scales})(?!\w))?" if rules.scales else r"(?P<scale>(?!))?"
    sources = {
        "abbreviation": rf"(?<!\w)(?:{_any_of(rules.abbreviations)})(?!\w)",
        "before": rf"(?<![\w.])(?:{_any_of(rules.before_number)})\s?(?=\d)",
        "iso": r"(?<![\d/.\-])(\d{4})-(\d{1,2})-(\d{1,2})(?![\d/\-])",
        "date": r"(?<![\d/.\-])(\d{1,2})([/.\-])(\d{1,2})\2(\d{4}|\d{2})(?![\d/\-])",
        "written": rf"(?<![\d/.,])(\d{{1,2}})[°º.]?\s(?:de\s)?({months})(?!\w)(?:\s(?:de\s)?(\d{{4}}))?(?!\d)",
        "clock": r"(?<![\d:.,])([01]?\d|2[0-4]):([0-5]\d)(?::[0-5]\d)?(?![\d:])",
        "money": rf"(?P<sign>-)?(?P<before>{coins})\s?(?P<left>{number}){scale}"
        rf"|(?P<right>{number}){scale.replace('scale>', 'size>')}\s?(?P<after>{coins})(?!\w)",
        "percent": rf"({number})\s?([%‰])",
        "units": rf"(?<![\w.,])(?P<minus>-)?(?P<n>{number})\s?(?P<unit>{units})(?![\w²³])",
        "ordinal": r"(?<![\w.,])(\d{1,4})([°ºª])(?![\w])",
        "range": rf"(?<![\w.,\-–])({number})\s?[-–]\s?({number})(?![\w\-–]|[.,]\d)",
        "measured": rf"(?<![\w.,\-–])({number})\s?[-–]\s?({number})(?=\s?(?:{units}|{coins}|[%‰])(?!\w))",
        "version": r"(?<![\d.,])\d+(?:\.\d+){2,}(?!\w)",
        "fraction": r"(?<![\w/.,])(\d{1,3})/(\d{1,3})(?![\w/])",
        "minus": r"(?<![\w.,)\]\-])-(?=\d)",
        "number": number,
        "scaled": rf"({number})\s?({_any_of(s for s in rules.scales if len(s) > 1)})(?!\w)"
        if rules.scales
        else r"(?!)",
        "signs": rf"{_any_of(rules.signs)}",
    }
    return re.compile(sources[name], re.IGNORECASE if name == "written" else 0)


def _rewritten(text: str, rewrites: Iterable[Rewrite]) -> str:
    for pattern, replacement in rewrites:
        text = pattern.sub(replacement, text)
    return text


def _shortened(text: str, rules: Rules) -> str:
    return _rewritten(text, rules.shortened)


def _own(text: str, rules: Rules) -> str:
    return _rewritten(text, rules.before)


def _abbreviations(text: str, rules: Rules) -> str:
    def expand(match: re.Match[str]) -> str:
        ending = text[match.end() :].lstrip(" \"')")
        at_end = not ending or (match[0] in rules.ends_sentence and ending[0].isupper())
        return rules.abbreviations[match[0]] + ("." if at_end and match[0].endswith(".") else "")

    if rules.before_number:
        text = _pattern(rules, "before").sub(lambda m: rules.before_number[m[0].rstrip()] + " ", text)
    return _pattern(rules, "abbreviation").sub(expand, text) if rules.abbreviations else text


def _dates(text: str, rules: Rules) -> str:
    lowered = [month.lower() for month in rules.months]

    def said(found: re.Match[str], day: int, month: int, year: int) -> str:
        possible = 1 <= day <= 31 and 1 <= month <= 12
        return rules.date(day, month, year) if possible else found[0]

    def numeric(match: re.Match[str]) -> str:
        first, second, year = int(match[1]), int(match[3]), int(match[4])
        century = 0 if len(match[4]) == 4 else 2000 if year < 50 else 1900
        swap = first <= 12 and (rules.month_first or second > 12)
        day, month = (second, first) if swap else (first, second)
        return said(match, day, month, year + century)

    def written(match: re.Match[str]) -> str:
        day = int(match[1])
        year = int(match[3]) if match[3] else None
        return rules.date(day, lowered.index(match[2].lower()) + 1, year) if 1 <= day <= 31 else match[0]

    text = _pattern(rules, "iso").sub(lambda m: said(m, int(m[3]), int(m[2]), int(m[1])), text)
    return _pattern(rules, "written").sub(written, _pattern(rules, "date").sub(numeric, text))


def _times(text: str, rules: Rules) -> str:
    return _pattern(rules, "clock").sub(lambda m: rules.time(int(m[1]), int(m[2])), text)


def _measured_ranges(text: str, rules: Rules) -> str:
    """ "10-15 min": the range first, its digits kept for what measures them."""
    return _pattern(rules, "measured").sub(lambda m: rules.range_(m[1], m[2]), text)


def _money(text: str, rules: Rules) -> str:
    def said(match: re.Match[str]) -> str:
        token = match["left"] or match["right"]
        size = match["scale"] if match["left"] else match["size"]
        minus = f"{rules.minus} " if match["sign"] else ""
        return minus + _amount(token, size, match["before"] or match["after"], rules)

    return _pattern(rules, "money").sub(said, text)


def _amount(token: str, size: str | None, sign: str, rules: Rules) -> str:
    currency = rules.currencies[sign]
    if size:
        return f"{numbers.counted(token, rules.scales[size], rules)} {_of(rules, size)}{currency.unit.many}"
    units, cents = numbers.parts(token, rules)
    if len(cents) not in (1, 2) or not int(cents):
        return numbers.counted(token if len(cents) > 2 else units, currency.unit, rules)
    small = str(int(cents.ljust(2, "0")))
    if not int(units):
        return numbers.counted(small, currency.cent, rules)
    said = numbers.counted(small, currency.cent, rules) if currency.name_cents else rules.number(int(small))
    return f"{numbers.counted(units, currency.unit, rules)} {rules.and_} {said}"


def _of(rules: Rules, size: str) -> str:
    """ "due milioni di euro", but "two million euros" and "duemila euro"."""
    links = {"it": "di ", "es": "de ", "pt": "de ", "fr": "d'"}
    return links.get(rules.code, "") if size.lower() not in {"k", "mila"} else ""


def _measures(text: str, rules: Rules) -> str:
    signs = {"%": rules.percent, "‰": rules.per_mille}
    text = _pattern(rules, "percent").sub(lambda m: f"{numbers.quantity(m[1], rules)} {signs[m[2]]}", text)
    return _pattern(rules, "units").sub(
        lambda m: (
            (f"{rules.minus} " if m["minus"] else "") + numbers.counted(m["n"], rules.units[m["unit"]], rules)
        ),
        text,
    )


def _ordinals(text: str, rules: Rules) -> str:
    return _pattern(rules, "ordinal").sub(
        lambda m: rules.ordinal(int(m[1]), m[2] == "ª") if int(m[1]) else m[0], text
    )


def _compound(text: str, rules: Rules) -> str:
    """Ranges, versions, fractions."""
    dot = rules.address.dot
    text = _pattern(rules, "version").sub(
        lambda m: (
            numbers.quantity(m[0], rules)
            if re.fullmatch(numbers.number_pattern(rules), m[0])
            else (" " if text[: m.start()][-1:].isalpha() else "")
            + f" {dot} ".join(numbers.whole(part, rules) for part in m[0].split("."))
        ),
        text,
    )
    text = _pattern(rules, "range").sub(
        lambda m: rules.range_(numbers.quantity(m[1], rules), numbers.quantity(m[2], rules)), text
    )
    for sign, word in (("½", "1/2"), ("¼", "1/4"), ("¾", "3/4"), ("⅓", "1/3"), ("⅔", "2/3")):
        text = re.sub(rf"\s?{sign}", f" {rules.fractions.get(word, word)} ", text)
    return _pattern(rules, "fraction").sub(
        lambda m: rules.fractions.get(m[0], f"{m[1]} {rules.fractions.get('/', '')} {m[2]}"), text
    )


def _plain_numbers(text: str, rules: Rules) -> str:
    def said(match: re.Match[str]) -> str:
        token = match[0]
        before, after = text[: match.start()][-1:], text[match.end() :][:1]
        year = len(token) == 4 and token.isdigit() and 1100 <= int(token) < 2100
        words = rules.year(int(token)) if year else numbers.quantity(token, rules)
        # A letter that touches the number is another word: A4, mp3. An apostrophe is not: l'8.
        return (" " if before.isalpha() or before == "-" else "") + words + (" " if after.isalpha() else "")

    text = _pattern(rules, "minus").sub(f"{rules.minus} ", text)
    text = _pattern(rules, "scaled").sub(lambda m: numbers.counted(m[1], rules.scales[m[2]], rules), text)
    return _pattern(rules, "number").sub(
        said, re.sub(r"(?<=[^\W\d_])-(?=\d)|(?<=\d)-(?=[^\W\d_])", " ", text)
    )


def _signs(text: str, rules: Rules) -> str:
    text = text.replace("²", f" {rules.squared} ").replace("³", f" {rules.cubed} ")
    text = _pattern(rules, "signs").sub(lambda m: f" {rules.signs[m[0]]} ", text)
    return "".join("" if character.isdigit() else character for character in text)


_STEPS: tuple[Step, ...] = (
    addresses,
    _shortened,
    _abbreviations,
    _own,
    _dates,
    _times,
    _measured_ranges,
    _money,
    _measures,
    phones,
    _ordinals,
    _compound,
    _plain_numbers,
    _signs,
)
