import numpy as np
import pytest

from studio.audio.clip import Samples
from studio.engines.xtts.tail import TailTrimmer
from tests.engines.xtts.conftest import recording

RATE = 16_000
BURST_S = 0.2


def trimmed(sound: Samples, chunk: int) -> Samples:
    trimmer = TailTrimmer(RATE, BURST_S)
    starts = range(0, len(sound), chunk)
    passed = [trimmer.push(sound[i : i + chunk]) for i in starts[:-1]]
    return np.concatenate([*passed, trimmer.finish(sound[starts[-1] :])])


def voice() -> Samples:
    """Real speech, ending within its last word."""
    return recording("LJ001-0008").samples[: int(1.5 * RATE)]


def silence(duration_s: float) -> Samples:
    return np.zeros(int(duration_s * RATE), np.float32)


def noise(duration_s: float) -> Samples:
    return np.random.default_rng(0).normal(0, 0.1, int(duration_s * RATE)).astype(np.float32)


def test_speech_without_a_tail_passes_unchanged() -> None:
    assert np.array_equal(trimmed(voice(), 1000), voice())


def test_trailing_silence_is_cut_short() -> None:
    kept = trimmed(np.concatenate([voice(), silence(2.0)]), 1000)
    assert np.array_equal(kept[: len(voice())], voice())
    assert 0.1 < (len(kept) - len(voice())) / RATE < 0.2


def test_a_burst_too_short_to_be_a_word_is_cut_with_its_pause() -> None:
    kept = trimmed(np.concatenate([voice(), silence(0.6), noise(0.12), silence(0.3)]), 1000)
    assert (len(kept) - len(voice())) / RATE < 0.2


def test_a_last_word_after_a_pause_stays() -> None:
    sound = np.concatenate([voice(), silence(0.6), noise(0.3)])
    assert np.array_equal(trimmed(sound, 1000), sound)


def test_a_pause_inside_the_sentence_stays() -> None:
    sound = np.concatenate([voice(), silence(0.8), voice()])
    assert np.array_equal(trimmed(sound, 1000), sound)


def test_silence_before_the_first_word_is_not_taken_for_an_end() -> None:
    sound = np.concatenate([silence(0.6), voice()])
    assert np.array_equal(trimmed(sound, 1000), sound)


@pytest.mark.parametrize("chunk", [100, 256, 4096, 10**9])
def test_the_cut_does_not_depend_on_the_chunks(chunk: int) -> None:
    sound = np.concatenate([voice(), silence(0.5), voice(), silence(0.5), noise(0.1), silence(1.0)])
    assert np.array_equal(trimmed(sound, chunk), trimmed(sound, 777))
