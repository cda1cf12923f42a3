"""A long recording, window by window: however long it is, little of it is in memory at a time."""

import json
import mmap
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import numpy as np

from studio.audio.clip import AudioClip
from studio.audio.decode import CHILD, DecodeLimits, check_file, records, shown_name
from studio.audio.mixdown import Mixdown
from studio.errors import AudioRefused

WINDOW_S = 30.0
_FULL = 0.9999
LONG = DecodeLimits(
    max_bytes=16 * 10**9,
    max_duration_s=24 * 3600.0,
    max_values=24 * 3600 * 96_000 * 2,
    timeout_s=6 * 3600.0,
)


def decode_windows(
    path: Path, name: str, limits: DecodeLimits = LONG, window_s: float = WINDOW_S
) -> Iterator[AudioClip]:
    """Decode a file to mono windows of `window_s` (the last may be shorter), in a child with limits.

    Raises AudioRefused as `decode` does, perhaps after some windows: keep nothing before the end is reached.
    """
    shown = shown_name(name)
    container = _container(path, shown, limits)
    try:
        with path.open("rb") as file:
            yield from _windows(records(CHILD, file, container, limits), window_s)
    except AudioRefused as refusal:
        raise AudioRefused(refusal.key, **({"file": shown} | refusal.facts)) from None


def _container(path: Path, name: str, limits: DecodeLimits) -> str:
    """Looked at where it lies: the file is mapped, not read."""
    if not path.stat().st_size:
        raise AudioRefused("audio.no_bytes", file=name)
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        return check_file(cast(bytes, mapped), name, limits)


def _windows(found: Iterator[tuple[bytes, bytes]], window_s: float) -> Iterator[AudioClip]:
    rate = channels = size = held = 0
    pieces: list[bytes] = []
    for kind, body in found:
        if kind == b"R":
            key, facts = json.loads(body)
            raise AudioRefused(key, **facts)
        if kind == b"H":
            header = json.loads(body)
            rate, channels = int(header["rate"]), int(header["channels"])
            size = int(window_s * rate) * channels * 4
        elif kind == b"S":
            pieces.append(body)
            held += len(body)
            while held >= size:
                joined = b"".join(pieces)
                yield _mono(joined[:size], rate, channels)
                pieces, held = [joined[size:]], held - size
    if not rate:
        raise AudioRefused("audio.no_sound")
    if held:
        yield _mono(b"".join(pieces), rate, channels)


def _mono(interleaved: bytes, rate: int, channels: int) -> AudioClip:
    mix = Mixdown(channels)
    mix.add(interleaved)
    samples = mix.mono()
    if not np.isfinite(samples).all():
        raise AudioRefused("audio.not_finite")
    # Cut off, not turned down: a window that was turned down would not fit to its neighbours.
    return AudioClip(np.clip(samples, -_FULL, _FULL), rate)
