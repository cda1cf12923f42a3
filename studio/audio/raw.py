"""Samples without a container, or with the plainest: PCM, G.711 mu-law, and a WAV whose end is not known yet."""

import io
import struct
from enum import StrEnum
from typing import Any

import numpy as np

from studio.audio.clip import AudioClip
from studio.audio.encode import gentle

PCM_RATE_HZ = 24_000
MULAW_RATE_HZ = 8_000
UNKNOWN = 0xFFFFFFFF  # the size in a WAV header that is written before the sound is made


class RawFormat(StrEnum):
    """PCM: 16 bit little-endian at 24 kHz. MULAW: G.711 at 8 kHz, as telephony and audio/basic take it."""

    PCM = "pcm"
    MULAW = "mulaw"
    WAV = "wav"

    @property
    def rate_hz(self) -> int:
        """0: the sound's own rate."""
        return {"pcm": PCM_RATE_HZ, "mulaw": MULAW_RATE_HZ}.get(self.value, 0)

    @property
    def media_type(self) -> str:
        return {"pcm": f"audio/pcm;rate={PCM_RATE_HZ};channels=1", "mulaw": "audio/basic"}.get(
            self.value, "audio/wav"
        )


class RawEncoder:
    """Turns clips of one rate into samples as they come: `feed` each, then `close`."""

    def __init__(self, format: RawFormat, sample_rate_hz: int) -> None:
        import soxr

        self.format = format
        rate = format.rate_hz or sample_rate_hz
        self._resampler = soxr.ResampleStream(sample_rate_hz, rate, 1, dtype="float32", quality="HQ")
        self._head = wav_head(rate) if format is RawFormat.WAV else b""

    def feed(self, clip: AudioClip) -> bytes:
        """The bytes that are ready (perhaps none yet)."""
        return self._coded(self._resampler.resample_chunk(clip.samples, last=False))

    def close(self) -> bytes:
        """The last bytes."""
        return self._coded(self._resampler.resample_chunk(np.zeros(0, dtype=np.float32), last=True))

    def _coded(self, samples: Any) -> bytes:
        head, self._head = self._head, b""
        if not len(samples):
            return head
        import soundfile

        sink = io.BytesIO()
        subtype = "ULAW" if self.format is RawFormat.MULAW else "PCM_16"
        soundfile.write(sink, gentle(samples), 8000, format="RAW", subtype=subtype, endian="LITTLE")
        return head + sink.getvalue()


def raw(clip: AudioClip, format: RawFormat) -> bytes:
    """A whole clip."""
    encoder = RawEncoder(format, clip.sample_rate_hz)
    return encoder.feed(clip) + encoder.close()


def wav_head(rate_hz: int) -> bytes:
    """A mono 16-bit PCM header whose sizes say "until the end"."""
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, rate_hz, 2 * rate_hz, 2, 16)
    return struct.pack("<4sI4s", b"RIFF", UNKNOWN, b"WAVE") + form + struct.pack("<4sI", b"data", UNKNOWN)
