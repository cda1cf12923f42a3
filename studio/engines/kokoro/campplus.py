"""The CAM++ speaker encoder, run straight from its checkpoint (Wang et al. 2023, arXiv:2303.00332)."""

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional

_BLOCKS = ((12, 1), (24, 2), (16, 2))  # layers and dilation of the three dense blocks
_SEGMENT = 100  # frames a local context is averaged over


class CamPlusPlus:
    """Embeds 16 kHz sound; `state` is the checkpoint's state dict, kept in evaluation mode."""

    def __init__(self, state: Mapping[str, Tensor]) -> None:
        self._p = {name: tensor.float() for name, tensor in state.items()}

    def __call__(self, samples: Tensor) -> Tensor:
        """Embedding (192,) of samples (n,) at 16 kHz; differentiable."""
        x = kaldi_fbank(samples)
        x = (x - x.mean(0)).T[None]
        x = self._head(x[:, None])
        x = functional.conv1d(x, self._p["xvector.tdnn.linear.weight"], stride=2, padding=2)
        x = self._norm_relu("xvector.tdnn.nonlinear", x)
        for i, (layers, dilation) in enumerate(_BLOCKS, start=1):
            for j in range(1, layers + 1):
                x = torch.cat([x, self._dense(f"xvector.block{i}.tdnnd{j}", x, dilation)], 1)
            x = self._norm_relu(f"xvector.transit{i}.nonlinear", x)
            x = functional.conv1d(x, self._p[f"xvector.transit{i}.linear.weight"])
        x = self._norm_relu("xvector.out_nonlinear", x)
        x = torch.cat([x.mean(-1), x.std(-1)], 1)
        x = functional.linear(x, self._p["xvector.dense.linear.weight"][..., 0])
        return self._norm("xvector.dense.nonlinear.batchnorm", x)[0]

    def _norm(self, name: str, x: Tensor) -> Tensor:
        p = self._p
        weight, bias = p.get(f"{name}.weight"), p.get(f"{name}.bias")
        return functional.batch_norm(x, p[f"{name}.running_mean"], p[f"{name}.running_var"], weight, bias)

    def _norm_relu(self, name: str, x: Tensor) -> Tensor:
        return functional.relu(self._norm(f"{name}.batchnorm", x))

    def _head(self, x: Tensor) -> Tensor:
        x = functional.relu(self._norm("head.bn1", self._conv2d("head.conv1", x, 1)))
        for layer in ("head.layer1", "head.layer2"):
            x = self._residual(f"{layer}.0", x, 2)
            x = self._residual(f"{layer}.1", x, 1)
        x = functional.relu(self._norm("head.bn2", self._conv2d("head.conv2", x, 2)))
        return x.flatten(1, 2)

    def _conv2d(self, name: str, x: Tensor, stride: int, padding: int = 1) -> Tensor:
        return functional.conv2d(x, self._p[f"{name}.weight"], stride=(stride, 1), padding=padding)

    def _residual(self, name: str, x: Tensor, stride: int) -> Tensor:
        y = functional.relu(self._norm(f"{name}.bn1", self._conv2d(f"{name}.conv1", x, stride)))
        y = self._norm(f"{name}.bn2", self._conv2d(f"{name}.conv2", y, 1))
        if f"{name}.shortcut.0.weight" in self._p:
            x = self._norm(f"{name}.shortcut.1", self._conv2d(f"{name}.shortcut.0", x, stride, padding=0))
        return functional.relu(x + y)

    def _dense(self, name: str, x: Tensor, dilation: int) -> Tensor:
        p, cam = self._p, f"{name}.cam_layer"
        x = functional.conv1d(self._norm_relu(f"{name}.nonlinear1", x), p[f"{name}.linear1.weight"])
        x = self._norm_relu(f"{name}.nonlinear2", x)
        local = functional.conv1d(x, p[f"{cam}.linear_local.weight"], padding=dilation, dilation=dilation)
        context = x.mean(-1, keepdim=True) + _segment_means(x)
        context = functional.relu(
            functional.conv1d(context, p[f"{cam}.linear1.weight"], p[f"{cam}.linear1.bias"])
        )
        gate = torch.sigmoid(functional.conv1d(context, p[f"{cam}.linear2.weight"], p[f"{cam}.linear2.bias"]))
        return local * gate


def _segment_means(x: Tensor) -> Tensor:
    means = functional.avg_pool1d(x, _SEGMENT, _SEGMENT, ceil_mode=True)
    return means.repeat_interleave(_SEGMENT, dim=-1)[..., : x.shape[-1]]


def kaldi_fbank(samples: Tensor) -> Tensor:
    """80 log mel energies (frames, 80) at 16 kHz as Kaldi computes them, without dither; differentiable."""
    from torchaudio.compliance import kaldi

    if kaldi.EPSILON.is_inference():  # first imported while somebody inferred: no gradient could pass it
        kaldi.EPSILON = kaldi.EPSILON.clone()
    features: Tensor = kaldi.fbank(samples[None], num_mel_bins=80, sample_frequency=16_000, dither=0.0)
    return features
