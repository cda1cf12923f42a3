"""A piece of mono sound in memory."""

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from studio.errors import AudioRefused

Samples = NDArray[np.float32]


@dataclass(frozen=True)
class AudioClip:
    """Mono sound: `samples` float32 of shape (n,), nominally within -1..1, at `sample_rate_hz`.

    AudioRefused for more than one channel and for whole numbers, whose full scale nobody tells.
    """

    samples: Samples
    sample_rate_hz: int

    def __post_init__(self) -> None:
        given = np.asarray(self.samples)
        if given.ndim != 1:
            raise AudioRefused("audio.not_mono", shape=given.shape)
        if given.dtype.kind != "f":
            raise AudioRefused("audio.whole_numbers", kind=given.dtype)
        if self.sample_rate_hz <= 0:
            raise ValueError("sample_rate_hz must be positive")
        samples = np.ascontiguousarray(given, dtype=np.float32).view()
        samples.flags.writeable = False  # of this view: the caller's array stays the caller's
        object.__setattr__(self, "samples", samples)

    def __hash__(self) -> int:
        """By content: arrays have no hash, and Gradio hashes what a page's state holds."""
        return hash(self.content_id)

    @property
    def duration_s(self) -> float:
        return len(self.samples) / self.sample_rate_hz

    @cached_property
    def content_id(self) -> str:
        """SHA-256 (hex) of rate and samples: the same sound has the same id, whatever file it came in."""
        digest = hashlib.sha256(f"{self.sample_rate_hz}:".encode())
        digest.update(self.samples.tobytes())
        return digest.hexdigest()
