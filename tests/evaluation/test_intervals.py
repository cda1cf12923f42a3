"""Intervals over sentences, paired differences, and correlation with its n."""

from collections.abc import Callable
from typing import Literal

import numpy as np
import pytest
from scipy.stats import pearsonr

from studio.errors import InputRefused
from studio.evaluation.correlation import Correlation, correlation
from studio.evaluation.intervals import difference, mean_interval, ratio_interval


def test_a_ratio_is_of_sums_and_its_interval_holds_it() -> None:
    found = ratio_interval([0, 1, 2, 0], [10, 5, 5, 4])
    assert found.value == pytest.approx(3 / 24) and found.n == 4
    assert found.low is not None and found.high is not None and found.low <= found.value <= found.high


def test_the_interval_covers_the_true_mean_about_as_often_as_it_says() -> None:
    draw = np.random.default_rng(1)
    hits = 0
    for seed in range(100):
        found = mean_interval(list(draw.normal(3.0, 1.0, 40)), seed)
        assert found.low is not None and found.high is not None
        hits += found.low <= 3.0 <= found.high
    assert 85 <= hits <= 100


def test_the_same_seed_gives_the_same_interval_and_one_sentence_gives_none() -> None:
    assert ratio_interval([1, 2, 3], [4, 4, 4], 5) == ratio_interval([1, 2, 3], [4, 4, 4], 5)
    alone = mean_interval([0.5])
    assert (alone.value, alone.low, alone.high, alone.n) == (0.5, None, None, 1)


def test_a_paired_difference_sees_what_two_intervals_hide() -> None:
    words = [10.0] * 30
    hard = [float(n % 10) for n in range(30)]  # the sentences differ far more than the systems
    easier = [max(0.0, errors - 1) for errors in hard]
    gap = difference((easier, words), (hard, words))
    assert gap.high is not None and gap.high < 0
    one, other = ratio_interval(easier, words), ratio_interval(hard, words)
    assert one.high is not None and other.low is not None and one.high > other.low


@pytest.mark.parametrize(("tops", "bottoms"), [([], []), ([1.0], [1.0, 2.0])])
def test_nothing_to_average_is_refused(tops: list[float], bottoms: list[float]) -> None:
    with pytest.raises(InputRefused):
        ratio_interval(tops, bottoms)


def test_correlation_agrees_with_scipy_and_carries_its_interval() -> None:
    draw = np.random.default_rng(3)
    one = draw.normal(size=25)
    other = one + draw.normal(size=25)
    found, reference = correlation(list(one), list(other)), pearsonr(one, other)
    interval = reference.confidence_interval(0.95)
    assert found.pearson == pytest.approx(reference.statistic)
    assert (found.low, found.high) == (pytest.approx(interval.low), pytest.approx(interval.high))
    assert found.n == 25 and found.spearman is not None


@pytest.mark.parametrize(
    ("call", "key"),
    [
        (lambda: ratio_interval([0, 0], [0, 0]), "evaluation.nothing_to_divide"),
        (lambda: mean_interval([1.0, float("nan")]), "evaluation.not_numbers"),
        (lambda: mean_interval([float("inf")]), "evaluation.not_numbers"),
        (lambda: difference(([1.0], [2.0]), ([1.0], [0.0])), "evaluation.nothing_to_divide"),
        (lambda: correlation([1, float("nan"), 3, 4], [1, 2, 3, 4]), "evaluation.not_numbers"),
        (lambda: correlation([1, 2, 3, 4], [1, 2, 3, float("inf")]), "evaluation.not_numbers"),
        (lambda: correlation([1, 2, 3, 4], [1, 2, 3]), "evaluation.two_lengths"),
    ],
)
def test_no_figure_is_made_of_what_is_no_number(call: Callable[[], object], key: str) -> None:
    with pytest.raises(InputRefused) as refused:
        call()
    assert refused.value.key == key and refused.value.text("it") != refused.value.text("en")


@pytest.mark.parametrize(
    ("pairs", "why"),
    [
        (([], []), "few"),
        (([1.0, 2.0, 3.0], [1.0, 2.0, 3.0]), "few"),
        (([2.0] * 6, [1.0, 2, 3, 4, 5, 6]), "constant"),
        (([1.0, 2, 3, 4, 5, 6], [2.0] * 6), "constant"),
    ],
)
def test_what_cannot_be_correlated_says_its_n_and_why(
    pairs: tuple[list[float], list[float]], why: Literal["few", "constant"]
) -> None:
    assert correlation(*pairs) == Correlation(len(pairs[0]), why_not=why)


def test_perfect_agreement_is_one() -> None:
    found = correlation([1, 2, 3, 4], [2, 4, 6, 8])
    assert found.pearson == pytest.approx(1.0) and found.low == pytest.approx(1.0)
