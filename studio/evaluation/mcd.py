"""Mel-cepstral distortion between a recording and a synthesis of the same words."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from studio.audio.clip import AudioClip
from studio.audio.resample import resample
from studio.errors import AudioRefused
from studio.evaluation.alignment import align
from studio.evaluation.checks import check_clip
from studio.evaluation.mel_cepstrum import ALPHAS, FRAME_PERIOD_MS, ORDER, Pitch, mel_cepstrum

VERSION = "1"
SHORTEST_S = 0.1
LONGEST_S = 40.0  # the alignment of two such clips takes half a gigabyte
DB_PER_NEPER = 10.0 / np.log(10.0) * np.sqrt(2.0)  # 6.141851


@dataclass(frozen=True)
class McdParameters:
    """The recipe: values of different recipes cannot be compared."""

    sample_rate_hz: int
    alpha: float
    order: int = ORDER
    first_coefficient: int = 1  # c0 is the level, and level is not timbre
    frame_period_ms: float = FRAME_PERIOD_MS
    pitch: Pitch = "harvest"
    envelope: str = "CheapTrick (WORLD)"
    alignment: str = "exact DTW, steps (1,1) (0,1) (1,0), Euclidean on c1..c24"
    version: str = VERSION


@dataclass(frozen=True)
class MelCepstralDistortion:
    """`value` in dB, the mean over `frames` aligned pairs; lower is closer, 0 is the same sound."""

    value: float
    frames: int
    parameters: McdParameters


def mcd(
    reference: AudioClip | NDArray[np.float32],
    synthesized: AudioClip | NDArray[np.float32],
    sample_rate_hz: int,
    pitch: Pitch = "harvest",
) -> MelCepstralDistortion:
    """MCD = (10/ln 10) * mean over aligned frames of sqrt(2 * sum_{d=1..24} (c_d - c'_d)^2).

    Clips, or samples of shape (n,) at `sample_rate_hz`. Loudness does not matter. `pitch="dio"` is for
    large batches: another recipe, three times as fast, not to be compared with the default's. Raises AudioRefused
    for two sample rates, a rate without an alpha, stereo, silence, NaN, and clips outside 0.1-40 s.
    Source: Kubichek, "Mel-cepstral distance measure for objective speech quality assessment", 1993.
    """
    one, other = (coefficients(sound, sample_rate_hz, pitch) for sound in (reference, synthesized))
    return distortion(one, other, sample_rate_hz, pitch)


def mcd_of_clips(reference: AudioClip, synthesized: AudioClip) -> MelCepstralDistortion:
    """MCD of clips of any two rates: both are first brought to 16 kHz, or 22.05 kHz where both allow it."""
    one, other = at_common_rate(reference, synthesized)
    return mcd(one, other, one.sample_rate_hz)


def at_common_rate(one: AudioClip, other: AudioClip) -> tuple[AudioClip, AudioClip]:
    """Both clips at the highest rate of 16 and 22.05 kHz that neither has to be brought up to."""
    rate = 22_050 if min(one.sample_rate_hz, other.sample_rate_hz) >= 22_050 else 16_000
    return resample(one, rate), resample(other, rate)


def coefficients(
    sound: AudioClip | NDArray[np.float32], sample_rate_hz: int, pitch: Pitch = "harvest"
) -> NDArray[np.float64]:
    """c1..c24 of every 5 ms, shape (frames, 24); refuses what `mcd` refuses."""
    clip = checked(sound, sample_rate_hz)
    return mel_cepstrum(clip.samples.astype(np.float64), sample_rate_hz, pitch)[:, 1:]


def checked(sound: AudioClip | NDArray[np.float32], sample_rate_hz: int) -> AudioClip:
    """The sound as a clip at `sample_rate_hz` that a distortion can be measured of."""
    if sample_rate_hz not in ALPHAS:
        rates = ", ".join(str(rate) for rate in ALPHAS)
        raise AudioRefused("evaluation.mcd_rate", sample_rate_hz=sample_rate_hz, rates=rates)
    clip = sound if isinstance(sound, AudioClip) else AudioClip(sound, sample_rate_hz)
    if clip.sample_rate_hz != sample_rate_hz:
        raise AudioRefused("evaluation.two_rates", one=sample_rate_hz, other=clip.sample_rate_hz)
    check_clip(clip, SHORTEST_S)
    if clip.duration_s > LONGEST_S:
        raise AudioRefused("evaluation.too_long", duration_s=round(clip.duration_s, 1), longest_s=LONGEST_S)
    return clip


def distortion(
    one: NDArray[np.float64], other: NDArray[np.float64], sample_rate_hz: int, pitch: Pitch = "harvest"
) -> MelCepstralDistortion:
    """The distortion of two sounds' `coefficients`, both of that rate and pitch."""
    _, _, costs = align(one, other)
    parameters = McdParameters(sample_rate_hz, ALPHAS[sample_rate_hz], pitch=pitch)
    return MelCepstralDistortion(float(DB_PER_NEPER * costs.mean()), len(costs), parameters)
