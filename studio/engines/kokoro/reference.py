"""Reference recordings made ready for fitting: speech kept, band and pitch measured."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from studio.audio.clip import AudioClip
from studio.engines.kokoro.encoders import RATE_HZ, SpeakerEncoders
from studio.errors import AudioRefused

SHORTEST_S = 3.0
LONGEST_S = 60.0
_FRAME = 160  # 10 ms
_SILENCE_DB = -38.0  # below the loudest frames
_NARROW_DB = -50.0  # energy above 4.5 kHz, against the whole, of a telephone recording
_F0_MIN_HZ, _F0_MAX_HZ = 60.0, 420.0


@dataclass(frozen=True)
class Target:
    """What a fit aims at. `embeddings` are unit vectors, one an encoder; pitch in natural log of Hz."""

    embeddings: list[Tensor]
    log_f0_mean: float
    log_f0_std: float
    narrow_band: bool
    speech_s: float


def measure(clips: Sequence[AudioClip], encoders: SpeakerEncoders) -> Target:
    """The target a set of clips describes; AudioRefused when there is too little speech."""
    speech = np.concatenate([speech_of(clip) for clip in clips]) if clips else np.zeros(0, np.float32)
    speech = speech[: int(LONGEST_S * RATE_HZ)]
    speech_s = len(speech) / RATE_HZ
    if speech_s < SHORTEST_S:
        raise AudioRefused("kokoro.reference_short", speech_s=f"{speech_s:.1f}", least_s=f"{SHORTEST_S:.0f}")
    pitch = np.log(voiced_f0(speech))
    if len(pitch) < 50:  # half a second of voice: whispers, noise and music fail here
        raise AudioRefused("kokoro.reference_unvoiced")
    embeddings = encoders.embed_windows(torch.from_numpy(speech))
    return Target(embeddings, float(np.median(pitch)), float(pitch.std()), is_narrow_band(speech), speech_s)


def speech_of(clip: AudioClip) -> NDArray[np.float32]:
    """The clip at 16 kHz, level evened, pauses longer than a third of a second shortened."""
    samples = resample(torch.from_numpy(np.array(clip.samples)), clip.sample_rate_hz, RATE_HZ).numpy()
    count = len(samples) // _FRAME
    if count == 0:
        return np.zeros(0, np.float32)
    frames = samples[: count * _FRAME].reshape(count, _FRAME)
    level_db = 10 * np.log10(np.square(frames).mean(1) + 1e-12)
    peak_db = float(np.percentile(level_db, 98))
    if peak_db < -60:
        return np.zeros(0, np.float32)
    loud = level_db > peak_db + _SILENCE_DB
    near = np.convolve(loud, np.ones(31), mode="same") > 0
    kept = frames[near].reshape(-1)
    return np.asarray(kept / (np.sqrt(np.square(kept).mean()) + 1e-9) * 0.06, dtype=np.float32)


def resample(samples: Tensor, from_hz: int, to_hz: int) -> Tensor:
    """Band-limited resampling of samples (n,); differentiable."""
    from torchaudio.functional import resample as convert

    converted: Tensor = convert(samples, from_hz, to_hz, lowpass_filter_width=24)
    return converted


def telephone(samples: Tensor) -> Tensor:
    """16 kHz sound with everything above 4 kHz taken away, as a telephone does."""
    return resample(resample(samples, RATE_HZ, 8_000), 8_000, RATE_HZ)[: len(samples)]


def is_narrow_band(samples: NDArray[np.float32]) -> bool:
    """Whether 16 kHz sound was once sampled at 8 kHz: nothing lives above 4.5 kHz."""
    size = 1024
    frames = np.lib.stride_tricks.sliding_window_view(samples, size)[:: size // 2] * np.hanning(size)
    spectrum = np.square(np.abs(np.fft.rfft(frames))).mean(0)
    ratio = spectrum[int(size * 4_500 / RATE_HZ) :].sum() / (spectrum.sum() + 1e-12)
    return bool(10 * np.log10(ratio + 1e-12) < _NARROW_DB)


def voiced_f0(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """F0 in Hz of the voiced 10 ms frames, by normalised autocorrelation over 40 ms."""
    size, hop = 640, _FRAME
    if len(samples) < 2 * size:
        return np.zeros(0, np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(samples, size)[::hop]
    frames = frames - frames.mean(1, keepdims=True)
    power = np.square(np.abs(np.fft.rfft(frames, 2 * size)))
    correlation = np.fft.irfft(power)[:, :size] / (size - np.arange(size))
    correlation /= correlation[:, :1] + 1e-9
    shortest, longest = int(RATE_HZ / _F0_MAX_HZ), int(RATE_HZ / _F0_MIN_HZ)
    window = correlation[:, shortest : longest + 1]
    strongest = window.max(1)
    # the first peak nearly as strong as the strongest: its multiples are as strong and an octave low
    peaks = (window[:, 1:-1] >= window[:, :-2]) & (window[:, 1:-1] > window[:, 2:])
    first = np.argmax(peaks & (window[:, 1:-1] > 0.88 * strongest[:, None]), axis=1) + 1
    loud = np.square(frames).mean(1) > 0.05 * np.square(samples).mean()
    voiced = loud & (strongest > 0.55) & peaks.any(1)
    return np.asarray(RATE_HZ / (first[voiced] + shortest), dtype=np.float32)
