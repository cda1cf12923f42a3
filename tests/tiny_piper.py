"""Writes a Piper voice of a few kilobytes: the real file layout, a graph that buzzes instead of speaking."""

import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto
from onnx.helper import make_graph, make_model, make_node, make_opsetid, make_tensor_value_info
from onnx.numpy_helper import from_array

SAMPLES_PER_ID = 64
_LETTERS = "abcdefghijklmnopqrstuvwxyzæðŋɐɑɒɔəɚɛɜɡɪɫɹɾʃʊʌʒˈˌːθᵻ"
_SYMBOLS = "_^$ !'(),-.:;?" + _LETTERS


def write_tiny_voice(
    folder: Path,
    name: str = "en_US-tiny-low",
    *,
    language: str = "en",
    espeak: str = "en-us",
    sample_rate_hz: int = 22050,
    speakers: tuple[str, ...] = (),
) -> Path:
    """Write ``<name>.onnx`` and ``<name>.onnx.json``; returns the first. Loudness tells the speaker."""
    folder.mkdir(parents=True, exist_ok=True)
    model = folder / f"{name}.onnx"
    onnx.save(_graph(bool(speakers)), str(model))
    config = {
        "audio": {"sample_rate": sample_rate_hz, "quality": "low"},
        "espeak": {"voice": espeak},
        "inference": {"noise_scale": 0.5, "length_scale": 1, "noise_w": 0.8},
        "phoneme_type": "espeak",
        "phoneme_id_map": {symbol: [number] for number, symbol in enumerate(_SYMBOLS)},
        "num_speakers": max(1, len(speakers)),
        "speaker_id_map": {speaker: number for number, speaker in enumerate(speakers)},
        "language": {"code": name.split("-")[0], "family": language},
    }
    model.with_name(model.name + ".json").write_text(json.dumps(config), encoding="utf-8")
    return model


def _graph(with_speakers: bool) -> onnx.ModelProto:
    """Sound that follows the ids, with noise added twice (as in VITS), times the speaker's number."""
    kernel = np.linspace(0.1, 0.2, SAMPLES_PER_ID, dtype=np.float32).reshape(1, 1, -1)
    nodes = [
        make_node("Cast", ["input"], ["ids"], to=TensorProto.FLOAT),
        make_node("Unsqueeze", ["ids", "axis"], ["channel"]),
        make_node("Div", ["channel", "hundred"], ["quiet"]),
        make_node("RandomNormalLike", ["quiet"], ["noise"], dtype=1),
        make_node("Slice", ["scales", "begin", "end"], ["noise_scale"]),
        make_node("Mul", ["noise", "noise_scale"], ["loud"]),
        make_node("Add", ["quiet", "loud"], ["mixed"]),
        make_node("ConvTranspose", ["mixed", "kernel"], ["long"], strides=[SAMPLES_PER_ID]),
        make_node("RandomNormalLike", ["long"], ["hiss"], dtype=1),
        make_node("Mul", ["hiss", "noise_scale"], ["soft"]),
        make_node("Add", ["long", "soft"], ["sum"]),
    ]
    inputs = [
        make_tensor_value_info("input", TensorProto.INT64, [1, "phonemes"]),
        make_tensor_value_info("input_lengths", TensorProto.INT64, [1]),
        make_tensor_value_info("scales", TensorProto.FLOAT, [3]),
    ]
    if with_speakers:
        inputs.append(make_tensor_value_info("sid", TensorProto.INT64, [1]))
        nodes.append(make_node("Cast", ["sid"], ["number"], to=TensorProto.FLOAT))
        nodes.append(make_node("Mul", ["sum", "number"], ["output"]))
    else:
        nodes.append(make_node("Identity", ["sum"], ["output"]))
    constants = [
        from_array(np.array([1], np.int64), "axis"),
        from_array(np.array(100, np.float32), "hundred"),
        from_array(np.array([0], np.int64), "begin"),
        from_array(np.array([1], np.int64), "end"),
        from_array(kernel, "kernel"),
    ]
    output = make_tensor_value_info("output", TensorProto.FLOAT, [1, 1, "samples"])
    graph = make_graph(nodes, "tiny", inputs, [output], constants)
    return make_model(graph, opset_imports=[make_opsetid("", 15)], ir_version=8)
