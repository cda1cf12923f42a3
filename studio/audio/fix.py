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
    """A mended copy and what was done, as names: "offset", "convert", "trim", "level" (in this order).

    Offset taken out, rates over 48 kHz brought down, silent edges cut to 0.15 s and faded, speech brought
    to -23 LUFS under a true peak of -1 dB. A clip without speech is returned as it is.
    """
    done: list[str] = []
    if not card.speech_s:
        return clip, done
    for name, mend in (
        ("offset", _centred),
        ("convert", _converted),
        ("trim", _trimmed),
        ("level", _levelled),
    ):
        mended = mend(clip)
        if mended is not clip:
            clip = mended
            done.append(name)
    return clip, done


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
    kept = clip.samples[start:end].copy()
    fade = np.linspace(0, 1, int(FADE_S * rate), dtype=np.float32)
    if start:
        kept[: len(fade)] *= fade
    if end < len(clip.samples):
        kept[-len(fade) :] *= fade[::-1]
    return AudioClip(kept, rate)


def _levelled(clip: AudioClip) -> AudioClip:
    levelled = level(clip, TARGET_LUFS, CEILING_DBTP)
    return clip if abs(levelled.gain_db) < _SMALLEST_GAIN_DB else levelled.clip
