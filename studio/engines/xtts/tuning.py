"""What a loaded model can speak with besides its base: adapters, and full fine-tunings."""

from typing import Any

from torch import Tensor

from studio.engines.xtts import finetuned
from studio.engines.xtts.adapters import Adapters, Shape
from studio.errors import EngineTrouble, InputRefused

ADAPTER = "adapter"  # the fact of a voice that names what it speaks with
_MOST_ADAPTERS = 8
_MOST_FULL = 1  # a copy of the GPT each


class Tunings:
    """Loads and switches by id; the oldest goes when there are too many. "" is the base, bit for bit."""

    def __init__(self, gpt: Any) -> None:
        self._gpt = gpt
        self.adapters = Adapters(gpt.gpt)
        self._full: dict[str, dict[str, Tensor]] = {}
        self._base: dict[str, Tensor] = {}  # the GPT as it was, while a fine-tuning is in its place
        self._in_place = ""

    def has(self, name: str) -> bool:
        return name in self._full or name in self.adapters.names()

    def check(self, name: str) -> None:
        """EngineTrouble when a voice asks for what is not loaded."""
        if name and not self.has(name):
            raise EngineTrouble("xtts.adapter_gone", name=name)

    def add(self, name: str, method: str, size: int) -> int:
        """A fresh adapter; returns its number of parameters. InputRefused for another method."""
        if method not in ("lora", "bottleneck"):
            raise InputRefused("xtts.method", method=method)
        self.adapters.add(
            name, Shape("lora", rank=size) if method == "lora" else Shape("bottleneck", size=size)
        )
        return sum(tensor.numel() for tensor in self.adapters.tensors(name).values())

    def load(self, name: str, data: bytes) -> None:
        """Take in what a learner exported; ModelBroken when it does not fit."""
        if finetuned.is_full(data):
            self._make_room(list(self._full), _MOST_FULL)
            self._full[name] = finetuned.read(data)
            try:
                self.use(name)  # a fine-tuning of another size is refused here, before anybody speaks with it
            except BaseException:
                del self._full[name]
                raise
        else:
            self._make_room(list(self.adapters.names()), _MOST_ADAPTERS)
            self.adapters.load(name, data)

    def use(self, name: str) -> None:
        """Speak with this from now on. KeyError for what is not loaded."""
        self.adapters.use("" if name in self._full else name)
        self._put_in_place(name if name in self._full else "")

    def _put_in_place(self, name: str) -> None:
        if name == self._in_place:
            return
        if not self._base:
            parts = finetuned.trained_parts(self._gpt)
            self._base = {key: tensor.detach().cpu().clone() for key, tensor in parts.items()}
        finetuned.put(self._gpt, self._full[name] if name else self._base, name)
        self._in_place = name
        if not name:
            self._base = {}

    def _make_room(self, names: list[str], most: int) -> None:
        for name in names[: max(0, len(names) - most + 1)]:
            if name in self._full:
                if self._in_place == name:
                    self._put_in_place("")
                del self._full[name]
            else:
                self.adapters.remove(name)
