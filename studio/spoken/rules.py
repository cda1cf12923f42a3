"""What a language must say for its numbers, dates, money and signs to be read aloud."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

Rewrite = tuple[re.Pattern[str], Callable[[re.Match[str]], str]]


@dataclass(frozen=True)
class Counted:
    """A thing that is counted: one of it, many of it, and the word for "one" before it."""

    one: str
    many: str
    single: str = ""  # "un", "una"; empty: the number itself


@dataclass(frozen=True)
class Currency:
    """A currency and its hundredth."""

    unit: Counted
    cent: Counted
    name_cents: bool = True  # "fifty cents", against "e cinquanta"


@dataclass(frozen=True)
class Address:
    """The signs of an e-mail address or a web page."""

    at: str
    dot: str
    slash: str
    hyphen: str
    underscore: str
    www: str


@dataclass(frozen=True, eq=False)
class Rules:
    """One language. Callables take plain integers and give words without digits."""

    code: str
    number: Callable[[int], str]
    ordinal: Callable[[int, bool], str]  # (n, feminine)
    date: Callable[[int, int, int | None], str]  # (day, month 1-12, year)
    time: Callable[[int, int], str]  # (hour, minute)
    year: Callable[[int], str]
    months: tuple[str, ...]
    decimal_mark: str
    comma: str
    minus: str
    plus: str
    percent: str
    per_mille: str
    degrees: str
    and_: str
    range_: Callable[[str, str], str]
    address: Address
    currencies: Mapping[str, Currency]
    units: Mapping[str, Counted]
    signs: Mapping[str, str]
    abbreviations: Mapping[str, str] = field(default_factory=dict)
    before_number: Mapping[str, str] = field(default_factory=dict)
    ends_sentence: frozenset[str] = frozenset()  # abbreviations after which a sentence may end
    scales: Mapping[str, Counted] = field(default_factory=dict)  # mln, mld, k
    fractions: Mapping[str, str] = field(default_factory=dict)
    squared: str = ""
    cubed: str = ""
    decimals_by_digit: bool = False
    month_first: bool = False
    shortened: tuple[
        Rewrite, ...
    ] = ()  # abbreviations that mean what stands beside them: "sec. XIX", "10 sec."
    before: tuple[Rewrite, ...] = ()  # the language's own, ahead of the shared ones

    @property
    def thousands_mark(self) -> str:
        return "." if self.decimal_mark == "," else ","
