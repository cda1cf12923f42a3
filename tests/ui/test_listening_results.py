"""Results of listening tests as they are shown: every kind, few ratings and many, in both languages."""

import json
import re
from dataclasses import replace
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
from sqlalchemy import select

from studio.bootstrap import Studio
from studio.db.tables import Synthesis
from studio.listening.figures import Material, Report, SystemFacts
from studio.listening.forms import TIE_RULES, ListeningView
from studio.listening.kinds import Kind, Role, Use
from studio.listening.report import report
from studio.listening.results import Outcome
from studio.listening.screening import Answer, ListenerFacts, ScreeningRule
from studio.listening.stats import icc
from studio.privacy.access import Actor
from studio.ui.listen.comparisons import differences_view, ranking_view
from studio.ui.listen.outcome import outcome_view
from studio.ui.listen.planner import Intent, items_of, plan_card
from studio.ui.listen.plots import Whisker, even_ticks, whiskers
from studio.ui.words import Words
from tests.listening.taking_part import brought, form, guest, opened, patient, spoken

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


def votes(*scores: float, sentences: int = 3) -> tuple[Answer, ...]:
    """One pair; each listener gives all sentences the score in its place."""
    made = []
    for person, score in enumerate(scores):
        for item in range(sentences):
            made.append(replace(answers(Kind.AB, 1, 1)[0], listener=f"L{person}", item=item, score=score))
    return tuple(made)


def found(kind: Kind, given: tuple[Answer, ...], tie_rule: str = "none", systems: int = 2) -> Report:
    listeners = sorted({answer.listener for answer in given})
    people = tuple(ListenerFacts(name, True, None) for name in listeners)
    named = tuple(SystemFacts(f"s{n}", name, Role.SYSTEM) for n, name in enumerate(NAMES[:systems]))
    return report(Material(kind, named, len(ITEMS), tie_rule, ScreeningRule(), 1, people, given))


def test_a_ranking_follows_the_rule_for_ties_and_says_so() -> None:
    given = votes(1, 1, 0.5, 0.5, 0, 1)
    rankings = {rule: found(Kind.AB, given, rule).everybody.ranking.value for rule in TIE_RULES}
    strengths = {rule: ranking.fit.strengths[0] for rule, ranking in rankings.items() if ranking}
    assert strengths["drop"] == pytest.approx(np.log(9 / 3))
    assert strengths["split"] == pytest.approx(np.log(12 / 6))
    davidson = rankings["trinomial"]
    assert davidson is not None and davidson.fit.tie_strength > 0 and "Davidson" in davidson.fit.method
    for rule, word in (("drop", "dropped"), ("split", "half a win"), ("trinomial", "Davidson")):
        told = ranking_view(Words("en"), found(Kind.AB, given, rule).everybody)
        assert word in told and rankings[rule]
    # Equal ratings are no pre-registered tie: half a win each.
    ranked = found(Kind.MOS, answers(Kind.MOS, 5, 2), "none", 3).everybody.ranking.value
    assert ranked is not None and ranked.ties == "split"


def test_agreement_is_computed_although_a_system_lacks_a_sentence() -> None:
    given = tuple(a for a in answers(Kind.MOS, 6, 3) if not (a.system == "s2" and a.item == 1))
    table = np.array([
        [next(a.score for a in given if (a.listener, a.system, a.item) == (f"L{n}", one, item))
         for one in ("s0", "s1", "s2") for item in range(3) if (one, item) != ("s2", 1)]
        for n in range(6)
    ])  # fmt: skip
    assert found(Kind.MOS, given, systems=3).everybody.icc.value == icc(table.T)


def test_listeners_who_agree_exactly_are_not_told_that_it_is_enough() -> None:
    given = tuple(
        replace(one, score=5.0 if one.system == "s0" else 4.0)
        for one in answers(Kind.MOS, 2, 1)
        if one.system != "s2"
    )
    section = found(Kind.MOS, given).everybody
    needed, headline = section.needed, section.systems[0].headline.value
    assert needed is not None and headline is not None
    assert needed.half_width_now is not None and needed.half_width_now >= (5 - headline.ci_low) / 2
    assert needed.more_ratings != 0
    told = differences_view(Words("en"), section)
    assert "0.5000" in told and "0.0001" not in told and "∞" not in told


def test_more_votes_are_asked_for_the_fewer_there_are() -> None:
    """With one vote nobody knows that the preference is overwhelming."""
    one, many = found(Kind.AB, votes(1, sentences=1)), found(Kind.AB, votes(*[1] * 30))
    assert one.everybody.needed and many.everybody.needed
    assert (one.everybody.needed.more_ratings or 0) > 150 and many.everybody.needed.more_ratings == 0
    even = found(Kind.AB, votes(*[0, 1] * 10)).everybody.needed
    assert even is not None and even.more_ratings is None  # no difference to be found


def test_listeners_who_always_say_the_same_count_for_fewer_votes() -> None:
    alike = votes(*[1, 1, 0] * 8)
    mixed = tuple(replace(a, score=float((n + a.item) % 3 > 0)) for n, a in enumerate(alike))
    need = [found(Kind.AB, given).everybody.needed for given in (alike, mixed)]
    assert need[0] and need[1] and need[0].more_ratings is not None and need[1].more_ratings is not None
    assert need[0].more_ratings > 1.5 * need[1].more_ratings


def card(**changes: object) -> tuple[Intent, str]:
    plan = Intent(**{"kind": Kind.AB, "listeners": 10, "items": (10, 10), **changes})  # type: ignore[arg-type]
    return plan, plan_card(Words("en"), plan)


def test_the_planner_counts_listeners_and_sentences_of_a_preference() -> None:
    """Simulated crossed votes at one half, 10 x 10, spread by 0.2 about their mean in 19 of 20 tests."""
    dice, means = np.random.default_rng(2), []
    for _ in range(2000):
        score = dice.normal(0, 0.30**0.5, (10, 1)) + dice.normal(0, 0.15**0.5, (1, 10))
        means.append((score + dice.normal(0, 0.55**0.5, (10, 10)) > 0).mean())
    told = float(re.findall(r"± ([\d.]+) %", card()[1])[0])
    assert 100 * 1.96 * np.std(means) < told < 125 * 1.96 * np.std(means)
    assert "577 votes (58 listeners)" in card()[1]  # 210 x (1 + 9 x 0.194)


def test_the_planner_heeds_clips_and_shortened_sessions() -> None:
    forms = [brought("One", 120, 4), brought("Two", 150, 3), spoken("Three")]
    assert (
        items_of(forms, 6) == (4, 3, 6) and items_of(forms[:2], 0) == (4, 3) and items_of([], 0) == (10, 10)
    )
    whole, short = Intent(Kind.MOS, 20, (4, 3, 6)), Intent(Kind.MOS, 20, (4, 3, 6), 5)
    assert (whole.pages, whole.asked, short.asked, whole.stimuli) == (13, 13, 5, 3)
    assert Intent(Kind.AB, 20, (4, 3, 6)).pages == 3 + 4 + 3 and Intent(Kind.MUSHRA, 20, (4, 3, 6)).pages == 6
    for kind in (Kind.MOS, Kind.AB):
        widths = [
            float(re.findall(r"± ([\d.]+)", card(kind=kind, **part)[1])[0])
            for part in ({}, {"per_listener": 3}, {"items": (3, 10)})
        ]
        assert widths[0] < widths[1] and widths[0] < widths[2]


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


def test_what_is_measured_later_appears_without_another_rating(studio: Studio, admin: Actor) -> None:
    view = opened(studio, admin, form(Kind.MOS))
    one = guest(studio, view, patient(studio))
    one.join()
    one.finish(lambda _: (4.0,))
    results = studio.listening.results
    before, known = results.of(admin, view.id), results.measured(admin, view.id)
    with studio.database.write() as session:
        for take in session.scalars(select(Synthesis)):
            take.wer = 0.25
    after = results.of(admin, view.id)
    assert after.report is before.report  # nothing was rated: not computed again
    assert {found.wer for found in after.measured.values()} == {0.25}
    assert {found.wer for found in before.measured.values()} != {0.25}
    assert results.measured(admin, view.id) == after.measured != known
    assert "0.25" in outcome_view(Words("en"), view, after)


def test_the_export_says_what_became_of_ties(studio: Studio, admin: Actor) -> None:
    view = opened(studio, admin, form(Kind.AB, tie_rule="trinomial"))
    one = guest(studio, view, patient(studio))
    one.join()
    one.finish(lambda _: (0.5,))
    rows = json.loads(studio.listening.results.export(admin, view.id, "json")[0])["ratings"]
    assert {row["ranking_ties"] for row in rows} == {"davidson"}
