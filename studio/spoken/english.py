"""English: months first in figures, years in pairs, decimals digit by digit."""

import re

from studio.spoken.numbers import words_of
from studio.spoken.roman import NUMERAL, value
from studio.spoken.rules import Address, Counted, Currency, Rewrite, Rules

_MONTHS = "January February March April May June July August September October November December"
MONTHS = tuple(_MONTHS.split())
_cardinal, _ordinal, _year = words_of("en"), words_of("en", "ordinal"), words_of("en", "year")
_NUMBERED = "War|Chapter|Part|Act|Volume|Phase|Type|Figure|Section|Book|Level|Stage|Title|Article|Class|Scene"


def ordinal(number: int, feminine: bool = False) -> str:
    """ "fourteenth"; English has no gender."""
    return _ordinal(number)


def date(day: int, month: int, year: int | None) -> str:
    """ "March third, twenty twenty-four"."""
    said = f"{MONTHS[month - 1]} {_ordinal(day)}"
    return f"{said}, {_year(year)}" if year else said


def time(hour: int, minute: int) -> str:
    """ "three thirty", "three oh five", "three o'clock"."""
    if not minute:
        return f"{_cardinal(hour)} o'clock" if 1 <= hour <= 12 else f"{_cardinal(hour)} hundred hours"
    return f"{_cardinal(hour)} {'oh ' if minute < 10 else ''}{_cardinal(minute)}"


def _half_day(match: re.Match[str]) -> str:
    hour, minute = int(match[1]), int(match[2] or 0)
    return f"{time(hour, minute) if minute else _cardinal(hour)} {match[3].lower()} m"


def _month_first(match: re.Match[str]) -> str:
    day, year = int(match[2]), int(match[3]) if match[3] else None
    return date(day, MONTHS.index(match[1]) + 1, year) if 1 <= day <= 31 else match[0]


def _decade(match: re.Match[str]) -> str:
    number = int(match[1])
    said = _year(number) if number >= 1100 else _cardinal(number)
    return said[:-1] + "ies" if said.endswith("y") else said + "s"


def _the_nth(match: re.Match[str]) -> str:
    return f"{match[1]} the {_ordinal(value(match[2]))}"


_REWRITES: tuple[Rewrite, ...] = (
    (
        re.compile(r"\b(1[0-2]|0?[1-9])(?:[:.]([0-5]\d))?\s?([AaPp])\.?\s?[Mm](?:\.(?=\s+[a-z])|\b)"),
        _half_day,
    ),
    (
        re.compile(rf"\b({'|'.join(MONTHS)}) (\d{{1,2}})(?:st|nd|rd|th)?(?!\d)(?:,? (\d{{4}})(?!\d))?"),
        _month_first,
    ),
    (re.compile(r"(?<![\w.,])(\d{1,4})(?:st|nd|rd|th)\b"), lambda match: _ordinal(int(match[1]))),
    (re.compile(r"(?<![\w.,])'?(\d{1,3}0)'?s\b"), _decade),
    (re.compile(rf"\b({_NUMBERED}) ({NUMERAL})\b"), lambda match: f"{match[1]} {_cardinal(value(match[2]))}"),
    (re.compile(rf"\b([A-Z][a-z]{{2,}}) ((?=[IVX][IVX]|V\b|X\b){NUMERAL})\b"), _the_nth),
)

_ABBREVIATIONS = {
    "Mr.": "Mister", "Mrs.": "Missus", "Ms.": "Miz", "Dr.": "Doctor", "Prof.": "Professor", "St.": "Saint",
    "Jr.": "Junior", "Sr.": "Senior", "vs.": "versus", "etc.": "et cetera", "e.g.": "for example",
    "i.e.": "that is", "approx.": "approximately", "dept.": "department", "Dept.": "Department",
    "est.": "established", "Inc.": "Incorporated", "Ltd.": "Limited", "Co.": "Company", "Corp.": "Corporation",
    "Ave.": "Avenue", "Blvd.": "Boulevard", "Rd.": "Road", "Mt.": "Mount", "Gen.": "General", "Col.": "Colonel",
    "Capt.": "Captain", "Sgt.": "Sergeant", "Lt.": "Lieutenant", "Rev.": "Reverend", "Hon.": "Honorable",
    "Jan.": "January", "Feb.": "February", "Mar.": "March", "Apr.": "April", "Aug.": "August",
    "Sept.": "September", "Sep.": "September", "Oct.": "October", "Nov.": "November", "Dec.": "December",
    "w/o": "without", "a.k.a.": "also known as", "ext.": "extension", "tel.": "telephone", "Tel.": "Telephone",
}  # fmt: skip


def _unit(one: str, many: str = "") -> Counted:
    return Counted(one, many or one + "s")


_UNITS = {
    "km": _unit("kilometer"), "m": _unit("meter"), "cm": _unit("centimeter"), "mm": _unit("millimeter"),
    "mi": _unit("mile"), "ft": _unit("foot", "feet"), "yd": _unit("yard"), "in.": _unit("inch", "inches"),
    "kg": _unit("kilogram"), "g": _unit("gram"), "mg": _unit("milligram"), "lb": _unit("pound"),
    "lbs": _unit("pound"), "oz": _unit("ounce"), "l": _unit("liter"), "L": _unit("liter"),
    "ml": _unit("milliliter"), "gal": _unit("gallon"), "km/h": _unit("kilometer per hour", "kilometers per hour"),
    "mph": _unit("mile per hour", "miles per hour"), "m/s": _unit("meter per second", "meters per second"),
    "kWh": _unit("kilowatt hour"), "kW": _unit("kilowatt"), "W": _unit("watt"), "V": _unit("volt"),
    "Hz": _unit("hertz", "hertz"), "kHz": _unit("kilohertz", "kilohertz"), "MHz": _unit("megahertz", "megahertz"),
    "GHz": _unit("gigahertz", "gigahertz"), "kB": _unit("kilobyte"), "KB": _unit("kilobyte"),
    "MB": _unit("megabyte"), "GB": _unit("gigabyte"), "TB": _unit("terabyte"), "h": _unit("hour"),
    "hrs": _unit("hour"), "hr": _unit("hour"), "min": _unit("minute"), "s": _unit("second"),
    "ms": _unit("millisecond"), "°C": _unit("degree Celsius", "degrees Celsius"),
    "°F": _unit("degree Fahrenheit", "degrees Fahrenheit"), "°": _unit("degree"),
    "m²": _unit("square meter"), "m2": _unit("square meter"), "km²": _unit("square kilometer"),
    "km2": _unit("square kilometer"), "sq ft": _unit("square foot", "square feet"),
    "m³": _unit("cubic meter"), "m3": _unit("cubic meter"), "dB": _unit("decibel"),
}  # fmt: skip

_CENT = Counted("cent", "cents")
_EURO, _DOLLAR = Currency(_unit("euro"), _CENT), Currency(_unit("dollar"), _CENT)
_POUND = Currency(_unit("pound"), Counted("penny", "pence"))

RULES = Rules(
    code="en",
    number=_cardinal,
    ordinal=ordinal,
    date=date,
    time=time,
    year=_year,
    months=MONTHS,
    decimal_mark=".",
    comma="point",
    minus="minus",
    plus="plus",
    percent="percent",
    per_mille="per mille",
    degrees="degrees",
    and_="and",
    range_=lambda low, high: f"{low} to {high}",
    address=Address("at", "dot", "slash", "dash", "underscore", "w w w"),
    currencies={
        "€": _EURO, "EUR": _EURO, "$": _DOLLAR, "USD": _DOLLAR, "US$": _DOLLAR, "£": _POUND, "GBP": _POUND,
        "¥": Currency(Counted("yen", "yen"), Counted("sen", "sen")),
        "CHF": Currency(_unit("Swiss franc"), Counted("centime", "centimes")),
    },
    units=_UNITS,
    signs={
        "&": "and", "+": "plus", "=": "equals", "@": "at", "#": "hash", "*": "star", "%": "percent", "€": "euros",
        "$": "dollars", "£": "pounds", "°": "degrees", "§": "section", "/": "slash", "‰": "per mille",
    },
    abbreviations=_ABBREVIATIONS,
    before_number={
        "No.": "number", "no.": "number", "Nos.": "numbers", "#": "number", "p.": "page", "pp.": "pages",
        "ch.": "chapter", "Ch.": "Chapter", "vol.": "volume", "Vol.": "Volume", "fig.": "figure", "Fig.": "Figure",
        "sec.": "section", "art.": "article",
    },
    ends_sentence=frozenset({"etc.", "Inc.", "Ltd.", "Co.", "Corp.", "Jr.", "Sr.", "Ave.", "Blvd.", "Rd."}),
    scales={
        "million": Counted("million", "million"), "billion": Counted("billion", "billion"),
        "trillion": Counted("trillion", "trillion"), "M": Counted("million", "million"),
        "bn": Counted("billion", "billion"), "k": Counted("thousand", "thousand"),
        "K": Counted("thousand", "thousand"),
    },
    fractions={
        "1/2": "one half", "1/3": "one third", "2/3": "two thirds", "1/4": "one quarter", "3/4": "three quarters",
        "/": "over",
    },
    squared="squared",
    cubed="cubed",
    decimals_by_digit=True,
    month_first=True,
    before=_REWRITES,
)  # fmt: skip
