"""The files of a Coqui model folder, and its configuration with paths that stay inside that folder."""

import io
import json
import pickle
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from studio.errors import ModelBroken

# What coqui's own downloader writes into a configuration: field -> the names such a file has.
_SIDE_FILES: Mapping[str, tuple[str, ...]] = {
    "d_vector_file": ("speakers.json", "speakers.pth"),
    "speakers_file": ("speaker_ids.json", "speaker_ids.pth"),
    "speaker_file": ("speaker_ids.json",),
    "language_ids_file": ("language_ids.json",),
}
_NEVER_LOADED = ("speaker_encoder_model_path", "speaker_encoder_config_path")  # clones come by conversion
_CHECKPOINTS = ("model_file.pth", "model_file.pth.tar", "model.pth", "checkpoint.pth")
_STRING_OR_COMMENT = re.compile(r'"(?:\\.|[^"\\])*"|//[^\n]*|/\*.*?\*/', re.DOTALL)
_PICKLED = frozenset({"_reconstruct", "ndarray", "dtype", "scalar", "encode"})  # what a pickled array names


def checkpoint(folder: Path) -> Path:
    """The weights of a model folder. ModelBroken where there is none, or no telling which."""
    for name in _CHECKPOINTS:
        if (folder / name).is_file():
            return folder / name
    found = [path for path in folder.iterdir() if path.suffix in (".pth", ".pt", ".tar")]
    if len(found) != 1:
        raise ModelBroken(
            "coqui.files", folder=folder.name, reason=f"{len(found)} checkpoints beside each other"
        )
    return found[0]


def read_config(folder: Path) -> dict[str, Any]:
    """The parsed ``config.json``, safe to build from.

    Paths in it become paths in `folder` or nothing; classes outside the coqui package are refused; a
    file of statistics is checked before the library unpickles it.
    """
    try:
        data: dict[str, Any] = _parse((folder / "config.json").read_text(encoding="utf-8"))
        for section in (data, data.get("model_args") or {}):
            _keep_inside(section, folder)
        _statistics(data.get("audio") or {}, folder)
        _classes((data.get("characters") or {}).get("characters_class"), folder)
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise ModelBroken("coqui.files", folder=folder.name, reason=repr(error)) from error
    return data


def _parse(text: str) -> Any:
    """JSON in which older Coqui configurations keep ``//`` and ``/* */`` comments."""
    return json.loads(_STRING_OR_COMMENT.sub(lambda found: found[0] if found[0][0] == '"' else "", text))


def speaker_names(folder: Path) -> tuple[str, ...]:
    """The speakers of a multi-speaker model, read without loading the model; empty for a single voice."""
    data = read_config(folder)
    sections = (data.get("model_args") or {}, data)
    if not any(section.get("use_speaker_embedding") for section in sections):
        return ()
    if data.get("speakers"):
        return tuple(data["speakers"])
    files = (section.get(field) for section in sections for field in ("speakers_file", "speaker_file"))
    named = next((Path(file) for file in files if file), None)
    return tuple(_read_ids(named, folder)) if named is not None else ()


def _read_ids(path: Path, folder: Path) -> dict[str, int]:
    """Speaker names to ids, from JSON or from a checkpoint of plain values."""
    try:
        if path.suffix == ".json":
            ids: dict[str, int] = json.loads(path.read_text(encoding="utf-8"))
        else:
            import torch

            ids = torch.load(path, map_location="cpu", weights_only=True)
        return dict(ids)
    except (OSError, ValueError, TypeError, pickle.UnpicklingError) as error:
        raise ModelBroken("coqui.files", folder=folder.name, reason=f"{path.name}: {error!r}") from error


def _keep_inside(section: dict[str, Any], folder: Path) -> None:
    for field in _NEVER_LOADED:
        if field in section:
            section[field] = None
    for field, usual in _SIDE_FILES.items():
        if field in section:
            named = section[field][0] if isinstance(section[field], list) else section[field]
            found = _find(folder, named, usual)
            section[field] = [found] if isinstance(section[field], list) and found else found


def _find(folder: Path, named: str | None, usual: tuple[str, ...]) -> str | None:
    names = ([Path(named).name] if named else []) + list(usual)
    return next((str(folder / name) for name in names if (folder / name).is_file()), None)


def _statistics(audio: dict[str, Any], folder: Path) -> None:
    if not audio.get("stats_path"):
        return
    audio["stats_path"] = _find(folder, audio["stats_path"], ("scale_stats.npy",))
    if audio["stats_path"] is None:
        raise ValueError("scale_stats.npy is missing")
    check_statistics(Path(audio["stats_path"]))


def _classes(name: str | None, folder: Path) -> None:
    if name and not name.startswith("TTS."):
        raise ModelBroken("coqui.files", folder=folder.name, reason=f"it names the class {name}")


class _ArraysOnly(pickle.Unpickler):
    """Unpickles numpy arrays in plain containers and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        if name in _PICKLED and module.split(".")[0] in ("numpy", "_codecs"):
            return super().find_class(module, name)
        raise ValueError(f"a file of statistics that names {module}.{name}")


def check_statistics(path: Path) -> None:
    """ValueError for a ``.npy`` whose pickle is more than arrays: coqui loads it without looking."""
    data = io.BytesIO(path.read_bytes())
    version = np.lib.format.read_magic(data)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    _, _, kind = read(data)
    if kind.hasobject:
        try:
            _ArraysOnly(data).load()
        except pickle.UnpicklingError as error:
            raise ValueError(f"{path.name} cannot be read") from error
