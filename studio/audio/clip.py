"""A piece of mono sound in memory."""

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]


@dataclass(frozen=True)
class AudioClip:
    """Mono sound: `samples` float32 of shape (n,), nominally within -1..1, at `sample_rate_hz`."""

    samples: Samples
    sample_rate_hz: int

    def __post_init__(self) -> None:
        samples = np.ascontiguousarray(self.samples, dtype=np.float32)
        if samples.ndim != 1:
            raise ValueError(f"an AudioClip is mono: shape (n,), not {samples.shape}")
        if self.sample_rate_hz <= 0:
            raise ValueError("sample_rate_hz must be positive")
        samples.flags.writeable = False
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
