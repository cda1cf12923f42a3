"""Where a run stands between two steps, as bytes without code: safetensors with a JSON header."""

import json
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from safetensors.torch import load, save

from studio.errors import StorageTrouble


@dataclass(frozen=True)
class Position:
    """`step` updates are done; `best` is the best checkpoint's step, `waited` the checkpoints since.

    No generator's state is here: the loop seeds everything random from (seed, step), so there is none to keep.
    """

    step: int = 0
    best: int | None = None
    waited: int = 0
    scaler: dict[str, float] = field(default_factory=dict)


def to_bytes(position: Position, optimizer: Any) -> bytes:
    """The optimiser's tensors and the position."""
    tensors = {
        f"{index}.{name}": value.detach().cpu().contiguous().clone()
        for index, state in optimizer.state_dict()["state"].items()
        for name, value in state.items()
        if isinstance(value, torch.Tensor)
    }
    return save(tensors, metadata={"position": json.dumps(asdict(position))})


def from_bytes(data: bytes, optimizer: Any) -> Position:
    """Put the optimiser where it was; StorageTrouble when the bytes are of another run's shape."""
    tensors = load(data)
    whole = optimizer.state_dict()
    state: dict[int, dict[str, torch.Tensor]] = {}
    for name, tensor in tensors.items():
        index, _, key = name.partition(".")
        state.setdefault(int(index), {})[key] = tensor
    try:
        optimizer.load_state_dict(whole | {"state": state})
        return Position(**json.loads(_metadata(data)["position"]))
    except (KeyError, ValueError, TypeError) as error:
        raise StorageTrouble("learning.checkpoint_foreign", reason=str(error)[:200]) from error


def _metadata(data: bytes) -> dict[str, str]:
    length = int.from_bytes(data[:8], "little")
    found: dict[str, str] = json.loads(data[8 : 8 + length]).get("__metadata__", {})
    return found
