"""MCD of many pairs: the values of one pair alone, on every core, each sound once; no process left behind."""

import multiprocessing
import os
import signal
from collections.abc import Iterator

import numpy as np
import pytest

from studio.audio.clip import AudioClip
from studio.errors import AudioRefused
from studio.evaluation import analysts
from studio.evaluation.analysts import Analyst
from studio.evaluation.mcd import MelCepstralDistortion, mcd_of_clips
from studio.evaluation.mcd_pairs import Distortions
from tests.evaluation.recordings import vowels
from tests.waiting import until

ONE, OTHER, THIRD = vowels(0.4, seed=1), vowels(0.5, pitch_hz=150.0, seed=2), vowels(0.3, seed=3)


@pytest.fixture
def here() -> Iterator[Distortions]:
    """One core: everything in this process."""
    made = Distortions(1)
    yield made
    made.close()


@pytest.fixture
def two() -> Iterator[Distortions]:
    made = Distortions(2)
    yield made
    made.close()
    assert not _processes()


def _processes() -> list[multiprocessing.process.BaseProcess]:
    return [child for child in multiprocessing.active_children() if child.name == "mcd"]


def count(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The lengths of the sounds that are analysed in this process from now on."""
    analysed: list[float] = []
    real = analysts.coefficients

    def counted(sound: AudioClip, rate: int, pitch: str) -> object:
        analysed.append(sound.duration_s)
        return real(sound, rate, pitch)  # type: ignore[arg-type]

    monkeypatch.setattr(analysts, "coefficients", counted)
    return analysed


def test_processes_find_the_very_values_of_a_pair_alone_and_in_order(two):
    bad = AudioClip(np.zeros(16_000, dtype=np.float32), 16_000)
    found = list(two.of_pairs([(ONE, OTHER), (ONE, bad), (THIRD, ONE), (ONE, ONE)]))
    assert found[0] == mcd_of_clips(ONE, OTHER)
    assert isinstance(found[1], AudioRefused) and found[1].key == "evaluation.silent"
    assert found[2] == mcd_of_clips(THIRD, ONE)
    assert isinstance(found[3], MelCepstralDistortion) and found[3].value == 0.0
    assert _processes(), "nothing ran outside this process"
    with pytest.raises(AudioRefused):
        two.of_clips(ONE, bad)


def test_a_process_that_is_killed_costs_time_and_no_figure(two):
    assert two.of_clips(ONE, OTHER) == mcd_of_clips(ONE, OTHER)
    for process in _processes():
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        process.join()
    assert two.of_clips(THIRD, OTHER) == mcd_of_clips(THIRD, OTHER)


def test_a_reference_of_several_systems_is_analysed_once(here, monkeypatch):
    analysed = count(monkeypatch)
    first = list(here.of_pairs([(ONE, OTHER), (ONE, THIRD)]))
    again = list(here.of_pairs([(ONE, OTHER), (ONE, THIRD)]))
    assert first == again and sorted(analysed) == [0.3, 0.4, 0.5]


def test_closing_forgets_every_sound(here, monkeypatch):
    analysed = count(monkeypatch)
    here.of_clips(ONE, ONE)
    here.close()
    here.of_clips(ONE, ONE)
    assert analysed == [0.4, 0.4]


def test_what_nobody_asks_for_any_more_is_forgotten_by_itself(monkeypatch):
    analysed, briefly = count(monkeypatch), Distortions(1, idle_s=0.05)
    briefly.of_clips(ONE, ONE)
    until(lambda: not briefly.remembered)
    assert analysed == [0.4]


def test_pairs_are_begun_only_a_little_ahead_of_who_takes_them(here):
    taken = []

    def pairs():
        for number in range(10):
            taken.append(number)
            yield ONE, ONE

    found = here.of_pairs(pairs())
    next(found)
    found.close()
    assert len(taken) == 3


def test_an_analysis_that_failed_is_tried_again(here, monkeypatch):
    def fails(*_: object) -> object:
        raise MemoryError

    with monkeypatch.context() as broken:
        broken.setattr(analysts, "coefficients", fails)
        with pytest.raises(MemoryError):
            here.of_clips(ONE, OTHER)
    assert here.of_clips(ONE, OTHER) == mcd_of_clips(ONE, OTHER)


def test_an_analyst_alone_starts_no_process():
    alone = Analyst(alone=True)
    alone.coefficients(ONE, "dio")
    assert not _processes()
