"""Mends what can honestly be mended in a recording; it never invents sound, so clipping and noise stay."""

import numpy as np

from studio.audio.card import ReportCard
from studio.audio.clip import AudioClip
from studio.audio.loudness import CEILING_DBTP, TARGET_LUFS, level
from studio.audio.resample import resample
from studio.audio.speech import speech_spans

PAD_S = 0.15  # kept before the first and after the last word
FADE_S = 0.01
HIGHEST_RATE_HZ = 48_000
_SMALLEST_GAIN_DB = 0.5


def fix(clip: AudioClip, card: ReportCard) -> tuple[AudioClip, list[str]]:
    """A mended copy and what was done, as names: "trim", "offset", "convert", "level" (in this order).

    Silent edges cut to 0.15 s and faded, offset taken out, rates over 48 kHz brought down, speech brought
    to -23 LUFS under a true peak of -1 dB. A clip without speech is returned as it is.
    """
    done: list[str] = []
    if not card.speech_s:
        return clip, done
    steps = {"trim": _trimmed, "offset": _centred, "fade": _faded, "convert": _converted, "level": _levelled}
    for name, mend in steps.items():
        if name == "fade" and "trim" not in done:
            continue
        mended = mend(clip)
        if mended is not clip:
            clip = mended
            done.append(name)
    return clip, [name for name in done if name != "fade"]


def _centred(clip: AudioClip) -> AudioClip:
    offset = np.float32(np.mean(clip.samples, dtype=np.float64))
    return clip if abs(offset) < 1e-3 else AudioClip(clip.samples - offset, clip.sample_rate_hz)


def _converted(clip: AudioClip) -> AudioClip:
    return clip if clip.sample_rate_hz <= HIGHEST_RATE_HZ else resample(clip, HIGHEST_RATE_HZ)


def _trimmed(clip: AudioClip) -> AudioClip:
    spans = speech_spans(clip)
    if not spans:
        return clip
    rate = clip.sample_rate_hz
    start = max(0, int((spans[0].start_s - PAD_S) * rate))
    end = min(len(clip.samples), int((spans[-1].end_s + PAD_S) * rate))
    if end - start > len(clip.samples) - 0.1 * rate:  # less than a tenth of a second: not worth a cut
        return clip
    return AudioClip(clip.samples[start:end], rate)


def _faded(clip: AudioClip) -> AudioClip:
    """Fade both ends, once they are centred: a cut through an offset would click."""
    samples, length = clip.samples.copy(), int(FADE_S * clip.sample_rate_hz)
    fade = np.linspace(0, 1, length, dtype=np.float32)
    samples[:length] *= fade
    samples[-length:] *= fade[::-1]
    return AudioClip(samples, clip.sample_rate_hz)


def _levelled(clip: AudioClip) -> AudioClip:
    levelled = level(clip, TARGET_LUFS, CEILING_DBTP)
    return clip if abs(levelled.gain_db) < _SMALLEST_GAIN_DB else levelled.clip
