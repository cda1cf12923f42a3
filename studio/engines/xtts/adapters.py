"""Adapters in the frozen GPT: LoRA by PEFT, and the bottleneck of Houlsby et al., switched without reloading."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

import torch
from safetensors.torch import load, save
from torch import Tensor, nn

from studio.engines.weights import metadata_of, with_metadata
from studio.errors import ModelBroken

ATTENTION = ("attn.c_attn", "attn.c_proj")
MLP = ("mlp.c_fc", "mlp.c_proj")
Kind = Literal["lora", "bottleneck"]


@dataclass(frozen=True)
class Shape:
    """An adapter's kind and size: `rank` and `mlp` are LoRA's, `size` the bottleneck's width."""

    kind: Kind
    rank: int = 16
    mlp: bool = True
    size: int = 64

    @property
    def scale(self) -> float:
        """What LoRA's product counts: alpha / rank, with alpha twice the rank."""
        return 2.0


class Bottleneck(nn.Module):
    """Down, GELU, up, added to what came in; the identity at first.

    Source: Houlsby et al., "Parameter-efficient transfer learning for NLP", ICML 2019, without their norms.
    """

    def __init__(self, width: int, size: int) -> None:
        super().__init__()
        self.down, self.up = nn.Linear(width, size), nn.Linear(size, width)
        nn.init.zeros_(self.up.weight)
        nn.init.zeros_(self.up.bias)

    def forward(self, x: Tensor) -> Tensor:
        """(..., width) to the same shape and type; computed in the adapter's own precision."""
        y: Tensor = x + self.up(nn.functional.gelu(self.down(x.to(self.down.weight.dtype)))).to(x.dtype)
        return y


class Adapters:
    """The adapters of one GPT by name; at most one acts at a time, none at first.

    `gpt2` is the transformers GPT2Model inside coqui-tts's GPT. Its own weights never change, and with no
    adapter in use its outputs are the base's to the last bit.
    """

    def __init__(self, gpt2: Any) -> None:
        self._gpt2 = gpt2
        self._shapes: dict[str, Shape] = {}
        self._bottlenecks: dict[str, nn.ModuleList] = {}
        self._active: nn.ModuleList | None = None
        self._hooked = False
        self.used = ""

    def names(self) -> tuple[str, ...]:
        return tuple(self._shapes)

    def shape(self, name: str) -> Shape:
        return self._shapes[name]

    def add(self, name: str, shape: Shape, seed: int = 0) -> None:
        """A new adapter that changes nothing yet; not in use until `use`. ValueError for a name that is taken."""
        if name in self._shapes or not name or "." in name:
            raise ValueError(f"{name!r} is no new adapter's name")
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            if shape.kind == "lora":
                self._inject(name, shape)
            else:
                self._bottlenecks[name] = self._new_bottlenecks(shape.size)
                self._hook()
        self._shapes[name] = shape
        self.use(self.used)

    def use(self, name: str) -> None:
        """Let this adapter act, or none for "". KeyError for an unknown name."""
        shape = self._shapes[name] if name else None
        for layer in self._lora_layers():
            on = shape is not None and shape.kind == "lora" and name in layer.lora_A
            if on:
                layer.set_adapter(name)
            layer.enable_adapters(on)
        self._active = self._bottlenecks.get(name)
        self.used = name

    def remove(self, name: str) -> None:
        """Forget an adapter; when it was in use, the base speaks again."""
        shape = self._shapes.pop(name)
        if self.used == name:
            self.used = ""
        if shape.kind == "lora":
            for layer in self._lora_layers():
                layer.delete_adapter(name)
        self._bottlenecks.pop(name, None)
        self.use(self.used)

    def tensors(self, name: str) -> dict[str, nn.Parameter]:
        """The adapter's parameters by a name that does not depend on the adapter's."""
        if name in self._bottlenecks:
            return dict(self._bottlenecks[name].named_parameters())
        found = {}
        for key, layer in self._gpt2.named_modules():
            if hasattr(layer, "lora_A") and name in layer.lora_A:
                found[f"{key}.lora_A"] = layer.lora_A[name].weight
                found[f"{key}.lora_B"] = layer.lora_B[name].weight
        return found

    def trainable(self, name: str) -> list[nn.Parameter]:
        """Use the adapter and let gradients reach it and nothing else."""
        self.use(name)
        self._gpt2.requires_grad_(False)
        for modules in self._bottlenecks.values():
            modules.requires_grad_(False)
        found = list(self.tensors(name).values())
        for parameter in found:
            parameter.requires_grad_(True)
        return found

    def export(self, name: str) -> bytes:
        """Safetensors; its header says what the adapter is."""
        tensors = {key: t.detach().float().cpu().contiguous() for key, t in self.tensors(name).items()}
        header = {
            "engine": "xtts",
            "shape": json.dumps(asdict(self._shapes[name])),
            "width": str(self._width),
        }
        return with_metadata(save(tensors), header)

    def load(self, name: str, data: bytes) -> None:
        """Add an adapter that `export` wrote, or overwrite one of its shape; ModelBroken when it does not fit."""
        shape, tensors = read_adapter(name, data)
        if name not in self._shapes:
            self.add(name, shape)
        mine = self.tensors(name)
        fits = mine.keys() == tensors.keys() and all(mine[k].shape == tensors[k].shape for k in mine)
        if self._shapes[name] != shape or not fits:
            self.remove(name)
            raise ModelBroken("xtts.adapter", name=name, reason="its layers have other names or sizes")
        with torch.no_grad():
            for key, parameter in mine.items():
                parameter.copy_(tensors[key])

    @property
    def _width(self) -> int:
        return int(self._gpt2.config.n_embd)

    def _inject(self, name: str, shape: Shape) -> None:
        from peft import LoraConfig, inject_adapter_in_model

        places = "|".join((ATTENTION + MLP) if shape.mlp else ATTENTION).replace(".", r"\.")
        config = LoraConfig(
            r=shape.rank,
            lora_alpha=int(shape.rank * shape.scale),
            target_modules=rf"h\.\d+\.({places})",
            fan_in_fan_out=True,  # transformers' Conv1D keeps its weight transposed
            lora_dropout=0.0,
        )
        inject_adapter_in_model(config, self._gpt2, adapter_name=name)
        self._gpt2.requires_grad_(False)

    def _new_bottlenecks(self, size: int) -> nn.ModuleList:
        reference = self._gpt2.h[0].ln_1.weight
        count = 2 * len(self._gpt2.h)
        made = nn.ModuleList([Bottleneck(self._width, size) for _ in range(count)])
        return made.to(reference.device).requires_grad_(False)

    def _hook(self) -> None:
        """After attention and after the MLP of every block, once; without an adapter in use it changes nothing."""
        if self._hooked:
            return
        for index, block in enumerate(self._gpt2.h):
            block.attn.register_forward_hook(self._after(2 * index))
            block.mlp.register_forward_hook(self._after(2 * index + 1))
        self._hooked = True

    def _after(self, place: int) -> Any:
        def adapt(module: nn.Module, inputs: Any, output: Any) -> Any:
            if self._active is None:
                return None
            if isinstance(output, tuple):  # attention gives its weights too
                return (self._active[place](output[0]), *output[1:])
            return self._active[place](output)

        return adapt

    def _lora_layers(self) -> Iterable[Any]:
        return [layer for layer in self._gpt2.modules() if hasattr(layer, "lora_A")]


def read_adapter(name: str, data: bytes) -> tuple[Shape, dict[str, Tensor]]:
    """What `export` wrote, as shape and tensors; ModelBroken for anything else."""
    header = metadata_of(data)
    try:
        if header["engine"] != "xtts":
            raise ValueError(f"it was made for {header['engine']}")
        return Shape(**json.loads(header["shape"])), load(data)
    except (KeyError, TypeError, ValueError) as error:
        raise ModelBroken("xtts.adapter", name=name, reason=str(error)[:200]) from error
