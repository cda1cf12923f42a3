"""Kokoro's decoder and pitch predictor in PyTorch, on the ONNX graph's own weights, for gradients.

Only what a voice changes is here; the text side runs in onnxruntime. The architecture is StyleTTS 2's
with an iSTFTNet vocoder (Li et al. 2023, arXiv:2306.07691; Kaneko et al. 2022, arXiv:2203.02395).
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from studio.engines.kokoro.graph import GRAPH_GAIN, Weights

_ROOT = "/decoder/decoder"
_DILATIONS = (1, 3, 5)


@dataclass(frozen=True)
class Frames:
    """What the decoder is given for one sentence; shapes as in graph.py."""

    text: Tensor
    f0: Tensor
    energy: Tensor
    harmonics: Tensor

    def spoken(self, margin: int = 3) -> "Frames":
        """The stretch from the first to the last voiced frame, with a margin: silence teaches nothing."""
        voiced = torch.nonzero(self.f0[0, 0] > 40.0)[:, 0]
        if not len(voiced):
            return self
        return self.between(int(voiced[0]) // 2 - margin, int(voiced[-1]) // 2 + 1 + margin)

    def between(self, first: int, last: int) -> "Frames":
        """Frames of 25 ms from `first` to before `last`, within what there is."""
        first, last = max(0, first), min(self.text.shape[-1], last)
        return Frames(
            self.text[..., first:last],
            self.f0[..., 2 * first : 2 * last],
            self.energy[..., 2 * first : 2 * last],
            self.harmonics[..., 120 * first : 120 * last + 1],
        )


class Store:
    """The graph's weights as tensors, converted once and shared by every module."""

    def __init__(self, weights: Weights) -> None:
        self._weights = weights
        self._cache: dict[str, list[Tensor]] = {}
        self._lstm: torch.nn.LSTM | None = None

    def of(self, node: str) -> list[Tensor]:
        """Constant inputs of a node, e.g. weight and bias of a convolution."""
        if node not in self._cache:
            self._cache[node] = [torch.from_numpy(array.copy()) for array in self._weights.of(node)]
        return self._cache[node]

    def shared_lstm(self) -> torch.nn.LSTM:
        """The pitch predictor's bidirectional LSTM, built once."""
        if self._lstm is None:
            self._lstm = _shared_lstm(self)
        return self._lstm

    def has(self, node: str) -> bool:
        """Whether the graph has a node of this name."""
        return node in self._weights.inputs

    def named(self, name: str) -> Tensor:
        """One initialiser by its name."""
        if name not in self._cache:
            self._cache[name] = [torch.from_numpy(self._weights.initialisers[name].copy())]
        return self._cache[name][0]


def conv(store: Store, node: str, x: Tensor, stride: int = 1, padding: int = 0, dilation: int = 1) -> Tensor:
    """A convolution with the weights of the graph's node."""
    weight, *bias = store.of(f"{node}/Conv")
    return functional.conv1d(x, weight, bias[0] if bias else None, stride, padding, dilation)


class Styled:
    """Blocks steered by a style half of shape (1, 128), through AdaIN layers whose biases may move."""

    def __init__(self, store: Store, style: Tensor, biases: dict[str, Tensor] | None = None) -> None:
        self.store, self.style = store, style
        self._biases = biases or {}

    def adain(self, name: str, x: Tensor) -> Tensor:
        """Instance norm, then scale and shift predicted from the style. `name` as in the state dict."""
        bias = self._biases.get(f"{name}.fc.bias")
        bias = self.store.named(f"{name}.fc.bias") if bias is None else bias
        h = functional.linear(self.style, self.store.named(f"{name}.fc.weight"), bias)
        gamma, beta = h.unsqueeze(-1).chunk(2, dim=1)
        return (1 + gamma) * functional.instance_norm(x) + beta

    def residual(self, node: str, name: str, x: Tensor, upsample: bool = False) -> Tensor:
        """An AdainResBlk1d, optionally doubling the frame rate."""
        y = functional.leaky_relu(self.adain(f"{name}.norm1", x), 0.2)
        if upsample:
            weight, bias = self.store.of(f"{node}/pool/ConvTranspose")
            y = functional.conv_transpose1d(y, weight, bias, 2, 1, 1, groups=x.shape[1])
            x = functional.interpolate(x, scale_factor=2, mode="nearest")
        y = conv(self.store, f"{node}/conv1", y, padding=1)
        y = functional.leaky_relu(self.adain(f"{name}.norm2", y), 0.2)
        y = conv(self.store, f"{node}/conv2", y, padding=1)
        changes_width = self.store.has(f"{node}/conv1x1/Conv")
        shortcut = conv(self.store, f"{node}/conv1x1", x) if changes_width else x
        return (y + shortcut) / math.sqrt(2)

    def snake_block(self, node: str, name: str, x: Tensor) -> Tensor:
        """An AdaINResBlock1 of the vocoder: three pairs of convolutions with snake activations."""
        for i, dilation in enumerate(_DILATIONS):
            y = self._snake(f"{name}.adain1.{i}", f"{name}.alpha1.{i}", x)
            y = self._same(f"{node}/convs1.{i}", y, dilation)
            y = self._snake(f"{name}.adain2.{i}", f"{name}.alpha2.{i}", y)
            x = x + self._same(f"{node}/convs2.{i}", y, 1)
        return x

    def _snake(self, norm: str, alpha: str, x: Tensor) -> Tensor:
        x, a = self.adain(norm, x), self.store.named(alpha)
        return x + torch.sin(a * x).square() / a

    def _same(self, node: str, x: Tensor, dilation: int) -> Tensor:
        width = self.store.of(f"{node}/Conv")[0].shape[-1]
        return conv(self.store, node, x, padding=(width - 1) * dilation // 2, dilation=dilation)


def decode(store: Store, frames: Frames, timbre: Tensor, biases: dict[str, Tensor] | None = None) -> Tensor:
    """Waveform of shape (samples,) at 24 kHz from `frames` and the timbre half (1, 128) of a style.

    `biases` replaces AdaIN biases by initialiser name. Differentiable in timbre and biases.
    """
    styled, at, name = Styled(store, timbre, biases), _ROOT, "decoder.decoder"
    f0 = conv(store, f"{at}/F0_conv", frames.f0, stride=2, padding=1)
    energy = conv(store, f"{at}/N_conv", frames.energy, stride=2, padding=1)
    x = styled.residual(f"{at}/encode", f"{name}.encode", torch.cat([frames.text, f0, energy], 1))
    text = conv(store, f"{at}/asr_res/asr_res.0", frames.text)
    for i in range(4):
        x = torch.cat([x, text, f0, energy], 1)
        x = styled.residual(f"{at}/decode.{i}", f"{name}.decode.{i}", x, upsample=i == 3)
    return _vocode(styled, x, frames.harmonics)


def _vocode(styled: Styled, x: Tensor, harmonics: Tensor) -> Tensor:
    """Frames (1, 512, 2 * frames) to samples, with the harmonic source added at both rates."""
    store, at, name = styled.store, f"{_ROOT}/generator", "decoder.decoder.generator"
    for i, (stride, source) in enumerate(((10, {"stride": 6, "padding": 3}), (6, {}))):
        extra = conv(store, f"{at}/noise_convs.{i}", harmonics, **source)
        extra = styled.snake_block(f"{at}/noise_res.{i}", f"{name}.noise_res.{i}", extra)
        weight, bias = store.of(f"{at}/ups.{i}/ConvTranspose")
        x = functional.leaky_relu(x, 0.1)
        x = functional.conv_transpose1d(x, weight, bias, stride, (weight.shape[-1] - stride) // 2)
        if i == 1:
            x = functional.pad(x, (1, 0), mode="reflect")
        x = x + extra
        blocks = range(3 * i, 3 * i + 3)
        x = torch.stack(
            [styled.snake_block(f"{at}/resblocks.{b}", f"{name}.resblocks.{b}", x) for b in blocks]
        )
        x = x.mean(0)
    x = conv(store, f"{at}/conv_post", functional.leaky_relu(x), padding=3)
    spectrum, phase = x[:, :11].exp(), torch.sin(x[:, 11:])
    return _inverse_stft(spectrum, phase)


def _inverse_stft(magnitude: Tensor, phase: Tensor) -> Tensor:
    """Inverse STFT of 20 samples, hop 5, periodic Hann window, centred: (1, 11, n) to (5 * (n - 1),).

    The exported graph leaves out the division by the summed squared windows (1.5 at this hop): so does this.
    """
    window = torch.hann_window(20, periodic=True, dtype=magnitude.dtype)
    return torch.istft(torch.polar(magnitude, phase), 20, 5, 20, window=window, center=True)[0] * GRAPH_GAIN


@torch.no_grad()
def shared_text(store: Store, text: Tensor) -> Tensor:
    """PROSODY_TEXT through the predictor's shared LSTM, (1, 512, frames): no style enters here."""
    shared: Tensor = store.shared_lstm()(text.transpose(1, 2))[0].transpose(1, 2)
    return shared


def predict_pitch(store: Store, shared: Tensor, prosody: Tensor) -> Tensor:
    """F0 in Hz, shape (2 * frames,), from shared_text's result and the prosody half (1, 128) of a style."""
    styled = Styled(store, prosody)
    x = shared
    for i in range(3):
        x = styled.residual(f"/encoder/F0.{i}", f"encoder.predictor.F0.{i}", x, upsample=i == 1)
    return conv(store, "/encoder/F0_proj", x)[0, 0]


def _shared_lstm(store: Store) -> torch.nn.LSTM:
    """The predictor's bidirectional LSTM; ONNX orders gates i, o, f, c and PyTorch i, f, c, o."""
    inputs, recurrent, bias = store.of("/encoder/shared/LSTM")[:3]
    lstm = torch.nn.LSTM(inputs.shape[-1], recurrent.shape[-1], batch_first=True, bidirectional=True)

    def gates(w: Tensor) -> Tensor:
        i, o, f, c = w.chunk(4)
        return torch.cat([i, f, c, o])

    state = {}
    for direction, suffix in enumerate(("", "_reverse")):
        input_bias, recurrent_bias = bias[direction].chunk(2)
        state[f"weight_ih_l0{suffix}"] = gates(inputs[direction])
        state[f"weight_hh_l0{suffix}"] = gates(recurrent[direction])
        state[f"bias_ih_l0{suffix}"] = gates(input_bias)
        state[f"bias_hh_l0{suffix}"] = gates(recurrent_bias)
    lstm.load_state_dict(state)
    return lstm.requires_grad_(False)
