"""Trained weights made part of a checkpoint: a folder in the published layout that needs no adapter."""

import json
import shutil
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO, Any

import torch
from torch import Tensor

from studio.engines.xtts import finetuned
from studio.engines.xtts.adapters import read_adapter
from studio.engines.xtts.loading import read_checkpoint
from studio.errors import InputRefused, ModelBroken

_COPIED = ("config.json", "vocab.json", "speakers_xtts.pth", "mel_stats.pth", "dvae.pth")
# The oldest checkpoints name shared tensors a second time; coqui-tts makes these names itself.
_SECOND_NAMES = ("gpt.gpt_inference.", "gpt.gpt.wte.")
Opened = Callable[[str], AbstractContextManager[IO[bytes]]]


def merged(weights: dict[str, Tensor], data: bytes) -> dict[str, Tensor]:
    """The checkpoint's weights with LoRA or a full fine-tuning inside; the input is left as it is.

    InputRefused for a bottleneck, which is no change of weights; ModelBroken when it does not fit.
    """
    if finetuned.is_full(data):
        return _replaced(weights, {f"gpt.{name}": tensor for name, tensor in finetuned.read(data).items()})
    shape, tensors = read_adapter("", data)
    if shape.kind != "lora":
        raise InputRefused("xtts.no_merge")
    changed = {}
    for name in (key.removesuffix(".lora_A") for key in tensors if key.endswith(".lora_A")):
        down, up = tensors[f"{name}.lora_A"], tensors[f"{name}.lora_B"]
        key = f"gpt.gpt.{name}.weight"
        if key not in weights or weights[key].shape != (down.shape[1], up.shape[0]):
            raise ModelBroken("xtts.adapter", name="", reason=f"the model has no such layer: {name}")
        # Conv1D keeps (in, out): the transpose of the product.
        change = shape.scale * (up.double() @ down.double()).T
        changed[key] = (weights[key].double() + change).to(weights[key].dtype)
    return _replaced(weights, changed)


def _replaced(weights: dict[str, Tensor], changed: dict[str, Tensor]) -> dict[str, Tensor]:
    result = {key: tensor for key, tensor in weights.items() if not key.startswith(_SECOND_NAMES)}
    for key, tensor in changed.items():
        if key not in result or result[key].shape != tensor.shape:
            raise ModelBroken("xtts.adapter", name="", reason=f"the model has no such layer: {key}")
        result[key] = tensor.to(result[key].dtype)
    return result


def write_merged(source: Path, data: bytes, card: Mapping[str, Any], open_file: Opened) -> None:
    """Write the model of folder `source` with the weights merged, each file through `open_file(name)`.

    The layout is the published one: model.pth, config.json, vocab.json and what else is beside it, and the
    adapter's card as card.json. The files are written in sequence and never read: a pipe will do.
    """
    weights = merged(read_checkpoint_of(source), data)
    with open_file("model.pth") as file:
        torch.save({"config": {}, "model": weights}, file)
    for name in _COPIED:
        if (source / name).is_file():
            with (source / name).open("rb") as original, open_file(name) as file:
                shutil.copyfileobj(original, file)
    with open_file("card.json") as file:
        file.write(json.dumps(card, indent=1, sort_keys=True, ensure_ascii=False).encode())


def read_checkpoint_of(folder: Path) -> dict[str, Tensor]:
    """The weights of a checkpoint folder by name, in either published layout."""
    from TTS.tts.models.xtts import _legacy_safe_globals

    with _legacy_safe_globals():
        found: Any = read_checkpoint(folder / "model.pth")
    weights: dict[str, Tensor] = found["model"]
    return weights
