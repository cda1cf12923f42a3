"""Mel-cepstral distortion: against independent computations, invariances, bad input."""

import numpy as np
import pytest

from studio.audio.clip import AudioClip
from studio.errors import AudioRefused
from studio.evaluation.alignment import align
from studio.evaluation.mcd import DB_PER_NEPER, McdParameters, mcd, mcd_of_clips
from studio.evaluation.mel_cepstrum import warp
from tests.enrolling import real_speech
from tests.evaluation.recordings import recording, vowels

ONE, OTHER = vowels(0.9, seed=1), vowels(1.1, pitch_hz=150.0, seed=2)


def scaled(clip: AudioClip, gain: float) -> AudioClip:
    return AudioClip(clip.samples * np.float32(gain), clip.sample_rate_hz)


def exact_dtw(costs: np.ndarray) -> float:
    """The least sum of costs, by the textbook's double loop."""
    total = np.full((costs.shape[0] + 1, costs.shape[1] + 1), np.inf)
    total[0, 0] = 0.0
    for i in range(costs.shape[0]):
        for j in range(costs.shape[1]):
            total[i + 1, j + 1] = costs[i, j] + min(total[i, j], total[i + 1, j], total[i, j + 1])
    return float(total[-1, -1])


def test_the_constant_is_ten_over_ln_ten_times_root_two():
    assert pytest.approx(6.141851, abs=1e-6) == DB_PER_NEPER


def test_a_clip_with_itself_has_none():
    found = mcd(ONE, ONE, 16_000)
    assert found.value == 0.0 and found.frames == 181
    assert found.parameters == McdParameters(16_000, 0.42)


def test_loudness_does_not_move_it():
    assert mcd(ONE, scaled(OTHER, 0.25), 16_000).value == pytest.approx(
        mcd(ONE, OTHER, 16_000).value, abs=5e-5
    )


@pytest.mark.parametrize("gain", [0.25, 0.3173])
def test_loudness_does_not_move_it_on_real_recordings(gain):
    one, other = recording("en-f2/LJ001-0002.flac"), recording("en-f2/LJ001-0008.flac")
    assert mcd(one, scaled(other, gain), 16_000).value == pytest.approx(
        mcd(one, other, 16_000).value, abs=5e-5
    )


def test_alignment_is_the_least_cost_there_is():
    random = np.random.default_rng(3)
    for n, m in ((1, 1), (1, 7), (6, 1), (2, 2), (13, 9), (20, 31)):
        one, other = random.standard_normal((n, 4)), random.standard_normal((m, 4))
        rows, columns, costs = align(one, other)
        table = np.linalg.norm(one[:, None] - other[None], axis=2)
        assert costs.sum() == pytest.approx(exact_dtw(table))
        np.testing.assert_allclose(costs, table[rows, columns])
        steps = np.diff(np.stack([rows, columns]), axis=1)
        assert (rows[0], columns[0], rows[-1], columns[-1]) == (0, 0, n - 1, m - 1)
        assert steps.size == 0 or (steps.min() >= 0 and steps.max() <= 1 and (steps.sum(axis=0) > 0).all())


def test_warped_cepstrum_evaluates_to_the_spectrum_on_the_warped_axis():
    """The definition, without the recursion: sum c_m exp(-j w~ m) has the envelope's log magnitude."""
    alpha, bins = 0.42, 513
    omega = np.linspace(0, np.pi, bins)
    log_magnitude = 0.5 + 0.8 * np.cos(omega) - 0.3 * np.cos(3 * omega)  # smooth: 200 coefficients suffice
    found = warp(np.exp(2 * log_magnitude)[None], 200, alpha)[0]
    warped = omega + 2 * np.arctan(alpha * np.sin(omega) / (1 - alpha * np.cos(omega)))
    evaluated = found @ np.cos(np.outer(np.arange(201), warped))
    np.testing.assert_allclose(evaluated, log_magnitude, atol=1e-6)


def test_equals_sptk_world_and_exact_dtw():
    """The recipe with pysptk's own transform (needs a compiler to install: skipped where it is not)."""
    pysptk = pytest.importorskip("pysptk")
    import pyworld

    def cepstrum(clip: AudioClip) -> np.ndarray:
        samples = clip.samples.astype(np.float64)
        pitch, times = pyworld.harvest(samples, 16_000, frame_period=5.0)
        return pysptk.sp2mc(pyworld.cheaptrick(samples, pitch, times, 16_000), order=24, alpha=0.42)[:, 1:]

    one, other = cepstrum(ONE), cepstrum(OTHER)
    table = np.linalg.norm(one[:, None] - other[None], axis=2)
    found = mcd(ONE, OTHER, 16_000)
    assert found.value * found.frames / 6.141851463713754 == pytest.approx(exact_dtw(table), rel=1e-6)


# Two real recordings that come with the repository: nothing here is ever skipped.
REAL_ONE, REAL_OTHER = real_speech(2.4, 0.2), real_speech(2.0, 11.0)
REAL_RATE = 16_000


def by_definition(clip: AudioClip, alpha: float) -> np.ndarray:
    """c1..c24 as the integral that defines them: the log magnitude on the warped axis against cosines.

    WORLD's own Harvest and CheapTrick; neither SPTK's recursion nor anything of the studio.
    """
    import pyworld

    samples = clip.samples.astype(np.float64)
    pitch, times = pyworld.harvest(samples, clip.sample_rate_hz, frame_period=5.0)
    log_magnitude = np.log(pyworld.cheaptrick(samples, pitch, times, clip.sample_rate_hz)) / 2
    omega = np.linspace(0, np.pi, log_magnitude.shape[1])
    warped = omega + 2 * np.arctan(alpha * np.sin(omega) / (1 - alpha * np.cos(omega)))
    stretch = (1 - alpha**2) / (1 + alpha**2 - 2 * alpha * np.cos(omega))
    basis = np.cos(np.outer(np.arange(1, 25), warped)) * stretch
    return 2 / np.pi * np.trapezoid(log_magnitude[:, None, :] * basis, omega, axis=2)


def test_real_recordings_equal_the_definition_with_world_and_exact_dtw():
    one, other = by_definition(REAL_ONE, 0.42), by_definition(REAL_OTHER, 0.42)
    table = np.linalg.norm(one[:, None] - other[None], axis=2)
    found = mcd(REAL_ONE, REAL_OTHER, REAL_RATE)
    assert found.value * found.frames / 6.141851463713754 == pytest.approx(exact_dtw(table), rel=1e-4)
    rows, columns, _ = align(one, other)
    assert found.value == pytest.approx(6.141851463713754 * table[rows, columns].mean(), abs=1e-3)


def test_real_recordings_do_not_mind_their_level_and_have_none_to_themselves():
    plain = mcd(REAL_ONE, REAL_OTHER, REAL_RATE).value
    assert 4 < plain < 15
    for pair in ((REAL_ONE, scaled(REAL_OTHER, 0.25)), (scaled(REAL_ONE, 0.25), REAL_OTHER)):
        assert round(mcd(*pair, REAL_RATE).value, 4) == round(plain, 4)
    assert mcd(REAL_ONE, REAL_ONE, REAL_RATE).value == 0.0


@pytest.mark.parametrize(("rate", "expected"), [(16_000, 7.1391937), (22_050, 6.8725623)])
def test_equals_what_sptk_and_world_gave(rate, expected):
    """As the test above, by figures taken once from pysptk 1.0.1, pyworld's Harvest and the double loop."""
    found = mcd(vowels(0.9, rate=rate, seed=1), vowels(1.1, rate=rate, pitch_hz=150.0, seed=2), rate)
    assert found.value == pytest.approx(expected, abs=1e-6)


def test_clips_of_two_rates_meet_at_a_common_one():
    higher = vowels(0.9, rate=44_100, seed=1)
    assert mcd_of_clips(higher, OTHER).parameters.sample_rate_hz == 16_000
    assert mcd_of_clips(higher, higher).parameters.sample_rate_hz == 22_050


@pytest.mark.parametrize(
    ("bad", "rate", "key"),
    [
        (np.zeros(16_000), 16_000, "evaluation.silent"),
        (ONE.samples[:800], 16_000, "evaluation.too_short"),
        (np.full(16_000, np.nan), 16_000, "evaluation.not_finite"),
        (AudioClip(ONE.samples, 22_050), 16_000, "evaluation.two_rates"),
        (ONE.samples, 11_025, "evaluation.mcd_rate"),
        (np.stack([ONE.samples, ONE.samples], axis=1), 16_000, "audio.not_mono"),
        (np.tile(ONE.samples, 50), 16_000, "evaluation.too_long"),
    ],
)
def test_sound_without_a_distortion_is_refused(bad, rate, key):
    sound = bad if isinstance(bad, AudioClip) else bad.astype(np.float32)
    for pair in ((ONE.samples, sound), (sound, ONE.samples)):
        with pytest.raises(AudioRefused) as refused:
            mcd(*pair, rate)
        assert refused.value.key == key
        assert refused.value.text("it") != refused.value.text("en")
