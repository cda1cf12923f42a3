"""Pictures of a clip: waveform and spectrogram as PNG, light and dark, and peaks for drawing in the page."""

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from studio.audio.clip import AudioClip, Samples

_RANGE_DB = 80.0
_COLUMNS = 1200  # more can't be seen in the picture
_DPI = 100


@dataclass(frozen=True)
class Look:
    """Colours and size (pixels) of a picture; `dark` follows the page."""

    dark: bool = False
    width: int = 900
    height: int = 240

    @property
    def paper(self) -> str:
        return "#11181b" if self.dark else "#ffffff"

    @property
    def ink(self) -> str:
        return "#e6ecef" if self.dark else "#1d2529"

    @property
    def wave(self) -> str:
        return "#5cc8c2" if self.dark else "#0f766e"


def peaks(clip: AudioClip, n: int) -> NDArray[np.float32]:
    """Lowest and highest sample of `n` equal stretches, shape (n, 2); zeros for an empty clip."""
    if n <= 0:
        raise ValueError("n must be positive")
    if not len(clip.samples):
        return np.zeros((n, 2), dtype=np.float32)
    starts = np.arange(n) * len(clip.samples) // n
    low = np.minimum.reduceat(clip.samples, starts)
    return np.stack([low, np.maximum.reduceat(clip.samples, starts)], axis=1)


def waveform_png(clip: AudioClip, look: Look | None = None) -> bytes:
    """The waveform over time in seconds."""
    look = look or Look()
    figure, axes = _axes(look)
    drawn = peaks(clip, _COLUMNS)
    times = (np.arange(_COLUMNS) + 0.5) * clip.duration_s / _COLUMNS
    axes.fill_between(times, drawn[:, 0], drawn[:, 1], color=look.wave, linewidth=0.6)
    highest = max(1.0, float(np.abs(drawn).max()))
    axes.set(xlim=(0, max(clip.duration_s, 1e-3)), ylim=(-highest, highest), xlabel="s")
    axes.axhline(0, color=look.ink, linewidth=0.4)
    return _png(figure, axes, look)


def spectrogram_png(clip: AudioClip, look: Look | None = None) -> bytes:
    """The spectrogram over time (s) and frequency (kHz): 80 dB under its loudest point, 32 ms windows."""
    look = look or Look()
    figure, axes = _axes(look)
    levels = spectrogram_db(clip)
    extent = (0.0, max(clip.duration_s, 1e-3), 0.0, clip.sample_rate_hz / 2000)
    colours = "magma" if look.dark else "magma_r"
    axes.imshow(levels.T, origin="lower", aspect="auto", extent=extent, cmap=colours, vmin=-_RANGE_DB, vmax=0)
    axes.set(xlabel="s", ylabel="kHz")
    return _png(figure, axes, look)


def spectrogram_db(clip: AudioClip) -> NDArray[np.float32]:
    """Levels in dB under the loudest point, -80 at least, shape (columns, bands); at most 1200 columns."""
    size = max(64, int(0.032 * clip.sample_rate_hz))
    samples = np.pad(clip.samples, (0, max(0, size - len(clip.samples))))
    count = (len(samples) - size) // (size // 4) + 1
    columns = [
        _column(samples, part, size) for part in np.array_split(np.arange(count), min(count, _COLUMNS))
    ]
    power = np.array(columns, dtype=np.float64)
    loudest = power.max()
    if loudest <= 0:
        return np.full(power.shape, -_RANGE_DB, dtype=np.float32)
    return np.maximum(10 * np.log10(power / loudest + 1e-12), -_RANGE_DB).astype(np.float32)


def _column(samples: Samples, frames: NDArray[np.intp], size: int) -> NDArray[np.float64]:
    """The loudest of the frames of one column; of a long clip's many, eight spread over it."""
    chosen = frames if len(frames) <= 8 else frames[np.linspace(0, len(frames) - 1, 8).astype(int)]
    cut = np.stack([samples[f * (size // 4) : f * (size // 4) + size] for f in chosen])
    return np.asarray((np.abs(np.fft.rfft(cut * np.hanning(size), axis=1)) ** 2).max(axis=0))


def _axes(look: Look) -> tuple[Any, Any]:
    """A figure of its own canvas: pyplot keeps state that threads would share."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    size = (look.width / _DPI, look.height / _DPI)
    figure = Figure(figsize=size, dpi=_DPI, facecolor=look.paper, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot(facecolor=look.paper)
    return figure, axes


def _png(figure: Any, axes: Any, look: Look) -> bytes:
    axes.tick_params(colors=look.ink, labelsize=8)  # last: ticks made afterwards would be black
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(look.ink)
    axes.xaxis.label.set_color(look.ink)
    axes.yaxis.label.set_color(look.ink)
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=_DPI)
    return out.getvalue()
