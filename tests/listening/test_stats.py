"""Worked numbers of the sources, definitions computed another way, and refusals."""

import dataclasses
import inspect
import math

import numpy as np
import pytest
from scipy import stats as scipy_stats

from studio.errors import InputRefused
from studio.listening import pairwise, stats
from studio.listening.matrices import two_way_squares

NAN = math.nan


def near(*expected: float) -> object:
    return pytest.approx(expected, abs=5e-5)


def test_mos_has_the_worked_mean_and_half_width() -> None:
    found = stats.mos([5, 4, 4, 3, 5, 4, 2, 4])
    half = (found.ci_high - found.ci_low) / 2
    assert (found.mean, half) == near(3.8750, 0.8285)
    assert half * math.sqrt(8) / scipy_stats.t.ppf(0.975, 7) == pytest.approx(0.9910, abs=5e-5)  # s
    assert found.n == 8 and found.method == "t"


def test_the_bounded_interval_stays_on_the_scale_where_t_leaves_it() -> None:
    bounded, free = stats.bounded_mos([5, 5, 5, 5, 4]), stats.mos([5, 5, 5, 5, 4])
    assert (bounded.ci_low, bounded.ci_high) == near(4.0051, 4.9949)
    assert (free.ci_low, free.ci_high) == near(4.2447, 5.3553)
    assert stats.bounded_mos([5, 5]).ci_high == 5 and stats.bounded_mos([1]).ci_low == 1


def test_one_rating_says_nothing_of_the_spread() -> None:
    found = stats.mos([4])
    assert (found.ci_low, found.ci_high) == (1, 5) and "one rating" in found.method


def test_the_crossed_interval_is_the_anova_formula() -> None:
    table = np.array([[4, 3, 5, 4], [2, 2, 4, 3], [5, 3, 5, 5]], dtype=float)
    a, b = table.shape
    rows, columns, grand = table.mean(1), table.mean(0), table.mean()
    ms_l = b * ((rows - grand) ** 2).sum() / (a - 1)
    ms_s = a * ((columns - grand) ** 2).sum() / (b - 1)
    ms_e = sum((table[i, j] - rows[i] - columns[j] + grand) ** 2 for i in range(a) for j in range(b)) / (
        (a - 1) * (b - 1)
    )
    variance = ms_l + ms_s - ms_e
    df = variance**2 / (ms_l**2 / (a - 1) + ms_s**2 / (b - 1) + ms_e**2 / ((a - 1) * (b - 1)))
    half = scipy_stats.t.ppf(0.975, df) * math.sqrt(variance / (a * b))
    found = stats.crossed_mos(table)
    assert (found.mean, found.ci_low, found.ci_high) == near(grand, grand - half, grand + half)


def test_the_crossed_interval_is_floored_at_the_residual() -> None:
    table = np.array([[4, 2], [2, 4]], dtype=float)  # no main effects at all
    found = stats.crossed_mos(table)
    assert (found.ci_high - found.ci_low) / 2 == pytest.approx(scipy_stats.t.ppf(0.975, 1) * math.sqrt(4 / 4))


def test_a_panel_of_one_mind_gets_an_explicit_wide_interval() -> None:
    for table in ([[5, 5, 5]] * 4, [[5, 5, NAN], [5, 5, 5], [5, 5, 5], [5, 5, 5]]):
        found = stats.crossed_mos(table)
        bounded = stats.bounded_mos([5, 5, 5])  # as many as the fewer of listeners and stimuli
        assert (found.ci_low, found.ci_high) == (bounded.ci_low, 5) and found.ci_low < 4.1
        assert "all ratings equal" in found.method
        assert found.n == np.isfinite(table).sum()


def test_gaps_lead_to_a_seeded_bootstrap_close_to_the_formula() -> None:
    generator = np.random.default_rng(1)
    table = np.clip(np.round(generator.normal(3.4, 0.8, (12, 8)) + generator.normal(0, 0.5, (12, 1))), 1, 5)
    complete = stats.crossed_mos(table)
    table[0, 0] = np.nan
    gapped = stats.crossed_mos(table)
    assert gapped.method == "bootstrap" and gapped == stats.crossed_mos(table)
    assert gapped.ci_low == pytest.approx(complete.ci_low, abs=0.1)
    assert gapped.ci_high == pytest.approx(complete.ci_high, abs=0.1)


def test_two_ratings_on_a_diagonal_are_no_certainty() -> None:
    found = stats.crossed_mos([[5, NAN], [NAN, 4]])
    assert found.ci_low < 3 and found.ci_high == 5


@pytest.mark.parametrize(("shape", "least"), [((3, 10), 0.93), ((5, 10), 0.93)])
def test_the_headline_interval_covers_the_truth_with_gaps_and_few_listeners(
    shape: tuple[int, int], least: float
) -> None:
    generator, held, rounds = np.random.default_rng(11), 0, 150
    for _ in range(rounds):
        table = (
            3.2
            + generator.normal(0, 0.30**0.5, (shape[0], 1))
            + generator.normal(0, 0.15**0.5, (1, shape[1]))
        )
        table = np.clip(np.round(table + generator.normal(0, 0.55**0.5, shape)), 1, 5)
        table[-1, shape[1] // 2 :] = NAN
        found = stats.crossed_mos(table)
        held += found.ci_low <= 3.2 <= found.ci_high
    assert held / rounds >= least


def test_the_headline_interval_covers_the_truth_where_t_does_not() -> None:
    generator, truth, crossed, naive = np.random.default_rng(7), 3.2, 0, 0
    for _ in range(400):
        table = truth + generator.normal(0, 0.30**0.5, (20, 1)) + generator.normal(0, 0.15**0.5, (1, 10))
        table = np.clip(np.round(table + generator.normal(0, 0.55**0.5, (20, 10))), 1, 5)
        headline, plain = stats.crossed_mos(table), stats.mos(table.ravel())
        crossed += headline.ci_low <= truth <= headline.ci_high
        naive += plain.ci_low <= truth <= plain.ci_high
    assert 0.92 <= crossed / 400 <= 0.985 and naive / 400 < 0.8


def test_paired_difference_is_a_t_test_over_listeners() -> None:
    generator = np.random.default_rng(3)
    a, b = generator.integers(1, 6, (8, 5)).astype(float), generator.integers(1, 6, (8, 5)).astype(float)
    found = stats.paired_difference(a, b)
    known = scipy_stats.ttest_rel(a.mean(1), b.mean(1))
    wilcoxon = scipy_stats.wilcoxon(np.round(a.mean(1) - b.mean(1), 9), zero_method="pratt")
    assert (found.t, found.p_value, found.wilcoxon_p) == pytest.approx(
        (known.statistic, known.pvalue, wilcoxon.pvalue)
    )
    assert found.df == 7 and found.ci_low < found.mean < found.ci_high


def test_identical_systems_do_not_differ_and_nothing_is_nan() -> None:
    same = stats.paired_difference([[3, 4], [2, 2]], [[3, 4], [2, 2]])
    assert (same.mean, same.t, same.p_value, same.wilcoxon_p) == (0, 0, 1, 1)
    steady = stats.paired_difference([[4, 5], [3, 3]], [[3, 4], [2, 2]])
    assert steady.p_value == steady.wilcoxon_p == 0.5 and "no spread" in steady.method  # two signs, both plus
    assert same.ci_low < -1 and same.ci_high > 1 and steady.ci_low < 0 < steady.ci_high


@pytest.mark.parametrize("n", [2, 5, 6, 12])
@pytest.mark.parametrize("size", [1, 2, 4])
def test_listeners_of_one_mind_have_the_exact_sign_flip_p_and_a_wide_interval(n: int, size: int) -> None:
    found = stats.paired_difference([[1 + size]] * n, [[1]] * n)
    flips = np.array(np.meshgrid(*[[-size, size]] * n)).reshape(n, -1).mean(axis=0)  # all there are
    assert found.p_value == pytest.approx(np.mean(np.abs(flips) >= size - 1e-9))
    assert found.ci_low < size <= found.ci_high <= 4
    assert found.ci_low < 0 or found.p_value < 0.05  # the interval never finds more than the test
    assert stats.paired_difference([[1]] * n, [[1 + size]] * n).ci_high == pytest.approx(-found.ci_low)


def test_equal_ratings_are_no_certainty_on_any_scale() -> None:
    few, many, long = stats.mos([4] * 3), stats.mos([4] * 100), stats.mos([75] * 3, 0, 100)
    assert "all ratings equal" in few.method and few.ci_low < 3 and few.ci_high > 4.5
    assert 3.7 < many.ci_low < 4 < many.ci_high < 4.3
    assert (long.ci_low / 25, long.ci_high / 25) == pytest.approx((few.ci_low - 1, few.ci_high - 1))


@pytest.mark.parametrize(
    ("wins", "p", "low", "high"), [((17, 8), 0.1078, 0.4841, 0.8279), ((18, 7), 0.0433, 0.5242, 0.8572)]
)
def test_preference_has_the_worked_numbers(wins: tuple[int, int], p: float, low: float, high: float) -> None:
    found = stats.preference(*wins)
    assert (found.p_value, found.ci_low, found.ci_high) == near(p, low, high)


def test_ties_are_dropped_split_or_kept_by_the_rule() -> None:
    assert stats.preference(17, 8, 5).share == 17 / 25
    split = stats.preference(17, 8, 4, "split")
    assert split.share == 19 / 29 and split.p_value == pytest.approx(scipy_stats.binomtest(19, 29).pvalue)
    assert stats.preference(17, 8, 5, "split").p_value == pytest.approx(scipy_stats.binomtest(19, 30).pvalue)


def test_the_trinomial_p_value_is_the_sum_over_the_multinomial() -> None:
    wins_a, wins_b, ties = 9, 3, 4
    n, tie = 16, 4 / 16
    side = (1 - tie) / 2
    tail = 0.0
    for a in range(n + 1):
        for b in range(n + 1 - a):
            if abs(a - b) >= wins_a - wins_b:
                tail += scipy_stats.multinomial.pmf([a, b, n - a - b], n, [side, side, tie])
    found = stats.preference(wins_a, wins_b, ties, "trinomial")
    assert found.p_value == pytest.approx(tail)
    assert stats.preference(6, 6, 3, "trinomial").p_value == 1
    assert stats.preference(5, 0, 0, "trinomial").p_value == pytest.approx(2 / 32)


def test_holm_steps_down_and_never_falls() -> None:
    assert stats.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])  # R: p.adjust
    assert stats.holm([0.8, 0.9]) == (1, 1) and stats.holm([0.04]) == (0.04,) and stats.holm([]) == ()


def test_bradley_terry_on_two_systems_is_the_log_odds() -> None:
    found = stats.bradley_terry([[0, 30], [10, 0]])
    assert (found.strengths[0], found.standard_errors[0]) == near(math.log(3), math.sqrt(1 / 30 + 1 / 10))
    assert found.strengths[1] == 0 and found.deviance == pytest.approx(0, abs=1e-9)


def test_bradley_terry_solves_the_score_equations() -> None:
    wins = np.array([[0, 7, 8, 5], [3, 0, 6, 9], [2, 4, 0, 6], [5, 1, 4, 0]], dtype=float)
    found = stats.bradley_terry(wins)
    s = np.array(found.strengths)
    p = 1 / (1 + np.exp(s[None, :] - s[:, None]))
    np.fill_diagonal(p, 0)
    met = wins + wins.T
    assert np.allclose(wins.sum(1), (met * p).sum(1), atol=1e-8)
    information = np.diag((met * p * (1 - p)).sum(1)) - met * p * (1 - p)
    errors = np.sqrt(np.diag(np.linalg.inv(information[:3, :3])))
    assert np.allclose(found.standard_errors[:3], errors)
    seen = wins > 0
    assert found.deviance == pytest.approx(2 * (wins[seen] * np.log(wins[seen] / (met * p)[seen])).sum())


def test_davidson_ties_maximise_the_likelihood() -> None:
    wins = np.array([[0, 7, 8], [3, 0, 6], [2, 4, 0]], dtype=float)
    ties = np.array([[0, 2, 1], [2, 0, 3], [1, 3, 0]], dtype=float)
    found = stats.bradley_terry(wins, ties)

    def likelihood(a: float, b: float, nu: float) -> float:
        p, total = np.exp([a, b, 0.0]), 0.0
        for i in range(3):
            for j in range(i + 1, 3):
                share = p[i] + p[j] + nu * math.sqrt(p[i] * p[j])
                total += wins[i, j] * math.log(p[i] / share) + wins[j, i] * math.log(p[j] / share)
                total += ties[i, j] * math.log(nu * math.sqrt(p[i] * p[j]) / share)
        return total

    best = (*found.strengths[:2], found.tie_strength)
    for axis in range(3):
        for step in (-1e-3, 1e-3):
            moved = [v + step * (k == axis) for k, v in enumerate(best)]
            assert likelihood(*moved) < likelihood(*best)


def test_a_side_that_never_loses_gets_the_stated_prior() -> None:
    found = stats.bradley_terry([[0, 10], [0, 0]])
    assert found.strengths[0] == pytest.approx(math.log(10.5 / 0.5)) and "0.5 votes" in found.method


def test_intervals_draw_whole_listeners() -> None:
    agreed = [[[0, 40], [0, 0]], [[0, 0], [40, 0]]] * 5  # each listener is of one mind
    mixed = [[[0, 20], [20, 0]]] * 10
    wide, narrow = stats.clustered_intervals(agreed)[0], stats.clustered_intervals(mixed)[0]
    assert wide.high - wide.low > 5 * (narrow.high - narrow.low)


def test_listeners_who_all_split_alike_still_leave_the_votes_uncertainty() -> None:
    found = stats.clustered_intervals([[[0, 2], [2, 0]]] * 10)[0]
    error = stats.bradley_terry([[0, 20], [20, 0]]).standard_errors[0]
    assert (found.low, found.high) == pytest.approx((-1.96 * error, 1.96 * error), rel=1e-3)


@pytest.mark.parametrize("listeners", [2, 5, 10])
def test_a_system_that_never_loses_lies_in_its_wide_interval(listeners: int) -> None:
    found = stats.clustered_intervals([[[0, 10 // listeners], [0, 0]]] * listeners)[0]
    fit = stats.bradley_terry([[0, 10], [0, 0]]).strengths[0]
    assert found.low < fit < found.high and found.high - found.low > 4
    assert (found.low < 0) == (listeners < 6)  # as few votes, one a listener, could be chance


@pytest.mark.parametrize("seed", range(12))
def test_every_ranked_strength_lies_in_its_interval(seed: int) -> None:
    dice = np.random.default_rng(seed)
    listeners, systems = int(dice.integers(2, 7)), int(dice.integers(2, 5))
    wins = dice.integers(0, 3, (listeners, systems, systems)) + np.eye(systems, k=1, dtype=int)
    wins[:, :, 0] = 0  # the first never loses
    ties = dice.integers(0, 2, wins.shape)
    ties = ties + ties.transpose(0, 2, 1)
    for given in (None, ties):
        fit = stats.bradley_terry(wins.sum(axis=0), None if given is None else given.sum(axis=0))
        spans = stats.clustered_intervals([*wins], None if given is None else [*given], rounds=100)
        for strength, span in zip(fit.strengths, spans, strict=True):
            assert span.low <= strength <= span.high and math.isfinite(span.high - span.low)
        assert all(span.high - span.low > 0.5 for span in spans[:-1]) and spans[-1] == stats.Interval(0, 0)


SHAPES = {
    "mos": ("ratings", "mean ci_low ci_high n method"),
    "bounded_mos": ("ratings low high", "mean ci_low ci_high n method"),
    "crossed_mos": ("matrix", "mean ci_low ci_high n method"),
    "paired_difference": ("a b", "mean ci_low ci_high n method t df p_value wilcoxon_p"),
    "preference": ("wins_a wins_b ties tie_rule", "share ci_low ci_high p_value"),
    "bradley_terry": ("wins", "strengths standard_errors deviance"),
    "krippendorff_alpha": ("matrix level", "alpha"),
    "icc": ("matrix", "icc1 icca1 iccc1 icc1k iccak iccck"),
}


@pytest.mark.parametrize("name", SHAPES)
def test_the_agreed_names_stand(name: str) -> None:
    asked, given = (words.split() for words in SHAPES[name])
    call = getattr(stats, name)
    assert [*inspect.signature(call).parameters][: len(asked)] == asked
    answer = inspect.get_annotations(call, eval_str=True)["return"]
    assert answer.__dataclass_params__.frozen
    assert set(given) <= {field.name for field in dataclasses.fields(answer)}
    assert call.__doc__ and len(call.__doc__) > 80


def test_drawn_strengths_are_those_of_each_draw_fitted_alone() -> None:
    dice = np.random.default_rng(4)
    tables = dice.integers(0, 5, (6, 4, 4)).astype(float)
    for table in tables:
        np.fill_diagonal(table, 0)
    tables += 1e-3 * ~np.eye(4, dtype=bool)
    ties = dice.integers(1, 4, (6, 1, 1)) * (~np.eye(4, dtype=bool)).astype(float)
    for tied, with_ties in ((np.zeros_like(tables), False), (ties, True)):
        together = pairwise.climbed(tables, tied, with_ties)
        for table, tie, best in zip(tables, tied, together, strict=True):
            alone = stats.bradley_terry(table, tie)
            assert best[:3] == pytest.approx(alone.strengths[:3], abs=1e-6)


def test_a_side_that_ties_but_never_loses_gets_the_prior_too() -> None:
    found = stats.bradley_terry([[0, 4], [0, 0]], [[0, 3], [3, 0]])  # nu would grow with the strength
    assert "votes added" in found.method and math.isfinite(found.strengths[0])


def test_nothing_but_ties_has_equal_strengths_and_says_what_it_assumed() -> None:
    found = stats.bradley_terry([[0, 0], [0, 0]], [[0, 7], [7, 0]])
    assert found.strengths == pytest.approx((0, 0), abs=1e-9) and "votes added" in found.method


REPUTED = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]])


def test_icc_reproduces_shrout_and_fleiss() -> None:
    found = stats.icc(REPUTED)
    assert (found.icc1, found.icca1, found.iccc1) == near(0.16574, 0.28976, 0.71484)
    assert (found.icc1k, found.iccak, found.iccck) == near(0.44280, 0.62005, 0.90932)


KRIPPENDORFF = [
    [NAN] * 5 + [3, 4, 1, 2, 1, 1, 3, 3, NAN, 3],
    [1, NAN, 2, 1, 3, 3, 4, 3] + [NAN] * 7,
    [NAN, NAN, 2, 1, 3, 4, 4, NAN, 2, 1, 1, 3, 3, NAN, 4],
]


@pytest.mark.parametrize(("level", "alpha"), [("nominal", 0.6914), ("ordinal", 0.8067), ("interval", 0.8108)])
def test_alpha_reproduces_the_published_example(level: str, alpha: float) -> None:
    found = stats.krippendorff_alpha(KRIPPENDORFF, level)  # type: ignore[arg-type]
    assert found.alpha == pytest.approx(alpha, abs=5e-5) and found.pairable == 26


def test_alpha_of_perfect_agreement_is_one_and_of_systematic_disagreement_negative() -> None:
    assert stats.krippendorff_alpha([[1, 2, 3], [1, 2, 3]], "interval").alpha == 1
    assert stats.krippendorff_alpha([[1, 2], [2, 1]], "nominal").alpha < 0


def test_the_planner_has_the_worked_numbers() -> None:
    assert stats.ratings_needed(difference=0.2, sd=0.8, power=0.8) == 128
    assert stats.pairs_needed(share=0.6) == 210
    assert stats.design_effect(20, 0.3) == pytest.approx(6.7)


@pytest.mark.parametrize("gaps", [False, True])
def test_variance_components_are_found_again(gaps: bool) -> None:
    generator, found = np.random.default_rng(9), []
    for _ in range(150):
        table = generator.normal(0, 0.30**0.5, (15, 1)) + generator.normal(0, 0.15**0.5, (1, 10))
        table = table + generator.normal(0, 0.55**0.5, (15, 10))
        if gaps:
            table[generator.random(table.shape) < 0.4] = NAN
        found.append(dataclasses.astuple(stats.variance_components(table)))
    assert np.mean(found, axis=0) == pytest.approx((0.30, 0.15, 0.55), abs=0.03)


def test_variance_components_of_a_complete_table_are_those_of_the_anova() -> None:
    table = np.array([[4, 3, 5, 4], [2, 2, 4, 3], [5, 3, 5, 5.0]])
    rows, columns, error = two_way_squares(table)
    expected = ((rows - error) / 4, (columns - error) / 3, error)
    assert dataclasses.astuple(stats.variance_components(table)) == pytest.approx(expected)


def test_a_vote_varies_as_a_cut_normal_score_does() -> None:
    generator, found = np.random.default_rng(6), []
    for _ in range(300):
        score = generator.normal(0, 0.30**0.5, (20, 1)) + generator.normal(0, 0.15**0.5, (1, 20))
        votes = (score + generator.normal(0, 0.55**0.5, (20, 20)) > 0).astype(float)
        found.append(dataclasses.astuple(stats.variance_components(votes)))
    assert np.mean(found, axis=0) == pytest.approx(dataclasses.astuple(stats.choice_variances()), abs=0.01)


@pytest.mark.parametrize("each", [3.0, 0.5])
def test_the_planned_half_width_knows_who_hears_a_part(each: float) -> None:
    """Each listener rates `each` of ten stimuli; half of one means that every other listener rates one."""
    generator, means = np.random.default_rng(8), []
    for _ in range(600):
        score = generator.normal(0, 0.30**0.5, (40, 1)) + generator.normal(0, 0.15**0.5, (1, 10))
        score = score + generator.normal(0, 0.55**0.5, (40, 10))
        place = (np.arange(10)[None, :] - np.arange(40)[:, None]) % 10
        heard = place < each if each >= 1 else (place == 0) & (np.arange(40)[:, None] % 20 < 10)
        means.append(score[heard].mean())
    half = stats.expected_half_width(40, 10, each=each)
    assert 1.96 * np.std(means) < half < 1.35 * 1.96 * np.std(means)
    assert half > stats.expected_half_width(40, 10)


def test_the_planned_half_width_is_what_simulation_gives() -> None:
    generator, widths = np.random.default_rng(5), []
    for _ in range(200):
        table = generator.normal(0, 0.30**0.5, (20, 1)) + generator.normal(0, 0.15**0.5, (1, 10))
        found = stats.crossed_mos(table + generator.normal(0, 0.55**0.5, (20, 10)), low=-9, high=9)
        widths.append((found.ci_high - found.ci_low) / 2)
    assert stats.expected_half_width(20, 10) == pytest.approx(np.mean(widths), rel=0.06)


def test_listeners_needed_is_the_fewest_that_reach_the_width() -> None:
    needed = stats.listeners_needed(0.3, 20)
    assert needed is not None
    assert stats.expected_half_width(needed, 20) <= 0.3 < stats.expected_half_width(needed - 1, 20)
    assert stats.listeners_needed(0.1, 5) is None  # five stimuli alone spread more


@pytest.mark.parametrize(
    "call",
    [
        lambda: stats.mos([]),
        lambda: stats.mos([6]),
        lambda: stats.mos([3, math.nan]),
        lambda: stats.bounded_mos([0]),
        lambda: stats.crossed_mos([[3, 4, 5]]),
        lambda: stats.crossed_mos([[NAN, NAN], [NAN, NAN]]),
        lambda: stats.crossed_mos([[3, 7], [3, 4]]),
        lambda: stats.paired_difference([[1, 2]], [[2, 3]]),
        lambda: stats.paired_difference([[1, 2], [3, 4]], [[1, 2]]),
        lambda: stats.preference(0, 0),
        lambda: stats.preference(-1, 3),
        lambda: stats.preference(1, 3, 0, "guess"),  # type: ignore[arg-type]
        lambda: stats.bradley_terry([[0, 1, 0], [1, 0, 0], [0, 0, 0]]),
        lambda: stats.bradley_terry([[0, -1], [1, 0]]),
        lambda: stats.bradley_terry([[0, 1], [1, 0]], [[0, 1], [0, 0]]),
        lambda: stats.krippendorff_alpha([[1, NAN], [NAN, 2]], "nominal"),
        lambda: stats.krippendorff_alpha([[1, 2], [1, 2]], "ratio"),  # type: ignore[arg-type]
        lambda: stats.icc([[1, 2, 3]]),
        lambda: stats.icc([[1, NAN], [2, 3]]),
        lambda: stats.icc([[3, 3], [3, 3]]),
        lambda: stats.ratings_needed(difference=0),
        lambda: stats.pairs_needed(share=0.5),
        lambda: stats.expected_half_width(1, 10),
        lambda: stats.mos(["good"]),
        lambda: stats.crossed_mos([[3], [4]]),
        lambda: stats.crossed_mos([[3, 4], [5]]),
        lambda: stats.paired_difference([[math.inf, 1], [1, 2]], [[math.inf, 1], [1, 2]]),
        lambda: stats.preference(math.nan, 1),  # type: ignore[arg-type]
        lambda: stats.preference(math.inf, 1),  # type: ignore[arg-type]
        lambda: stats.preference(2.5, 1),  # type: ignore[arg-type]
        lambda: stats.preference(0, 0, 3),  # nothing is left once ties are dropped
        lambda: stats.krippendorff_alpha([], "interval"),
        lambda: stats.icc([["a", "b"], ["c", "d"]]),
        lambda: stats.bradley_terry("wins"),
        lambda: stats.holm([0.2, math.nan]),
        lambda: stats.holm(["0.2"]),  # type: ignore[list-item]
        lambda: stats.ratings_needed(math.nan),
        lambda: stats.ratings_needed(sd=math.inf),
        lambda: stats.ratings_needed("0.2"),  # type: ignore[arg-type]
        lambda: stats.listeners_needed(math.nan, 10),
        lambda: stats.listeners_needed(0.2, math.nan),  # type: ignore[arg-type]
        lambda: stats.expected_half_width(math.nan, 10),  # type: ignore[arg-type]
        lambda: stats.design_effect(math.nan, 0.3),
        lambda: stats.pairs_needed("0.6"),  # type: ignore[arg-type]
        lambda: stats.variance_components([[1, NAN], [NAN, 2]]),
        lambda: stats.mos(["5", "4"]),
        lambda: stats.mos([True, True]),
        lambda: stats.mos([4, True]),
        lambda: stats.mos([4, 10**400]),
        lambda: stats.mos(np.array([True, False])),
        lambda: stats.mos([4, 4], low=5, high=1),
        lambda: stats.mos([4, 4], low=math.nan),
        lambda: stats.crossed_mos([["4", "5"], ["3", "4"]]),
        lambda: stats.bradley_terry([["0", "1"], ["1", "0"]]),
        lambda: stats.paired_difference([[9, 1], [2, 3]], [[1, 2], [2, 3]]),
        lambda: stats.paired_difference([[-3, 1], [2, 3]], [[1, 2], [2, 3]]),
        lambda: stats.paired_difference([["4", "4"], [2, 3]], [[1, 2], [2, 3]]),
        lambda: stats.preference(3, 2, 0, ["x"]),  # type: ignore[arg-type]
        lambda: stats.preference(np.array([3]), 2),  # type: ignore[arg-type]
        lambda: stats.preference("3", 2),  # type: ignore[arg-type]
        lambda: stats.preference(True, 2),
        lambda: stats.krippendorff_alpha([[1, 2], [1, 2]], ["nominal"]),  # type: ignore[arg-type]
        lambda: stats.clustered_intervals([[[0, 1], [1, 0]], [[0, 1, 1], [1, 0, 1], [1, 1, 0]]]),
    ],
)
def test_impossible_input_is_refused_with_a_message(call) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputRefused) as refusal:
        call()
    assert refusal.value.text("it") and refusal.value.text("en")


def test_numbers_of_every_common_kind_are_taken() -> None:
    given = (
        [4, 3.0],
        (np.int64(4), np.float32(3)),
        np.array([4, 3], dtype=np.uint8),
        [np.array([4]), np.array([3])],
    )
    assert {stats.mos(ratings).mean for ratings in given} == {3.5}
    assert stats.preference(np.int64(3), 2.0).n == 5  # type: ignore[arg-type]
    assert stats.paired_difference([[3, -3], [2, 0]], [[1, -3], [3, 0]], -3, 3).n == 2
