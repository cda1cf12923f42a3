"""Reading digits: as a quantity, one by one, or in groups."""

import re
from collections.abc import Callable

from studio.spoken.rules import Counted, Rules

LONGEST_QUANTITY = 15  # digits; beyond, nobody says the quantity


def words_of(language: str, kind: str = "cardinal") -> Callable[[int], str]:
    """num2words for one language, without its commas."""
    from num2words import num2words

    def say(number: int) -> str:
        return str(num2words(number, lang=language, to=kind)).replace(",", "")

    return say


def by_digit(digits: str, rules: Rules) -> str:
    """Each digit on its own: "zero zero sette"."""
    return " ".join(rules.number(int(digit)) for digit in digits)


def in_groups(groups: list[str], rules: Rules) -> str:
    """Digits one by one, a short pause between groups, as a telephone number is dictated."""
    return ", ".join(by_digit(group, rules) for group in groups if group)


def grouped(digits: str) -> list[str]:
    """Digits written without spaces, in groups of three; a last single digit joins its neighbour."""
    groups = [digits[start : start + 3] for start in range(0, len(digits), 3)]
    if len(groups) > 1 and len(groups[-1]) == 1:
        groups[-2:] = ["".join(groups[-2:])]
    return groups


def whole(digits: str, rules: Rules) -> str:
    """A whole number; a leading zero or more than fifteen digits are read one by one."""
    if len(digits) > LONGEST_QUANTITY:
        return in_groups(grouped(digits), rules)
    if len(digits) > 1 and digits.startswith("0"):
        return by_digit(digits, rules)
    return rules.number(int(digits))


def number_pattern(rules: Rules) -> str:
    """A quantity as the language writes it: grouped thousands or not, decimals or not."""
    mark, other = re.escape(rules.decimal_mark), re.escape(rules.thousands_mark)
    return rf"(?:\d{{1,3}}(?:{other}\d{{3}})+(?:{mark}\d+)?(?![\d]|[.,]\d)|\d+(?:[.,]\d+)?)"


def parts(token: str, rules: Rules) -> tuple[str, str]:
    """The digits before and after the decimal mark; a foreign mark counts where it cannot group thousands."""
    if re.fullmatch(rf"\d{{1,3}}(?:{re.escape(rules.thousands_mark)}\d{{3}})+", token):
        return token.replace(rules.thousands_mark, ""), ""
    if rules.decimal_mark in token:
        before, _, after = token.rpartition(rules.decimal_mark)
        return before.replace(rules.thousands_mark, ""), after
    before, _, after = token.partition(rules.thousands_mark)
    return before, after


def quantity(token: str, rules: Rules) -> str:
    """A number as written (`number_pattern`), in words."""
    before, after = parts(token, rules)
    if not after:
        return whole(before, rules)
    zeros = len(after) - len(after.lstrip("0"))
    if rules.decimals_by_digit or len(after) > 3 or zeros == len(after):
        tail = by_digit(after, rules)
    else:
        tail = " ".join([*[rules.number(0)] * zeros, rules.number(int(after))])
    return f"{whole(before, rules)} {rules.comma} {tail}"


def counted(token: str, thing: Counted, rules: Rules) -> str:
    """A number and what it counts: "un euro", "due euro"."""
    if parts(token, rules) == ("1", ""):
        single = thing.single or rules.number(1)
        joint = "" if single.endswith("'") else " "  # "un'ora"
        return f"{single}{joint}{thing.one}"
    return f"{quantity(token, rules)} {thing.many}"
