"""E-mail addresses, web pages and telephone numbers, as they are dictated."""

import re

from studio.spoken.numbers import grouped, in_groups
from studio.spoken.rules import Rules

_TOP = "com|org|net|edu|gov|eu|info|io|ai|app|dev|it|uk|us|fr|es|de|pt|br|ch|at|be|nl|tv"
_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
_PAGE = re.compile(
    rf"(?:https?://|www\.)[^\s<>\"']+|(?<![\w.\-])(?:[a-z0-9-]{{1,63}}\.){{1,8}}(?:{_TOP})\b(?:/[^\s<>\"']*)?",
    re.IGNORECASE,
)
_PHONE = re.compile(
    r"(?<![\w.,/])(?:\+\d{1,3}[ .\-/]?(?:\(?\d{1,4}\)?[ .\-/]?){2,6}\d{2,}"  # +39 06 1234 5678
    r"|\(?0\d{1,4}\)?[ \-/.]\d{2,4}(?:[ \-.]?\d{2,4})+"  # 06 1234567, (02) 123 4567
    r"|\(\d{3}\) ?\d{3}[ \-]\d{4}|\d{3}-\d{4}|\d{3}[.\-]\d{3}[.\-]\d{4}"  # (555) 123-4567
    r"|\d{3}(?:[ \-]\d{2,4}){2,4}"  # 333 123 4567, 800 900 313
    r"|3\d{2}[ .\-]\d{6,7}|0\d{7,10}|3\d{9})(?![\w/]|[.,]\d)"
)


def addresses(text: str, rules: Rules) -> str:
    """E-mails and pages with their signs in words; digits in them are read later."""
    return _PAGE.sub(lambda m: _page(m[0], rules), _EMAIL.sub(lambda m: _spelled(m[0], rules), text))


def phones(text: str, rules: Rules) -> str:
    """Telephone numbers digit by digit, a pause between the groups as written."""
    return _PHONE.sub(lambda match: _phone(match[0], rules), text)


def _page(found: str, rules: Rules) -> str:
    address = found.rstrip(".,;:!?)")
    bare = re.sub(r"^https?://", "", address, flags=re.IGNORECASE).rstrip("/")
    www = re.match(r"www\.", bare, re.IGNORECASE)
    said = f"{rules.address.www} {rules.address.dot} " if www else ""
    return said + _spelled(bare[4:] if www else bare, rules) + found[len(address) :]


def _spelled(address: str, rules: Rules) -> str:
    signs = {
        "@": rules.address.at,
        ".": rules.address.dot,
        "/": rules.address.slash,
        "-": rules.address.hyphen,
        "_": rules.address.underscore,
        "+": rules.plus,
    }
    words = "".join(f" {signs[sign]} " if sign in signs else sign for sign in address)
    return " ".join(re.sub(r"[^\w\s]", " ", words).split())


def _phone(found: str, rules: Rules) -> str:
    groups = re.findall(r"\d+", found)
    groups = grouped(groups[0]) if len(groups) == 1 else groups
    return (f"{rules.plus} " if found.startswith("+") else "") + in_groups(groups, rules)
