"""Perth's weights, read out of its wheel without torch and without running anything that is in the file."""

import hashlib
import importlib.util
import io
import pickle
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np

from studio.audio.clip import Samples

FILE = "perth_net/pretrained/implicit/perth_net_250000.pth.tar"
SHA256 = "a15bce457ebc53ce5e6c9c3f11df78cf7ee2bf9cdab0a798902135b4c4027670"  # of resemble-perth 1.0.1


def weights_file() -> Path:
    """Where the wheel put them; FileNotFoundError when the package or the file is not there."""
    found = importlib.util.find_spec("perth")
    if found is None or not found.origin:
        raise FileNotFoundError("the package resemble-perth is not installed")
    path = Path(found.origin).parent / FILE
    if not path.is_file():
        raise FileNotFoundError("the weights of resemble-perth are missing")
    return path


def load_weights() -> dict[str, Samples]:
    """Every tensor by its name, float32. ValueError when the file is not the one this studio was tested with."""
    data = weights_file().read_bytes()
    if hashlib.sha256(data).hexdigest() != SHA256:
        raise ValueError("the weights are not those of resemble-perth 1.0.1")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        tensors = _Reader(archive).load()["model"]
    return {name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}


class _Reader(pickle.Unpickler):
    """Understands a torch checkpoint of plain float tensors, and no other thing a pickle could name."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        super().__init__(io.BytesIO(archive.read("archive/data.pkl")))
        self._archive = archive

    def find_class(self, module: str, name: str) -> Any:
        known = {
            ("collections", "OrderedDict"): OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2"): _tensor,
            ("torch", "FloatStorage"): np.float32,
        }
        if (module, name) not in known:
            raise ValueError(f"the weights name {module}.{name}")
        return known[module, name]

    def persistent_load(self, pid: Any) -> Samples:
        _kind, dtype, key, _device, count = pid
        return np.frombuffer(self._archive.read(f"archive/data/{key}"), dtype=dtype, count=count)


def _tensor(storage: Samples, offset: int, shape: tuple[int, ...], *_: object) -> Samples:
    """Tensors of this file are contiguous; their strides follow from the shape."""
    return storage[offset : offset + int(np.prod(shape))].reshape(shape)
