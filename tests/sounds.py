"""Sounds for tests: real speech in the public domain, and tones, noise and music made on the spot."""

import functools
import io
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from studio.audio.clip import AudioClip, Samples

DATA = Path(__file__).parent / "data"
VOICES = Path(__file__).parent.parent.parent / "shared" / "voices"
RATE = 16_000


@functools.cache
def _all_speech() -> Samples:
    return np.concatenate([read(path).samples for path in sorted(DATA.glob("LJ*.flac"))])


def read(path: Path) -> AudioClip:
    samples, rate = soundfile.read(path, dtype="float32")
    return AudioClip(samples, rate)


def real_speech(seconds: float = 8.0, start_s: float = 0.0) -> AudioClip:
    """One woman reading (public domain, 16 kHz): 26 s are there, any stretch of them can be had."""
    first, last = int(start_s * RATE), int((start_s + seconds) * RATE)
    assert last <= len(_all_speech()), "the recordings are shorter than that"
    return AudioClip(_all_speech()[first:last], RATE)


def voice_of(speaker: str, seconds: float, start_s: float = 0.0) -> AudioClip:
    """Speech of one of the measuring voices, its recordings one after the other; skips where they are not."""
    if not (VOICES / speaker).is_dir():
        pytest.skip("the measuring voices are not on this machine")
    found, wanted = [np.zeros(0, np.float32)], int((start_s + seconds) * RATE)
    for path in sorted((VOICES / speaker).glob("*.flac")):
        if sum(map(len, found)) >= wanted:
            break
        found.append(read(path).samples)
    return AudioClip(np.concatenate(found)[int(start_s * RATE) : wanted], RATE)


def after_each_other(*clips: AudioClip, gap_s: float = 0.3) -> AudioClip:
    """The clips in a row, each at the same level, with short pauses."""
    gap = np.zeros(int(gap_s * RATE), np.float32)
    return AudioClip(np.concatenate([part for c in clips for part in (at_rms(c.samples), gap)]), RATE)


def at_rms(samples: NDArray[np.floating], rms: float = 0.05) -> Samples:
    return (samples * rms / np.sqrt(np.mean(np.square(samples)))).astype(np.float32)


def tone(seconds: float = 1.0, hz: float = 440.0, rate: int = RATE, level: float = 0.5) -> AudioClip:
    return AudioClip((level * np.sin(2 * np.pi * hz * _times(seconds, rate))).astype(np.float32), rate)


def silence(seconds: float = 1.0, rate: int = RATE) -> AudioClip:
    return AudioClip(np.zeros(int(seconds * rate), np.float32), rate)


def noise(seconds: float = 1.0, rms: float = 0.05, seed: int = 0, rate: int = RATE) -> AudioClip:
    made = np.random.default_rng(seed).normal(0, rms, int(seconds * rate))
    return AudioClip(made.astype(np.float32), rate)


def chords(seconds: float = 8.0, rate: int = RATE) -> AudioClip:
    """Four chords, one every half second, each note with a few partials and a soft attack."""
    times = _times(0.5, rate)
    shape = np.minimum(1, times / 0.02) * np.exp(-1.5 * times)
    roots = (220.0, 174.6, 261.6, 196.0)
    bars = [
        sum(np.sin(2 * np.pi * r * step * k * times) / k for step in (1, 1.25, 1.5) for k in (1, 2, 3, 4))
        * shape
        for r in roots
    ]
    return AudioClip(at_rms(np.resize(np.concatenate(bars), int(seconds * rate)), 0.1), rate)


def drums(seconds: float = 8.0, rate: int = RATE, seed: int = 0) -> AudioClip:
    """A kick and a snare, two beats a second."""
    times, rng = _times(0.5, rate), np.random.default_rng(seed)
    kick = np.sin(2 * np.pi * (50 * times + 8 * (1 - np.exp(-30 * times)))) * np.exp(-12 * times)
    snare = rng.normal(size=len(times)) * np.exp(-18 * times)
    return AudioClip(at_rms(np.resize(np.concatenate([kick, snare]), int(seconds * rate)), 0.1), rate)


def over(clip: AudioClip, background: AudioClip, snr_db: float) -> AudioClip:
    """The clip with the background (repeated as needed) `snr_db` under it."""
    behind = np.resize(background.samples, len(clip.samples))
    rms = float(np.sqrt(np.mean(clip.samples**2)))
    return AudioClip(clip.samples + at_rms(behind, rms / 10 ** (snr_db / 20)), clip.sample_rate_hz)


def clipped(clip: AudioClip, by_db: float = 12.0) -> AudioClip:
    """The clip turned up by `by_db` over full scale and cut off there, then turned down by half."""
    loud = clip.samples / np.abs(clip.samples).max() * 10 ** (by_db / 20)
    return AudioClip(np.clip(loud, -1, 1) * np.float32(0.5), clip.sample_rate_hz)


def wav_bytes(samples: NDArray[np.generic], rate: int = RATE, subtype: str = "PCM_16") -> bytes:
    """A WAV file of samples (n,) or (n, channels)."""
    out = io.BytesIO()
    soundfile.write(out, samples, rate, format="WAV", subtype=subtype)
    return out.getvalue()


def _times(seconds: float, rate: int) -> NDArray[np.float64]:
    return np.arange(int(seconds * rate)) / rate
