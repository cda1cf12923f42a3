"""The checkpoint as published (`config.json`, `model.pth`, `vocab.json`) into coqui-tts's own classes."""

import contextlib
import pickle
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from studio.engines.xtts.precision import half_type, halve
from studio.errors import ModelBroken

_SPEAKERS_FILE = "speakers_xtts.pth"
_UNREADABLE = (OSError, ValueError, RuntimeError, EOFError, pickle.UnpicklingError)


def load_model(folder: Path, device: str, *, half: bool = True) -> Any:
    """An Xtts in evaluation mode on `device`, its GPT in half precision on CUDA unless `half` is off.

    ModelBroken if the files are not one. Weights are read with `weights_only`; the file is left as it was.
    """
    with _threads_kept():
        # Costs seconds, and coqui-tts may set the process's thread count on import.
        from TTS.tts.configs.xtts_config import XttsConfig

        from studio.engines.xtts.model import FrozenXtts
    try:
        config = XttsConfig()
        config.load_json(folder / "config.json")
        model = FrozenXtts(config)
        model.load_checkpoint(config, checkpoint_dir=folder, eval=True)
    except MemoryError:
        raise
    except Exception as error:  # tokenizers raises bare Exceptions for a file it can't read
        raise ModelBroken("xtts.checkpoint", reason=f"{type(error).__name__}: {error}"[:300]) from error
    model.to(device)
    if half and (dtype := half_type(torch.device(device))):
        halve(model.gpt, dtype)
    return model


def load_speakers(folder: Path) -> dict[str, dict[str, torch.Tensor]]:
    """The voices that came with the checkpoint by name; none where the optional file is missing."""
    path = folder / _SPEAKERS_FILE
    if not path.is_file():
        return {}
    try:
        return dict(torch.load(path, map_location="cpu", weights_only=True))
    except _UNREADABLE as error:
        raise ModelBroken("xtts.checkpoint", reason=f"{_SPEAKERS_FILE}: {error}"[:300]) from error


def read_checkpoint(path: Path) -> Any:
    """The unpickled checkpoint, tensors only, mapped from the file where its format allows."""
    return torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path))


@contextlib.contextmanager
def _threads_kept() -> Iterator[None]:
    threads = torch.get_num_threads()
    try:
        yield
    finally:
        torch.set_num_threads(threads)
