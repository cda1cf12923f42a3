"""The PyTorch decoder and pitch predictor say what the ONNX graph says."""

from pathlib import Path

import numpy as np
import pytest
import torch

from studio.engines.kokoro import graph
from studio.engines.kokoro.decoder import Frames, Store, decode, predict_pitch, shared_text
from studio.engines.kokoro.presets import load_style
from studio.engines.kokoro.runtime import FRONT_OUTPUTS, Fitting, open_fitting, open_speaking
from studio.engines.kokoro.voice import BIAS_SIZE, KokoroVoice

pytestmark = pytest.mark.models
IDS = [50, 83, 54, 57, 16, 65, 87, 54, 46, 4]


@pytest.fixture(scope="module")
def fitting(models: Path) -> Fitting:
    return open_fitting(models / "kokoro-82m" / "model.onnx", 2)


@pytest.fixture(scope="module")
def voice(models: Path) -> KokoroVoice:
    return KokoroVoice(load_style(models / "kokoro-voices", "if_sara"))


def _relative_error(made: np.ndarray, wanted: np.ndarray) -> float:
    return float(np.sqrt(np.square(made - wanted).mean() / np.square(wanted).mean()))


def test_decoder_with_moved_biases_equals_onnxruntime(
    fitting: Fitting, voice: KokoroVoice, models: Path
) -> None:
    style = voice.style_for(len(IDS))
    delta = np.random.default_rng(0).normal(scale=0.1, size=BIAS_SIZE).astype(np.float32)
    moved = KokoroVoice(voice.style, voice.offset, delta)
    speaking = open_speaking(models / "kokoro-82m" / "model.onnx", 2)
    plain = speaking.speak(IDS, voice, style, 1.0, 1.0)
    wanted = speaking.speak(IDS, moved, style, 1.0, 1.0)
    front = {name: torch.from_numpy(array) for name, array in fitting.front(IDS, style).items()}
    frames = Frames(*(front[name] for name in FRONT_OUTPUTS[:4]))
    store = Store(fitting.weights)
    pieces = torch.from_numpy(delta).split([store.named(name).numel() for name in fitting.bias_names])
    biases = {n: store.named(n) + piece for n, piece in zip(fitting.bias_names, pieces, strict=True)}
    timbre = torch.from_numpy(style[None, :128])
    with torch.no_grad():
        made = decode(store, frames, timbre, biases).numpy() / graph.GRAPH_GAIN
        made_plain = decode(store, frames, timbre).numpy() / graph.GRAPH_GAIN
    assert made.shape == wanted.shape
    # the vocoder's exponentials magnify the last bits of float32: about 2 % of the level, not to the bit
    assert _relative_error(made_plain, plain) < 0.04
    assert _relative_error(made, wanted) < 0.04
    assert _relative_error(plain, wanted) > 0.15


def test_pitch_predictor_equals_onnxruntime_and_has_a_gradient(fitting: Fitting, voice: KokoroVoice) -> None:
    style = voice.style_for(len(IDS))
    front = fitting.front(IDS, style)
    prosody = torch.from_numpy(style[None, 128:].copy()).requires_grad_()
    store = Store(fitting.weights)
    curve = predict_pitch(store, shared_text(store, torch.from_numpy(front[graph.PROSODY_TEXT])), prosody)
    assert np.allclose(curve.detach().numpy(), front[graph.F0_CURVE][0, 0], atol=0.05)
    curve.mean().backward()
    assert prosody.grad is not None
    assert float(prosody.grad.norm()) > 0
