"""Full fine-tunings of the GPT: what trains, and swapping it in and out of a loaded model."""

from typing import Any

import torch
from safetensors.torch import load, save
from torch import Tensor, nn

from studio.engines.weights import metadata_of, with_metadata
from studio.errors import ModelBroken

# Frozen although they are in the GPT: voices encoded before training stay valid, and latents can be kept.
_FROZEN = ("conditioning_encoder", "conditioning_perceiver", "gpt_inference")


def trained_parts(gpt: Any) -> dict[str, nn.Parameter]:
    """The parameters of coqui-tts's GPT that a full fine-tuning changes, each once, by name.

    Names and parameters are the same when adapters have been put around some layers.
    """
    return {
        name.replace(".base_layer.", "."): parameter
        for name, parameter in gpt.named_parameters()
        if not name.startswith(_FROZEN) and ".lora_" not in name
    }


def export(gpt: Any) -> bytes:
    """The trained parts in float32 as safetensors."""
    tensors = {name: p.detach().float().cpu().contiguous() for name, p in trained_parts(gpt).items()}
    return with_metadata(save(tensors), {"engine": "xtts", "kind": "full", "width": str(gpt.model_dim)})


def is_full(data: bytes) -> bool:
    """Whether a file of weights is a full fine-tuning."""
    return metadata_of(data).get("kind") == "full"


@torch.no_grad()
def put(gpt: Any, tensors: dict[str, Tensor], name: str = "") -> None:
    """Copy trained parts into the GPT; ModelBroken when they are another model's."""
    mine = trained_parts(gpt)
    if mine.keys() != tensors.keys() or any(mine[k].shape != tensors[k].shape for k in mine):
        raise ModelBroken("xtts.adapter", name=name, reason="its layers have other names or sizes")
    for key, parameter in mine.items():
        parameter.copy_(tensors[key])


def read(data: bytes) -> dict[str, Tensor]:
    """The tensors of an exported fine-tuning."""
    found: dict[str, Tensor] = load(data)
    return found
