"""Decodes one file from stdin to stdout inside hard limits; run as a program, never imported by the studio.

It imports nothing of the studio, so that it starts fast and has little to lose. The answer is a row of
records ``kind (1 byte), length (4 bytes, little-endian), body``: ``H`` the stream's facts as JSON, ``S``
interleaved float32 samples, ``R`` a refusal as JSON, ``E`` the end. No ``E`` or ``R``: it died.
"""

import io
import json
import os
import resource
import struct
import sys
from typing import Any, BinaryIO

CODECS = (
    "flac,mp3,mp3float,vorbis,opus,libopus,aac,alac,pcm_u8,pcm_s8,pcm_s16le,pcm_s16be,pcm_s24le,pcm_s24be,"
    "pcm_s32le,pcm_s32be,pcm_f32le,pcm_f32be,pcm_f64le,pcm_f64be,pcm_alaw,pcm_mulaw,adpcm_ms,adpcm_ima_wav"
)


class Refusal(Exception):
    """The file can't be used: a message key of room `audio` and its facts."""

    def __init__(self, key: str, **facts: object) -> None:
        super().__init__(key)
        self.key = key
        self.facts = facts


def limit_process(memory_bytes: int, cpu_s: int) -> None:
    """No more memory, processor time, written files or core dumps than these."""
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def warm_up(av: Any) -> None:
    """Decode two samples of silence: PyAV loads parts of itself at first use, which needs open files."""
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, 8000, 16000, 2, 16)
    wave = b"RIFF" + struct.pack("<I", 40) + b"WAVE" + form + struct.pack("<4sI", b"data", 4) + bytes(4)
    with av.open(io.BytesIO(wave), format="wav") as container:
        for _ in packed_chunks(av, container, container.streams.audio[0], 8000, 1):
            pass


def forbid_new_files(last_descriptor: int) -> None:
    """From here on nothing can be opened: no file, no socket, no pipe."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (last_descriptor + 1, last_descriptor + 1))


def write_record(out: BinaryIO, kind: bytes, body: bytes = b"") -> None:
    out.write(kind + struct.pack("<I", len(body)) + body)


def check_header(stream: Any, duration_s: float | None, limits: dict[str, Any]) -> None:
    """Refuse what the header already shows to be too much, before any sample is decoded."""
    context = stream.codec_context
    rate, channels = context.sample_rate, context.channels
    if context.codec.name not in CODECS.split(","):
        raise Refusal("audio.codec", codec=context.codec.name)
    if not limits["min_rate_hz"] <= rate <= limits["max_rate_hz"]:
        raise Refusal("audio.silly_rate", rate_hz=rate)
    if not 1 <= channels <= limits["max_channels"]:
        raise Refusal("audio.too_many_channels", channels=channels)
    if duration_s is not None:
        check_size(duration_s, rate, channels, limits)


def check_size(duration_s: float, rate: int, channels: int, limits: dict[str, Any]) -> None:
    if duration_s > limits["max_duration_s"]:
        raise Refusal("audio.too_long", duration_s=duration_s, limit_s=limits["max_duration_s"])
    if duration_s * rate * channels > limits["max_values"]:
        raise Refusal("audio.too_much_sound", duration_s=duration_s, rate_hz=rate, channels=channels)


def declared_duration_s(container: Any, stream: Any) -> float | None:
    """Seconds by the stream's or the container's header; None where neither says."""
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    return container.duration / 1e6 if container.duration and container.duration > 0 else None


def interleaved(frame: Any) -> bytes:
    """A packed float frame's samples, without the padding FFmpeg leaves behind them."""
    return bytes(frame.planes[0])[: frame.samples * frame.layout.nb_channels * 4]


def decode(av: Any, data: BinaryIO, limits: dict[str, Any], out: BinaryIO) -> None:
    """Write the header record, then samples until the end or until a limit is met."""
    options = {"codec_whitelist": CODECS}
    with av.open(data, format=limits["demuxer"], options=options) as container:
        if not container.streams.audio:
            raise Refusal("audio.no_audio_stream")
        stream = container.streams.audio[0]
        duration_s = declared_duration_s(container, stream)
        check_header(stream, duration_s, limits)
        rate, channels = stream.codec_context.sample_rate, stream.codec_context.channels
        facts = {"rate": rate, "channels": channels, "codec": stream.codec_context.codec.name}
        write_record(out, b"H", json.dumps(facts | {"duration_s": duration_s}).encode())
        frames = 0
        for chunk in packed_chunks(av, container, stream, rate, channels):
            frames += len(chunk) // (4 * channels)
            check_size(frames / rate, rate, channels, limits)
            write_record(out, b"S", chunk)
    write_record(out, b"E")


def packed_chunks(av: Any, container: Any, stream: Any, rate: int, channels: int) -> Any:
    """Yield interleaved float32 bytes of the whole stream, in the file's own rate and channels."""
    resampler = None
    for frame in readable_frames(av, container, stream):
        if frame.sample_rate != rate or frame.layout.nb_channels != channels:
            raise Refusal("audio.changing_format")
        if frame.format.name == "flt":
            yield interleaved(frame)
            continue
        resampler = resampler or av.AudioResampler(format="flt", layout=frame.layout, rate=rate)
        for packed in resampler.resample(frame):
            yield interleaved(packed)
    for packed in resampler.resample(None) if resampler else ():
        yield interleaved(packed)


def readable_frames(av: Any, container: Any, stream: Any) -> Any:
    """The stream's frames; a few damaged packets are passed over, as players do, more are refused."""
    packets = damaged = 0
    for packet in container.demux(stream):
        packets += 1
        try:
            yield from packet.decode()
        except av.error.InvalidDataError:
            damaged += 1
    if damaged > max(1, packets // 50):
        raise Refusal("audio.unreadable", detail=f"{damaged}/{packets}")


def main() -> int:
    limits = json.loads(sys.argv[1])
    limit_process(limits["memory_bytes"], limits["cpu_s"])
    import av

    av.logging.set_level(None)
    # A library that prints must not be able to write into the answer: it keeps descriptor 1, we take another.
    answer = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    # A long file is read piece by piece from the descriptor we were given; nothing else is ever opened.
    data = io.BytesIO(sys.stdin.buffer.read()) if limits["whole"] else sys.stdin.buffer
    warm_up(av)
    forbid_new_files(answer.fileno())
    try:
        decode(av, data, limits, answer)
    except Refusal as refusal:
        write_record(answer, b"R", json.dumps([refusal.key, refusal.facts]).encode())
    except MemoryError:
        write_record(answer, b"R", json.dumps(["audio.decoder_memory", {}]).encode())
    except (av.error.FFmpegError, ValueError, OverflowError) as error:
        write_record(
            answer, b"R", json.dumps(["audio.unreadable", {"detail": type(error).__name__}]).encode()
        )
    answer.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
