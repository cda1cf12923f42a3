"""One Piper voice as an onnxruntime session: phonemes to ids to sound. Loaded only in Piper's own process."""

import json
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from studio.engines.piper.espeak import Espeak
from studio.engines.piper.noise import draw, with_noise_inputs

_BOS, _EOS, _PAD = "^", "$", "_"
_NOISE_PER_ID = 192 * 16  # channels x frames: a third of a second a phoneme, far more than is ever spoken


@dataclass(frozen=True)
class Plan:
    """The ids of each sentence, and the phonemes the voice has no id for."""

    sentences: tuple[tuple[int, ...], ...]
    unknown: tuple[str, ...]


def plan(text: str, config: Mapping[str, Any], espeak: Espeak) -> Plan:
    """Text to ids as the voice was trained: begin, pad, then each phoneme followed by pad, then end."""
    if config.get("phoneme_type", "espeak") == "text":
        sentences = [list(unicodedata.normalize("NFD", text))]
    else:
        sentences = espeak.sentences(text, config["espeak"]["voice"])
    ids = config["phoneme_id_map"]
    unknown = {phoneme for sentence in sentences for phoneme in sentence if phoneme not in ids}
    return Plan(tuple(tuple(to_ids(s, ids)) for s in sentences), tuple(sorted(unknown)))


def to_ids(phonemes: Sequence[str], ids: Mapping[str, Sequence[int]]) -> list[int]:
    """The ids of one sentence; a phoneme the voice does not know is left out, as Piper does."""
    numbers = [*ids[_BOS], *ids[_PAD]]
    for phoneme in phonemes:
        if phoneme in ids:
            numbers += [*ids[phoneme], *ids[_PAD]]
    return [*numbers, *ids[_EOS]]


class SpokenVoice:
    """A voice ready to speak."""

    def __init__(self, model: Path, threads: int) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        graph, self._noise_inputs = with_noise_inputs(model)
        self._session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        self._takes_speaker = "sid" in {node.name for node in self._session.get_inputs()}

    def speak(self, request: Mapping[str, Any]) -> NDArray[np.float32]:
        """Sound of one sentence, float32 of shape (n,), clipped to -1..1, at the voice's own rate."""
        ids = np.array([request["ids"]], np.int64)
        feeds: dict[str, NDArray[Any]] = {
            "input": ids,
            "input_lengths": np.array([ids.shape[1]], np.int64),
            "scales": np.array(request["scales"], np.float32),
            **draw(self._noise_inputs, ids.shape[1] * _NOISE_PER_ID, request["seed"]),
        }
        if self._takes_speaker:
            feeds["sid"] = np.array([request["speaker"]], np.int64)
        (sound,) = self._session.run(None, feeds)
        return np.clip(np.asarray(sound, np.float32).reshape(-1), -1.0, 1.0)


def read_config(model: Path) -> dict[str, Any]:
    """The description beside a voice, ``<name>.onnx.json``."""
    with model.with_name(model.name + ".json").open(encoding="utf-8") as file:
        config: dict[str, Any] = json.load(file)
    return config
