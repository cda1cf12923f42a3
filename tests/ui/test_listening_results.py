"""Results of listening tests as they are shown: every kind, few ratings and many, in both languages."""

import re
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from studio.listening.forms import ListeningView
from studio.listening.kinds import Kind, Role, Use
from studio.listening.report import Material, SystemFacts, report
from studio.listening.results import Outcome
from studio.listening.screening import Answer, ListenerFacts, ScreeningRule
from studio.ui.listen.outcome import outcome_view
from studio.ui.listen.plots import Whisker, even_ticks, whiskers
from studio.ui.words import Words

NAMES = ("Uno <b>", "Due", "Tre")
ITEMS = ("Buongiorno.", "A <i>domani</i>.", "Grazie.")


def answers(kind: Kind, listeners: int, seed: int) -> tuple[Answer, ...]:
    """Everybody rates everything; the first system is the best."""
    dice, made = np.random.default_rng(seed), []
    ids = [f"s{n}" for n in range(3)]
    pairs = [("s0", "s1"), ("s0", "s2"), ("s1", "s2")] if kind.facts.pairs else [(one, "") for one in ids]
    for person in range(listeners):
        for place, (one, other) in enumerate(pairs):
            for item in range(len(ITEMS)):
                low, high = kind.facts.low, kind.facts.high
                score = float(
                    np.clip(round(dice.normal(high - place * (high - low) / 4, (high - low) / 4)), low, high)
                )
                made.append(
                    Answer(
                        f"L{person}", f"t{place}{item}", Use.RATED, item, one, other, Role.SYSTEM, score, None,
                        item, "A", 0, 900, True, "2026-11-01T10:00:00", f"x{place}{item}",
                    )
                )  # fmt: skip
    return tuple(made)


def shown(kind: Kind, listeners: int, language: str, given: tuple[Answer, ...] | None = None) -> str:
    rule = ScreeningRule()
    people = tuple(ListenerFacts(f"L{n}", n > 0, None) for n in range(listeners))  # the first did not finish
    systems = tuple(SystemFacts(f"s{n}", name, Role.SYSTEM) for n, name in enumerate(NAMES))
    given = answers(kind, listeners, 3) if given is None else given
    found = report(Material(kind, systems, len(ITEMS), "drop", rule, 1, people, given))
    view = SimpleNamespace(kind=kind, configuration=SimpleNamespace(rule=rule))
    return outcome_view(Words(language), cast(ListeningView, view), Outcome(found, ITEMS, {}))


@pytest.mark.parametrize("language", ["it", "en"])
@pytest.mark.parametrize("listeners", [1, 7])
@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_is_shown_from_the_first_listener_on(kind: Kind, listeners: int, language: str) -> None:
    page = shown(kind, listeners, language)
    assert "Uno &lt;b&gt;" in page and "<b>" not in page.replace("<b>L", "") and "<i>domani" not in page
    assert not any(word in page for word in ("None", "nan", "inf ", "listen."))
    assert 'id="listen-screened"' in page


def test_choices_carry_both_p_values_and_no_share_leaves_the_scale() -> None:
    page = shown(Kind.AB, 9, "it")
    assert "<th>p</th><th>p corretta</th>" in page
    shares = [int(share) for share in re.findall(r"(-?\d+) %", page)]
    assert shares and all(0 <= share <= 100 for share in shares)


def test_ticks_are_round_and_in_the_words_of_the_page() -> None:
    italian = Words("it")
    assert [label for _, label in even_ticks(italian, 1, 5)] == ["1", "2", "3", "4", "5"]
    assert [label for _, label in even_ticks(italian, 0, 100)] == ["0", "20", "40", "60", "80", "100"]
    assert [label for _, label in even_ticks(italian, -1, 3.3)] == ["-1", "0", "1", "2", "3"]
    assert [label for _, label in even_ticks(italian, -0.6, 0.7)] == [
        "-0,6",
        "-0,4",
        "-0,2",
        "0,0",
        "0,2",
        "0,4",
        "0,6",
    ]


def test_a_plot_tells_screen_readers_every_line_and_escapes_names() -> None:
    drawn = whiskers("Medie", [Whisker('a "<b>"', 3, 2, 4, "3,00")], 1, 5, [(1, "1")], middle=3)
    assert "&quot;&lt;b&gt;&quot; 3,00" in drawn and "<b>" not in drawn and "stroke-dasharray" in drawn
