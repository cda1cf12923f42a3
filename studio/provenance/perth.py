"""The Perth watermark (Resemble AI, MIT), weights in its wheel: loaded on first use, on the CPU."""

import contextlib
import importlib.util
import io
import logging
import threading
from pathlib import Path
from typing import Any

import numpy as np

from studio.audio.clip import AudioClip, Samples
from studio.audio.resample import resample
from studio.errors import EngineTrouble
from studio.provenance.watermark import CERTAIN, DOUBTFUL

log = logging.getLogger(__name__)
RATE_HZ = 32_000  # what Perth works at; its mark lies below 2 kHz
_SILENT = 1e-5
_NEEDS = ("torch", "torchaudio", "pkg_resources", "librosa", "perth")


class PerthWatermarker:
    """Adds Perth's mark and nothing else.

    Perth gives back a sound that went through its own rate and transform. Here only the difference between
    that sound with and without the mark is taken, and added to the clip: what lies above 2 kHz stays as it
    was, bit for bit. Safe to call from several threads.
    """

    name = "Perth 1.0.1"

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loaded: Any = None

    def check(self) -> None:
        """What it needs is installed. The package itself hides a failed import: its class becomes None."""
        for module in _NEEDS:
            if importlib.util.find_spec(module) is None:
                raise EngineTrouble("provenance.no_watermark", reason=f"{module} is not installed")
        found = importlib.util.find_spec("perth")
        folder = Path(found.origin).parent if found and found.origin else Path()
        if not any(folder.glob("perth_net/pretrained/implicit/*.pth.tar")):
            raise EngineTrouble("provenance.no_watermark", reason="its weights are missing")

    def load(self) -> None:
        self._net()

    def mark_of(self, clip: AudioClip) -> Samples:
        if not len(clip.samples) or float(np.abs(clip.samples).max()) < _SILENT:
            return np.zeros_like(clip.samples)
        mark = _mark(self._net(), resample(clip, RATE_HZ).samples)
        back = resample(AudioClip(mark, RATE_HZ), clip.sample_rate_hz).samples[: len(clip.samples)]
        return np.pad(back, (0, len(clip.samples) - len(back)))

    def confidence(self, clip: AudioClip) -> float:
        if not len(clip.samples) or float(np.abs(clip.samples).max()) < _SILENT:
            return 0.0
        return _confidence(self._net(), resample(clip, RATE_HZ).samples)

    def _net(self) -> Any:
        with self._lock:
            if self._loaded is None:
                self.check()
                self._loaded = _load()
            return self._loaded


def _load() -> Any:
    """The network, tried out; EngineTrouble when anything is wrong with it."""
    try:
        import perth
        from perth.perth_net import PREPACKAGED_MODELS_DIR
        from perth.perth_net.perth_net_implicit.model.perth_net import PerthNet

        if perth.PerthImplicitWatermarker is None:
            raise ImportError("perth.PerthImplicitWatermarker is None")
        with contextlib.redirect_stdout(io.StringIO()):  # it greets on standard output
            net = PerthNet.load("implicit", PREPACKAGED_MODELS_DIR).eval()
    except Exception as error:
        log.exception("the watermark could not be loaded")
        raise EngineTrouble("provenance.no_watermark", reason=str(error)[:200] or repr(error)) from error
    _try_out(net)
    return net


def _try_out(net: Any) -> None:
    """A sound with a mark is told from the same sound without."""
    time = np.arange(3 * RATE_HZ) / RATE_HZ
    glide = 2 * np.pi * (140 * time + 12 * np.sin(2 * np.pi * 0.7 * time))
    wave = sum(np.sin(k * glide) / k for k in range(1, 30))
    plain = (0.1 * (0.6 + 0.4 * np.sin(2 * np.pi * 3.3 * time)) * wave).astype(np.float32)
    without, found = _confidence(net, plain), _confidence(net, plain + _mark(net, plain))
    if not (without < DOUBTFUL and found >= CERTAIN):
        reason = f"its own test failed: {found:.2f} with a mark, {without:.2f} without"
        raise EngineTrouble("provenance.no_watermark", reason=reason)


def _mark(net: Any, samples: Samples) -> Samples:
    import torch

    with torch.inference_mode():
        magnitude, phase = net.ap.signal_to_magphase(torch.from_numpy(_long_enough(net, samples)))
        marked, _ = net.encoder(magnitude[None])
        difference = net.ap.magphase_to_signal(marked[0], phase) - net.ap.magphase_to_signal(magnitude, phase)
    result: Samples = difference.numpy().astype(np.float32)
    return result[: len(samples)]


def _confidence(net: Any, samples: Samples) -> float:
    """Not rounded: Perth's own rounding turns a coincidence into a mark."""
    import torch

    with torch.inference_mode():
        magnitude, _ = net.ap.signal_to_magphase(torch.from_numpy(_long_enough(net, samples)))
        found = float(net.decoder(magnitude[None])[0])
    return found if np.isfinite(found) else 0.0


def _long_enough(net: Any, samples: Samples) -> Samples:
    """A copy; what is shorter than a window can't be transformed, so silence follows it."""
    return np.pad(samples, (0, max(0, int(net.hp.n_fft) - len(samples))))
