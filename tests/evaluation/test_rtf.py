"""Real-time factor: the first run does not count, totals weigh by length."""

import pytest

from studio.errors import InputRefused
from studio.evaluation.rtf import Machine, Run, real_time_factor, rtf

MACHINE = Machine("cpu", "float32", threads=2)


def test_factor_is_work_over_sound_without_the_first_run():
    runs = [Run(60.0, 1.0, 50.0), Run(1.0, 2.0, 0.3), Run(9.0, 10.0, 0.5)]
    found = real_time_factor(runs, MACHINE)
    assert found.value == pytest.approx(10 / 12) and found.worst == pytest.approx(0.9)
    assert found.median == pytest.approx(0.7) and found.first_chunk_s == pytest.approx(0.4)
    assert found.runs == 2 and found.machine == MACHINE


@pytest.mark.parametrize(
    ("wall_s", "audio_s"), [(1.0, 0.0), (0.0, 1.0), (float("nan"), 1.0), (1.0, float("inf"))]
)
def test_no_sound_or_no_time_has_no_factor(wall_s, audio_s):
    with pytest.raises(InputRefused, match="real-time factor"):
        rtf(wall_s, audio_s)


def test_one_run_is_only_the_warm_up():
    with pytest.raises(InputRefused, match="two runs"):
        real_time_factor([Run(1.0, 1.0)], MACHINE)
