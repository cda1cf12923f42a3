"""Sounds on their way to a listener: made anew for each listener and trial, so that no two files are alike."""

import struct
import threading
from collections import OrderedDict

import numpy as np
from numpy.typing import NDArray

from studio.audio.clip import AudioClip, Samples
from studio.audio.resample import resample

KEPT_BYTES = 128 * 2**20
BEFORE_S, AFTER_S = (0.06, 0.16), (0.10, 0.20)  # silence around the sound, drawn anew each time
FULL = 32767.0


class SoundBox:
    """Opened stimuli at the rate they are served in, the latest used of them kept."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, int], Samples] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def find(self, asset_id: str, rate_hz: int) -> Samples | None:
        with self._lock:
            found = self._kept.get((asset_id, rate_hz))
            if found is not None:
                self._kept.move_to_end((asset_id, rate_hz))
            return found

    def keep(self, asset_id: str, clip: AudioClip, rate_hz: int) -> Samples:
        """Resample and keep; returns the samples."""
        samples = resample(clip, rate_hz).samples
        with self._lock:
            if (asset_id, rate_hz) not in self._kept:
                self._kept[asset_id, rate_hz] = samples
                self._bytes += samples.nbytes
            while self._bytes > KEPT_BYTES and len(self._kept) > 1:
                _, gone = self._kept.popitem(last=False)
                self._bytes -= gone.nbytes
        return samples


def disguised(samples: Samples, rate_hz: int, seed: int) -> bytes:
    """A 16-bit WAV without any tag. Its dither (triangular, 1 bit) and the silence around it follow from
    `seed`: inaudible, yet two files of one clip differ in length and in almost every byte.
    """
    generator = np.random.default_rng(seed)
    before, after = (int(generator.uniform(*span) * rate_hz) for span in (BEFORE_S, AFTER_S))
    sound = np.zeros(before + len(samples) + after, dtype=np.float32)
    sound[before : before + len(samples)] = samples
    return wav(_dithered(sound, generator), rate_hz)


def _dithered(sound: Samples, generator: np.random.Generator) -> NDArray[np.int16]:
    """Rounded to 16 bits over the sum of two even spreads of one bit, drawn four to a 64-bit word."""
    count = len(sound)
    words = generator.bit_generator.random_raw(count // 2 + 1)
    even = words.view("<i2")[: 2 * count]
    noise = np.add(even[:count], even[count:], dtype=np.float32)
    noise *= np.float32(2**-16)
    noise += sound * np.float32(FULL)
    return np.clip(np.rint(noise, out=noise), -FULL - 1, FULL, out=noise).astype("<i2")


def wav(samples: NDArray[np.int16], rate_hz: int) -> bytes:
    """Mono 16-bit PCM in the plainest RIFF there is: a format, the data, nothing else."""
    data = samples.tobytes()
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, rate_hz, rate_hz * 2, 2, 16)
    head = struct.pack("<4sI4s", b"RIFF", 4 + len(form) + 8 + len(data), b"WAVE")
    return head + form + struct.pack("<4sI", b"data", len(data)) + data
