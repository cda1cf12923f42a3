"""Figures beside the people who heard the same sound: ratings of listening tests in the comparison."""

from collections.abc import Callable

import pytest

from studio.bootstrap import Studio
from studio.listening.forms import ListeningForm, SpokenBy, SystemForm
from studio.listening.kinds import Kind
from studio.listening.screening import ScreeningRule
from studio.privacy.access import Actor
from studio.scores.requests import EvaluationRequest, System
from studio.scores.sentences import own_list
from studio.synthesis.requests import VoiceChoice
from tests.listening.taking_part import SENTENCES, Clock, Guest, guest, opened, patient
from tests.scores.conftest import ScriptedEars

PRESET = "preset:fake:tone"


def rated_test(studio: Studio, admin: Actor, kind: Kind = Kind.MOS, speed: float = 1.0) -> tuple[Clock, str]:
    """An open test of the scripted engine's preset; a clock, and how its guests find it."""
    form = ListeningForm(
        name="contest", kind=kind, sentences=SENTENCES, training=0, seed=3,
        systems=(
            SystemForm("one", SpokenBy(PRESET, "fake", {"speed": speed})),
            SystemForm("other", SpokenBy(PRESET, "fake", {"speed": 1.7})),
        ),
    )  # fmt: skip
    clock = patient(studio)
    return clock, opened(studio, admin, form).id


def listener(studio: Studio, admin: Actor, clock: Clock, test_id: str, *scores: float) -> Guest:
    """Somebody who gives these scores over and over until the end."""
    one = guest(studio, studio.listening.view(admin, test_id), clock)
    one.join()
    given = iter(scores * 8)
    one.finish(lambda _: (next(given),))
    return one


def measured(studio: Studio, admin: Actor, *sentences: str, seed: int = 0) -> list[str]:
    """Take ids of an evaluation of the preset over these sentences."""
    system = System("fake", VoiceChoice.parse(PRESET))
    live = studio.evaluations.evaluate(
        admin, EvaluationRequest(system, own_list("\n".join(sentences), "it"), seed)
    )
    live.wait()
    assert live.latest is not None
    lines = studio.evaluations.results.find(admin, live.latest.run_id).lines
    return [line.take_id or "" for line in lines]


def test_ratings_count_for_the_take_of_the_same_recipe_and_for_no_other(
    studio: Studio, admin: Actor, ears: ScriptedEars
) -> None:
    clock, test_id = rated_test(studio, admin)
    for scores in ((5.0, 4.0), (3.0, 4.0), (2.0, 4.0)):
        listener(studio, admin, clock, test_id, *scores)
    takes = measured(studio, admin, *SENTENCES, "Nessuno ha sentito questa frase.")
    found = studio.evaluations.listeners.by_take(takes)
    assert set(found) == set(takes[:4]) and {one.n for one in found.values()} == {3}
    with_other = studio.listening.results.of(admin, test_id).report
    means = {row.item: row.mean for row in with_other.stimuli if row.system.name == "one"}
    assert [found[take].mean for take in takes[:4]] == pytest.approx([means[item] for item in range(4)])
    overall = studio.evaluations.listeners.over_takes(takes)
    headline = next(s for s in with_other.everybody.systems if s.system.name == "one").headline.value
    assert overall is not None and headline is not None and overall.n == 12
    assert (overall.mean, overall.ci_low, overall.ci_high) == pytest.approx(
        (headline.mean, headline.ci_low, headline.ci_high)
    )


def test_another_speed_a_preview_and_a_choice_between_two_give_no_mos(
    studio: Studio, admin: Actor, ears: ScriptedEars
) -> None:
    clock, test_id = rated_test(studio, admin, speed=1.4)
    listener(studio, admin, clock, test_id, 4.0, 5.0)
    clock, choice = rated_test(studio, admin, Kind.AB)
    listener(studio, admin, clock, choice, 1.0, 0.0)
    takes = measured(studio, admin, *SENTENCES)
    assert not studio.evaluations.listeners.by_take(takes)
    assert studio.evaluations.listeners.over_takes(takes) is None


def test_flagged_listeners_do_not_count(studio: Studio, admin: Actor, ears: ScriptedEars) -> None:
    clock, test_id = rated_test(studio, admin)
    assert ScreeningRule().least_variance > 0
    listener(studio, admin, clock, test_id, 3.0)  # the same answer to everything
    listener(studio, admin, clock, test_id, 5.0, 2.0)
    takes = measured(studio, admin, *SENTENCES)
    assert {one.n for one in studio.evaluations.listeners.by_take(takes).values()} == {1}


def test_somebody_elses_test_stays_theirs(
    studio: Studio, admin: Actor, account: Callable[..., Actor], ears: ScriptedEars
) -> None:
    clock, test_id = rated_test(studio, admin)
    listener(studio, admin, clock, test_id, 5.0, 2.0)
    takes = measured(studio, account("ugo"), *SENTENCES)
    assert not studio.evaluations.listeners.by_take(takes)


def test_the_comparison_shows_their_mean_and_correlates_it(
    studio: Studio, admin: Actor, ears: ScriptedEars
) -> None:
    clock, test_id = rated_test(studio, admin)
    for scores in ((5.0, 4.0, 3.0), (3.0, 4.0, 2.0)):
        listener(studio, admin, clock, test_id, *scores)
    measured(studio, admin, *SENTENCES)
    run = studio.evaluations.results.runs(admin)[0]
    comparison = studio.evaluations.compare(admin, run.id)
    row = comparison.rows[0]
    assert row.listeners is not None and row.listeners.n == 8 and row.listeners.low < row.listeners.value
    assert comparison.correlation.n == 4 and comparison.ratings == 8
    assert comparison.correlation.pearson is not None
    studio_wide = comparison.studio
    # The other system's four sounds were never measured: the model heard them at the end of the run.
    assert (studio_wide.correlation.n, studio_wide.ratings, studio_wide.unpredicted) == (8, 16, 0)
