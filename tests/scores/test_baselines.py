"""What likeness is read against: each baseline by itself, wherever there are recordings for it."""

import numpy as np
import pytest

from studio.scores.baselines import DIFFERENT, SAME, baseline_scores


def unit(*values: float) -> np.ndarray:
    vector = np.array(values, dtype=np.float32)
    return vector / np.linalg.norm(vector)


def test_a_speaker_without_clips_takes_nothing_from_the_others() -> None:
    same, different = baseline_scores({"a": [], "b": [unit(1, 0), unit(1, 1)]})
    assert same.metric == SAME and same.value == pytest.approx(2**-0.5) and same.n == 2
    assert same.parameters["speakers"] == 1
    assert different.metric == DIFFERENT and different.value is None and "second voice" in different.why("en")


def test_single_clips_of_two_speakers_have_the_one_baseline_there_can_be() -> None:
    same, different = baseline_scores({"a": [unit(1, 0)], "b": [unit(0, 1)]})
    assert same.value is None and "second recording" in same.why("en")
    assert different.value == pytest.approx(0.0) and different.n == 2


def test_nobody_has_none() -> None:
    assert [score.value for score in baseline_scores({})] == [None, None]
