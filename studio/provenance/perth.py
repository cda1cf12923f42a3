"""The Perth watermark (Resemble AI, MIT), its weights from the package's wheel: loaded on first use."""

import logging
import threading

import numpy as np

from studio.audio.clip import AudioClip, Samples
from studio.audio.resample import resample
from studio.errors import EngineTrouble
from studio.provenance.perth_net import RATE_HZ, PerthNet
from studio.provenance.perth_weights import weights_file
from studio.provenance.watermark import CERTAIN, DOUBTFUL

log = logging.getLogger(__name__)
_SILENT = 1e-5
_SHORTEST = 2048  # a shorter sound can't be transformed: silence follows it


class PerthWatermarker:
    """Adds Perth's mark and nothing else.

    Perth's own code gives back a sound that went through its rate and its transform. Here only the mark is
    computed at that rate and added to the clip: what lies above 2 kHz stays as it was. Safe to call from
    several threads.
    """

    name = "Perth 1.0.1"

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loaded: PerthNet | None = None

    def check(self) -> None:
        """EngineTrouble unless the package and its weights are there."""
        try:
            weights_file()
        except (FileNotFoundError, ValueError) as error:
            log.error("nothing can be generated: %s", error)
            raise EngineTrouble("provenance.no_watermark", reason=str(error)) from error

    def load(self) -> None:
        self._net()

    def mark_of(self, clip: AudioClip) -> Samples:
        net, heard = self._net(), resample(clip, RATE_HZ).samples
        if not len(heard) or float(np.abs(heard).max()) < _SILENT:
            return np.zeros_like(clip.samples)
        mark = AudioClip(net.mark(_long_enough(heard))[: len(heard)], RATE_HZ)
        back = resample(mark, clip.sample_rate_hz).samples[: len(clip.samples)]
        return np.pad(back, (0, len(clip.samples) - len(back)))

    def confidence(self, clip: AudioClip) -> float:
        net, heard = self._net(), resample(clip, RATE_HZ).samples
        if not len(heard) or float(np.abs(heard).max()) < _SILENT:
            return 0.0
        found = net.confidence(_long_enough(heard))
        return found if np.isfinite(found) else 0.0

    def _net(self) -> PerthNet:
        with self._lock:
            if self._loaded is None:
                self._loaded = _load()
            return self._loaded


def _load() -> PerthNet:
    """The network, tried out; EngineTrouble when anything is wrong with it."""
    try:
        net = PerthNet()
    except (OSError, ValueError, KeyError) as error:
        log.exception("the watermark could not be loaded")
        raise EngineTrouble("provenance.no_watermark", reason=str(error)[:200]) from error
    plain = _trial()
    without, found = net.confidence(plain), net.confidence(plain + net.mark(plain))
    if not (without < DOUBTFUL and found >= CERTAIN):
        reason = f"its own test failed: {found:.2f} with a mark, {without:.2f} without"
        raise EngineTrouble("provenance.no_watermark", reason=reason)
    return net


def _trial() -> Samples:
    """Three seconds of something like a voice."""
    time = np.arange(3 * RATE_HZ) / RATE_HZ
    glide = 2 * np.pi * (140 * time + 12 * np.sin(2 * np.pi * 0.7 * time))
    wave = sum(np.sin(k * glide) / k for k in range(1, 30))
    return (0.1 * (0.6 + 0.4 * np.sin(2 * np.pi * 3.3 * time)) * wave).astype(np.float32)


def _long_enough(samples: Samples) -> Samples:
    return np.pad(samples, (0, max(0, _SHORTEST - len(samples))))
