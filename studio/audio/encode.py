"""AudioClip -> file bytes, whole or as a stream that a browser plays while it is being made."""

import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from studio.audio.clip import AudioClip, Samples
from studio.audio.formats import MEDIA_TYPES, AudioFormat, FormatFacts
from studio.audio.resample import resample

__all__ = ["MEDIA_TYPES", "AudioFormat", "StreamEncoder", "Tags", "encode", "stream_encoded"]

_FULL = 0.9999  # the peak guard's ceiling: 16-bit full scale is 32767/32768
_KNEE = 0.9  # where a stream's guard begins to bend
_MPEG25_BIT_RATE = 64_000  # the most MP3 allows at 8 to 12 kHz
_CODECS = {AudioFormat.MP3: ("mp3", "libmp3lame"), AudioFormat.OGG_OPUS: ("ogg", "libopus")}
_SUBTYPES = {AudioFormat.WAV: "PCM_16", AudioFormat.FLAC: "PCM_16", AudioFormat.MULAW: "ULAW"}


@dataclass(frozen=True)
class Tags:
    """What a file's metadata says."""

    title: str
    artist: str
    comment: str
    date: str


def encode(clip: AudioClip, format: AudioFormat, tags: Tags | None = None) -> bytes:
    """The clip as a file: resampled where the format asks it, and turned down where it would clip.

    `tags` go into the format's own metadata: RIFF INFO, Vorbis comments, ID3.
    """
    clip = _guarded(resample(clip, format.facts.rate_for(clip.sample_rate_hz)))
    if format in _CODECS:
        sink = io.BytesIO()
        writer = _PacketWriter(sink, format, clip.sample_rate_hz, {}, tags)
        writer.write(clip.samples)
        writer.close()
        return sink.getvalue()
    import soundfile

    sink = io.BytesIO()
    container = "FLAC" if format is AudioFormat.FLAC else "WAV"
    with soundfile.SoundFile(
        sink, "w", clip.sample_rate_hz, 1, format=container, subtype=_SUBTYPES[format]
    ) as file:
        for name, text in _named(tags):
            setattr(file, name, text)
        file.write(clip.samples)
    return sink.getvalue()


def _named(tags: Tags | None) -> list[tuple[str, str]]:
    if tags is None:
        return []
    return [("title", tags.title), ("artist", tags.artist), ("comment", tags.comment), ("date", tags.date)]


def stream_encoded(clips: Iterable[AudioClip], format: AudioFormat = AudioFormat.MP3) -> Iterator[bytes]:
    """Encode clips of one rate as they come; yields bytes that can be played from the first on."""
    encoder: StreamEncoder | None = None
    for clip in clips:
        encoder = encoder or StreamEncoder(format, clip.sample_rate_hz)
        if data := encoder.feed(clip):
            yield data
    if encoder and (data := encoder.close()):
        yield data


class StreamEncoder:
    """Encodes clips as they come: `feed` each, then `close`; the bytes, in order, are one MP3 or Ogg file.

    `tags` stand at its start. ValueError for another format, a clip of another rate, or feeding after `close`.
    """

    def __init__(self, format: AudioFormat, sample_rate_hz: int, tags: Tags | None = None) -> None:
        import soxr

        if format not in _CODECS:
            raise ValueError(f"{format} cannot be streamed")
        self.format = format
        self.sample_rate_hz = sample_rate_hz
        self._sink = _Outbox()
        # Told at once to write its start, and to keep no page back; no tag at the front to be filled in later.
        mp3 = {"write_xing": "0", "id3v2_version": "4" if tags else "0"}
        options = mp3 if format is AudioFormat.MP3 else {"page_duration": "100000"}
        rate = format.facts.rate_for(sample_rate_hz)
        self._writer = _PacketWriter(self._sink, format, rate, options | {"flush_packets": "1"}, tags)
        self._resampler = soxr.ResampleStream(sample_rate_hz, rate, 1, dtype="float32", quality="HQ")
        self._closed = False

    def feed(self, clip: AudioClip) -> bytes:
        """Take the next clip; returns the bytes that are ready (perhaps none yet)."""
        if self._closed:
            raise ValueError("the stream is closed")
        if clip.sample_rate_hz != self.sample_rate_hz:
            raise ValueError(f"the stream is at {self.sample_rate_hz} Hz, the clip at {clip.sample_rate_hz}")
        self._write(clip.samples, last=False)
        return self._sink.take()

    def close(self) -> bytes:
        """The last bytes; a second call returns none."""
        if not self._closed:
            self._closed = True
            self._write(np.zeros(0, dtype=np.float32), last=True)
            self._writer.close()
        return self._sink.take()

    def _write(self, samples: Samples, last: bool) -> None:
        ready: NDArray[np.float32] = self._resampler.resample_chunk(samples, last=last)
        if len(ready):
            self._writer.write(gentle(ready))


class _Outbox:
    """A file that can only be written: holds bytes until they are taken."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._pieces.append(bytes(data))
        return len(data)

    def take(self) -> bytes:
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)


class _PacketWriter:
    """One mono stream of an FFmpeg encoder into `sink`."""

    def __init__(
        self,
        sink: io.BytesIO | _Outbox,
        format: AudioFormat,
        rate: int,
        options: dict[str, str],
        tags: Tags | None,
    ) -> None:
        import av

        container, codec = _CODECS[format]
        self._container = av.open(sink, "w", format=container, options=options)
        self._container.metadata.update(_named(tags))
        stream: Any = self._container.add_stream(codec, rate=rate, layout="mono")
        stream.bit_rate = _bit_rate(format.facts, rate)
        self._stream: Any = stream
        self._rate = rate
        self._position = 0

    def write(self, samples: Samples) -> None:
        import av

        if not len(samples):
            return
        frame = av.AudioFrame.from_ndarray(samples[None, :], format="fltp", layout="mono")
        frame.sample_rate = self._rate
        frame.pts = self._position
        self._position += len(samples)
        self._container.mux(self._stream.encode(frame))

    def close(self) -> None:
        self._container.mux(self._stream.encode(None))
        self._container.close()


def _bit_rate(facts: FormatFacts, rate: int) -> int:
    return min(facts.bit_rate, _MPEG25_BIT_RATE) if rate <= 12_000 else facts.bit_rate


def _guarded(clip: AudioClip) -> AudioClip:
    """The whole clip turned down just enough for its peak to fit."""
    peak = float(np.abs(clip.samples).max(initial=0.0))
    return clip if peak <= _FULL else AudioClip(clip.samples * np.float32(_FULL / peak), clip.sample_rate_hz)


def gentle(samples: Samples) -> Samples:
    """A stream can't be turned down for peaks still to come: what passes the knee is bent under full scale."""
    over = np.abs(samples) > _KNEE
    if not over.any():
        return samples
    room = _FULL - _KNEE
    bent = _KNEE + room * np.tanh((np.abs(samples[over]) - _KNEE) / room)
    result = samples.copy()
    result[over] = np.sign(samples[over]) * bent
    return result
