"""Speaker encoders that steer a fit: ECAPA-TDNN and CAM++. The judge (WeSpeaker) is never among them."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from studio.engines.kokoro.campplus import CamPlusPlus

RATE_HZ = 16_000
_WINDOW_S, _HOP_S = 4.0, 2.0


@dataclass(frozen=True)
class SpeakerEncoders:
    """Functions from 16 kHz samples (n,) to embeddings (192,), in a fixed order."""

    encoders: Sequence[Callable[[Tensor], Tensor]]

    def embed(self, samples: Tensor) -> list[Tensor]:
        """One unit vector an encoder; differentiable in `samples`."""
        return [functional.normalize(encode(samples), dim=0) for encode in self.encoders]

    @torch.no_grad()
    def embed_windows(self, samples: Tensor) -> list[Tensor]:
        """The unit mean over windows of a few seconds, which is steadier than one long window."""
        windows = [self.embed(window) for window in _windows(samples)]
        means = (torch.stack(vectors).mean(0) for vectors in zip(*windows, strict=True))
        return [functional.normalize(mean, dim=0) for mean in means]


def similarity(left: Sequence[Tensor], right: Sequence[Tensor]) -> Tensor:
    """Mean cosine over encoders, as a scalar tensor."""
    return torch.stack([a @ b for a, b in zip(left, right, strict=True)]).mean()


def _windows(samples: Tensor) -> list[Tensor]:
    size, hop = int(_WINDOW_S * RATE_HZ), int(_HOP_S * RATE_HZ)
    if len(samples) <= size:
        return [samples]
    return [samples[start : start + size] for start in range(0, len(samples) - size + 1, hop)]


def load_encoders(ecapa_folder: Path, campplus_folder: Path) -> SpeakerEncoders:
    """Both encoders from their checkpoints, without gradients of their own."""
    campplus = torch.load(campplus_folder / "campplus_cn_common.bin", map_location="cpu", weights_only=True)
    return SpeakerEncoders([_ecapa(ecapa_folder / "embedding_model.ckpt"), CamPlusPlus(campplus)])


def _forget_lazy_modules() -> None:
    """SpeechBrain leaves placeholders in sys.modules that import k2 and others when anybody looks at them
    (inspect, Hypothesis, debuggers do): they are not needed, and looking must not fail.
    """
    from speechbrain.utils.importutils import LazyModule

    for name in [name for name, module in sys.modules.items() if isinstance(module, LazyModule)]:
        del sys.modules[name]


def _ecapa(checkpoint: Path) -> Callable[[Tensor], Tensor]:
    """SpeechBrain's spkrec-ecapa-voxceleb: 80 log mels, mean-normalised over the sentence."""
    from speechbrain.lobes.features import Fbank
    from speechbrain.lobes.models.ECAPA_TDNN import ECAPA_TDNN

    _forget_lazy_modules()
    features: Any = Fbank(n_mels=80)
    model: Any = ECAPA_TDNN(
        80,
        channels=[1024, 1024, 1024, 1024, 3072],
        kernel_sizes=[5, 3, 3, 3, 1],
        dilations=[1, 2, 3, 4, 1],
        attention_channels=128,
        lin_neurons=192,
    )
    model.load_state_dict(torch.load(checkpoint, map_location="cpu", weights_only=True))
    model.requires_grad_(False).eval()

    def embed(samples: Tensor) -> Tensor:
        mels = features(samples[None])
        embedding: Tensor = model(mels - mels.mean(1, keepdim=True))[0, 0]
        return embedding

    return embed
