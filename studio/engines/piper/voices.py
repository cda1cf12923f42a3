"""The Piper voices in the engine's model folders."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from studio.errors import ModelBroken


@dataclass(frozen=True)
class PiperVoice:
    """A voice file and what its description says; `speakers` maps names to ids, empty for one speaker."""

    name: str
    model: Path
    language: str
    sample_rate_hz: int
    noise_scale: float
    length_scale: float
    noise_w: float
    speakers: tuple[tuple[str, int], ...]


def find_voices(folders: Iterable[Path]) -> dict[str, PiperVoice]:
    """Every ``*.onnx`` with its ``*.onnx.json``, by name. ModelBroken: a description that cannot be read."""
    voices = {}
    for folder in folders:
        for model in sorted(folder.rglob("*.onnx")):
            if model.with_name(model.name + ".json").is_file():
                voices[model.stem] = read_voice(model)
    return voices


def read_voice(model: Path) -> PiperVoice:
    """The voice whose ONNX file is `model`."""
    described = model.with_name(model.name + ".json")
    try:
        config = json.loads(described.read_text(encoding="utf-8"))
        inference = config.get("inference", {})
        speakers = config.get("speaker_id_map") or {}
        return PiperVoice(
            name=model.stem,
            model=model,
            language=_language(config, model.stem),
            sample_rate_hz=int(config["audio"]["sample_rate"]),
            noise_scale=float(inference.get("noise_scale", 0.667)),
            length_scale=float(inference.get("length_scale", 1.0)),
            noise_w=float(inference.get("noise_w", 0.8)),
            speakers=tuple((str(name), int(number)) for name, number in speakers.items()),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelBroken("piper.description", file=described.name, reason=repr(error)) from error


def _language(config: dict[str, dict[str, str]], name: str) -> str:
    """ISO 639-1; old descriptions say it only in the file's name (``it_IT-riccardo-x_low``)."""
    return str(config.get("language", {}).get("family") or name.split("_")[0].split("-")[0])
