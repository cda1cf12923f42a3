"""Half precision for the GPT alone: conditioning and vocoder stay in float32."""

from typing import Any

import torch

# What the decode touches; the conditioning encoder and the perceiver, in the same module, are left out.
_DECODED = (
    "gpt",
    "text_embedding",
    "text_pos_embedding",
    "mel_embedding",
    "mel_pos_embedding",
    "final_norm",
    "mel_head",
)


def half_type(device: torch.device) -> torch.dtype | None:
    """The half type worth using on `device`: bfloat16 or float16 on CUDA, elsewhere None."""
    if device.type != "cuda":
        return None
    return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16


def halve(gpt: Any, dtype: torch.dtype) -> None:
    """Turn the parts of coqui-tts's GPT that decode to `dtype`, in place."""
    for name in _DECODED:
        getattr(gpt, name).to(dtype)
    gpt.gpt.wpe = _NoPosition(gpt.model_dim, dtype)


class _NoPosition(torch.nn.Module):
    """The zero that stands for GPT-2's own positions; upstream's is float32 and would undo the halving."""

    def __init__(self, dim: int, dtype: torch.dtype) -> None:
        super().__init__()
        self._dim = dim
        self._dtype = dtype

    def forward(self, positions: torch.Tensor) -> torch.Tensor:
        """`positions` (b, n) -> zeros (b, n, d)."""
        return torch.zeros((*positions.shape, self._dim), dtype=self._dtype, device=positions.device)
