"""Both languages say the same things, and every word the pages ask for is there."""

import ast
import re
import string
from pathlib import Path

import pytest

from studio.consent.forms import ATTESTATIONS
from studio.consent.purposes import Category, Purpose
from studio.engines.kokoro.spec import SPEC as KOKORO
from studio.engines.xtts.spec import SPEC as XTTS
from studio.privacy.access import Role
from studio.ui.words import Words, catalogue

UI = Path(__file__).parent.parent.parent / "studio" / "ui"
KEY = re.compile(r"[a-z]+(\.[a-z0-9_-]+)+")


def _placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def _asked() -> set[str]:
    """Every literal key in a call of `words(...)` or of a step's heading."""
    found = set()
    for path in UI.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("words", "_step")):
                plain = [argument for argument in node.args if not isinstance(argument, ast.JoinedStr)]
                literals = [inner for argument in plain for inner in ast.walk(argument)]
                found |= {
                    inner.value
                    for inner in literals
                    if isinstance(inner, ast.Constant)
                    and isinstance(inner.value, str)
                    and KEY.fullmatch(inner.value)
                }
    return found


def test_both_languages_have_the_same_keys() -> None:
    assert catalogue("it").keys() == catalogue("en").keys()


def test_both_languages_fill_the_same_placeholders() -> None:
    english = catalogue("en")
    wrong = [
        key for key, text in catalogue("it").items() if _placeholders(text) != _placeholders(english[key])
    ]
    assert wrong == []


def test_every_word_the_pages_ask_for_is_there() -> None:
    asked = _asked()
    assert len(asked) > 150  # the search itself works
    assert asked - catalogue("it").keys() == set()


@pytest.mark.parametrize("language", ["it", "en"])
def test_every_choice_has_its_label(language: str) -> None:
    words = Words(language)
    wanted = (
        [f"purpose.{p}" for p in Purpose] + [f"category.{c}" for c in Category] + [f"role.{r}" for r in Role]
    )
    wanted += [f"attest.{name}" for name in ATTESTATIONS]
    wanted += [f"model.{kind}" for kind in ("absent", "partial", "present", "broken")]
    wanted += [f"consent.state.{state}" for state in ("granted", "review", "refused", "ended", "none")]
    for spec in (KOKORO, XTTS):
        own = set(spec.options.model_fields) - {"speed", "seed"}
        wanted += [f"option.{name}.{part}" for name in own for part in ("label", "info")]
    assert [key for key in wanted if not words.maybe(key, "")] == []


def test_italian_writes_numbers_with_a_comma() -> None:
    assert Words("it").number(0.416) == "0,42"
    assert Words("en").number(0.416) == "0.42"
    assert Words("it").seconds(125) == "2 min 05 s"
    assert Words("it").day("2026-11-03T10:00:00.000+00:00") == "3 nov 2026"
