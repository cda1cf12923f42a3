"""Uploaded bytes -> AudioClip, in a child process with limits: a bomb or a crash costs only the child."""

import json
import os
import selectors
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from studio.audio.clip import AudioClip
from studio.audio.mixdown import Mixdown
from studio.audio.sniff import DEMUXERS, container_of, looks_like_text, wave_header
from studio.errors import AudioRefused

CHILD = (sys.executable, "-I", str(Path(__file__).with_name("decode_child.py")))
_LOUDEST = 16.0  # floating-point files may go a little over 1; whole numbers in disguise go far over


@dataclass(frozen=True)
class DecodeLimits:
    """How much of a file is believed and decoded. `max_values` caps duration x rate x channels."""

    max_bytes: int = 50_000_000
    max_duration_s: float = 900.0
    max_values: int = 90_000_000
    max_channels: int = 8
    min_rate_hz: int = 4_000
    max_rate_hz: int = 384_000
    timeout_s: float = 30.0
    memory_bytes: int = 1 << 30


@dataclass(frozen=True)
class DecodedAudio:
    """A decoded file: the mono clip and what the file was."""

    clip: AudioClip
    container: str
    codec: str
    channels: int


def decode(data: bytes, name: str, limits: DecodeLimits | None = None) -> AudioClip:
    """Decode wav, flac, mp3, ogg, m4a/aac, webm or aiff to mono float32 at the file's own rate.

    `name` is only quoted in messages. Raises AudioRefused, with what to do, for everything that is not
    usable sound within `limits`.
    """
    return decode_file(data, name, limits).clip


def decode_file(
    data: bytes, name: str, limits: DecodeLimits | None = None, child: Sequence[str] = CHILD
) -> DecodedAudio:
    """`decode` with the file's container, codec and channels; `child` is the decoder's command line."""
    limits = limits or DecodeLimits()
    shown = shown_name(name)
    container = check_file(data, shown, limits)
    try:
        return _collect(records(child, data, container, limits), container, shown)
    except AudioRefused as refusal:
        raise AudioRefused(refusal.key, **({"file": shown} | refusal.facts)) from None


def shown_name(name: str) -> str:
    """A file's name fit for a message: no folders, no control characters, at most 60 characters."""
    base = name.replace("\\", "/").rsplit("/", 1)[-1]
    clean = "".join(c for c in base if c.isprintable())
    return clean if 0 < len(clean) <= 60 else f"{clean[:40]}…{clean[-15:]}" if clean else "?"


def check_file(data: bytes, name: str, limits: DecodeLimits) -> str:
    """The container, by content; AudioRefused for what can be refused without decoding anything."""
    if not data:
        raise AudioRefused("audio.no_bytes", file=name)
    if len(data) > limits.max_bytes:
        size, most = len(data) / 1e6, limits.max_bytes / 1e6
        raise AudioRefused("audio.too_big", file=name, size_mb=size, limit_mb=most)
    container = container_of(data)
    if container is None:
        kind = "audio.not_audio_text" if looks_like_text(data) else "audio.not_audio"
        raise AudioRefused(kind, file=name)
    if container == "wav" and data[:4] == b"RIFF":
        _check_wave(data, name, limits)
    return container


def _check_wave(data: bytes, name: str, limits: DecodeLimits) -> None:
    header = wave_header(data, name)
    if not limits.min_rate_hz <= header.sample_rate_hz <= limits.max_rate_hz:
        raise AudioRefused("audio.silly_rate", file=name, rate_hz=header.sample_rate_hz)
    if not 1 <= header.channels <= limits.max_channels:
        raise AudioRefused("audio.too_many_channels", file=name, channels=header.channels)
    if header.declared_s is not None and header.declared_s > limits.max_duration_s:
        limit_s = limits.max_duration_s
        raise AudioRefused("audio.too_long", file=name, duration_s=header.declared_s, limit_s=limit_s)
    if header.truncated:
        detail = f"{header.data_bytes} > {header.present_bytes} bytes"
        raise AudioRefused("audio.lying_header", file=name, detail=detail)


def _collect(found: Iterator[tuple[bytes, bytes]], container: str, name: str) -> DecodedAudio:
    header: dict[str, object] | None = None
    mix: Mixdown | None = None
    for kind, body in found:
        if kind == b"R":
            key, facts = json.loads(body)
            raise AudioRefused(key, **facts)
        if kind == b"H":
            header = json.loads(body)
            mix = Mixdown(int(str(header["channels"])))
        elif kind == b"S" and mix:
            mix.add(body)
    if header is None or mix is None or not mix.frames:
        raise AudioRefused("audio.no_sound")
    clip = _checked(AudioClip(mix.mono(), int(str(header["rate"]))))
    _check_claim(header["duration_s"], clip, container)
    return DecodedAudio(clip, container, str(header["codec"]), mix.channels)


def _checked(clip: AudioClip) -> AudioClip:
    if not np.isfinite(clip.samples).all():
        raise AudioRefused("audio.not_finite")
    peak = float(np.abs(clip.samples).max())
    if peak > _LOUDEST:
        raise AudioRefused("audio.out_of_range", peak=peak)
    return clip


def _check_claim(declared_s: object, clip: AudioClip, container: str) -> None:
    """FLAC states its exact length: a file that holds something else was cut off or tampered with."""
    if container != "flac" or not isinstance(declared_s, float):
        return
    if abs(declared_s - clip.duration_s) > max(0.1, 0.01 * declared_s):
        detail = f"{declared_s:.1f} s, {clip.duration_s:.1f} s"
        raise AudioRefused("audio.lying_header", detail=detail)


def records(
    child: Sequence[str], data: bytes | BinaryIO, container: str, limits: DecodeLimits
) -> Iterator[tuple[bytes, bytes]]:
    """Run the child and yield its records; AudioRefused when it dies, hangs or talks too much.

    `data` is the file's bytes, or the opened file, which the child then reads piece by piece.
    """
    stdin = subprocess.PIPE if isinstance(data, bytes) else data
    facts = {
        "whole": isinstance(data, bytes),
        "demuxer": DEMUXERS[container],
        "cpu_s": int(limits.timeout_s) + 1,
        **{k: getattr(limits, k) for k in ("max_duration_s", "max_values", "max_channels", "min_rate_hz")},
        **{k: getattr(limits, k) for k in ("max_rate_hz", "memory_bytes")},
    }
    process = subprocess.Popen(
        [*child, json.dumps(facts)],
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={},  # the child needs none of our environment, secrets least of all
    )
    feeder = threading.Thread(target=_feed, args=(process, data), daemon=True)
    try:
        feeder.start()
        yield from _parse(_output(process, limits), process)
    finally:
        process.kill()
        process.wait()
        feeder.join()
        for pipe in (process.stdin, process.stdout):
            if pipe:
                pipe.close()


def _feed(process: subprocess.Popen[bytes], data: bytes | BinaryIO) -> None:
    if process.stdin is None or not isinstance(data, bytes):
        return  # it reads the file itself
    try:
        process.stdin.write(data)
        process.stdin.close()
    except BrokenPipeError:
        pass  # the child has refused or died: its answer, or its absence, says so


def _output(process: subprocess.Popen[bytes], limits: DecodeLimits) -> Iterator[bytes]:
    """Pieces of the child's output, until it closes, time runs out or it says more than it may."""
    assert process.stdout
    deadline, left = time.monotonic() + limits.timeout_s, limits.max_values * 4 + 50_000_000
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while True:
            left_s = (
                deadline - time.monotonic()
            )  # asked each time: a child that never falls silent is late too
            if left_s <= 0 or not selector.select(left_s):
                raise AudioRefused("audio.decoder_timeout", limit_s=limits.timeout_s)
            piece = os.read(process.stdout.fileno(), 1 << 20)
            left -= len(piece)
            if left < 0:
                raise AudioRefused("audio.decoder_crashed", detail="output")
            if not piece:
                return
            yield piece


def _parse(pieces: Iterator[bytes], process: subprocess.Popen[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """Cut the output into records; a child that stops before its last record has crashed."""
    buffer = bytearray()
    for piece in pieces:
        buffer += piece
        while len(buffer) >= 5:
            kind, size = struct.unpack_from("<cI", buffer)
            if len(buffer) < 5 + size:
                break
            yield kind, bytes(buffer[5 : 5 + size])
            del buffer[: 5 + size]
            if kind in (b"E", b"R"):
                return
    code = process.wait()
    raise AudioRefused("audio.decoder_crashed", detail=f"signal {-code}" if code < 0 else f"exit {code}")
