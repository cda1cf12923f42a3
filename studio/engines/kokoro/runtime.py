"""Kokoro loaded: sessions for speaking and for fitting, opened when first needed."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from studio.engines.kokoro import graph
from studio.engines.kokoro.voice import Array, KokoroVoice
from studio.errors import EngineTrouble


@dataclass(frozen=True)
class Biases:
    """The decoder's AdaIN biases as shipped, by initialiser name in sorted order."""

    shipped: dict[str, Array]

    def moved(self, delta: Array) -> dict[str, Array]:
        """Session inputs with a flat `delta` (37396,) added; none for an empty delta."""
        if not delta.size:
            return {}
        sizes = [array.size for array in self.shipped.values()]
        pieces = np.split(delta, np.cumsum(sizes)[:-1])
        return {name: base + piece for (name, base), piece in zip(self.shipped.items(), pieces, strict=True)}


@dataclass(frozen=True)
class Speaking:
    """The whole graph: ids and a voice in, 24 kHz samples out."""

    session: Any
    biases: Biases

    def speak(
        self, ids: Sequence[int], voice: KokoroVoice, style: Array, speed: float, blend: float
    ) -> Array:
        """Samples (n,) float32 at 24 kHz, at the model's own level."""
        feeds = graph.feeds(ids, style, speed) | self.biases.moved(blend * voice.biases)
        try:
            waveform = self.session.run(["waveform"], feeds)[0][0]
        except Exception as error:  # onnxruntime raises its own untyped errors
            raise EngineTrouble("kokoro.run_failed", reason=str(error)[:200]) from error
        samples = np.asarray(waveform, np.float32) / np.float32(graph.GRAPH_GAIN)
        if not np.isfinite(samples).all():
            raise EngineTrouble("kokoro.run_failed", reason="the output is not a number")
        return samples


@dataclass(frozen=True)
class Fitting:
    """The front of the graph, without its decoder, and the weights the decoder needs in PyTorch."""

    session: Any
    weights: graph.Weights
    bias_names: tuple[str, ...]

    def front(self, ids: Sequence[int], style: Array) -> dict[str, Array]:
        """Named intermediate arrays for one sentence (see graph.py)."""
        outputs = list(FRONT_OUTPUTS)
        values = self.session.run(outputs, graph.feeds(ids, style, 1.0))
        return dict(zip(outputs, values, strict=True))


FRONT_OUTPUTS = (graph.ALIGNED_TEXT, graph.F0_CURVE, graph.ENERGY, graph.HARMONICS, graph.PROSODY_TEXT)


def open_speaking(model_path: Path, threads: int) -> Speaking:
    """Load the graph for speaking (a few seconds)."""
    model = graph.read_model(model_path)
    names = graph.bias_names(model)
    weights = graph.weights_of(model)
    biases = Biases({name: weights.initialisers[name].copy() for name in names})
    graph.open_biases(model)
    return Speaking(graph.start_session(model, threads), biases)


def open_fitting(model_path: Path, threads: int) -> Fitting:
    """Load the graph for fitting; its decoder's weights stay in memory as arrays."""
    model = graph.read_model(model_path)
    weights = graph.weights_of(model)
    session = graph.start_session(graph.cut_to(model, FRONT_OUTPUTS), threads)
    return Fitting(session, weights, graph.bias_names(model))
