"""The Kokoro ONNX graph: opened for voices (its decoder biases become inputs) and cut for fitting."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

GRAPH_GAIN = 1.5  # the exported graph is this much louder than the model it was exported from
Array = NDArray[np.float32]

# What the decoder starts from, by the exported graph's own names.
ALIGNED_TEXT = "/encoder/MatMul_1_output_0"  # (1, 512, frames): text features, one column a 25 ms frame
F0_CURVE = "/encoder/F0_proj/Conv_output_0"  # (1, 1, 2 * frames): Hz, near 0 where unvoiced
ENERGY = "/encoder/N_proj/Conv_output_0"  # (1, 1, 2 * frames)
PROSODY_TEXT = "/encoder/MatMul_output_0"  # (1, 640, frames): what the pitch predictor reads
HARMONICS = (
    "/decoder/decoder/generator/Concat_3_output_0"  # (1, 22, 120 * frames + 1): harmonic source spectrum
)


@dataclass(frozen=True)
class Weights:
    """Read-only constants of the graph, found through the node that uses them."""

    initialisers: Mapping[str, Array]
    inputs: Mapping[str, tuple[str, ...]]  # node name -> input names

    def of(self, node: str) -> list[Array]:
        """The constant inputs of a node, in the node's order."""
        return [self.initialisers[name] for name in self.inputs[node] if name in self.initialisers]


def read_model(path: Path) -> Any:
    """The parsed ModelProto (about 330 MB in memory; drop it as soon as the sessions exist)."""
    import onnx

    return onnx.load(str(path))


def weights_of(model: Any) -> Weights:
    """Views of the model's constants; they stay valid after the proto is dropped."""
    from onnx import numpy_helper

    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    return Weights(constants, {node.name: tuple(node.input) for node in model.graph.node})


def bias_names(model: Any) -> tuple[str, ...]:
    """The decoder's 58 AdaIN bias initialisers, in a fixed (sorted) order."""
    names = (tensor.name for tensor in model.graph.initializer)
    return tuple(sorted(name for name in names if name.startswith("decoder.") and name.endswith(".fc.bias")))


def open_biases(model: Any) -> None:
    """Make the decoder's AdaIN biases inputs with defaults: one session then serves every voice."""
    from onnx import helper

    shapes = {tensor.name: (tensor.data_type, list(tensor.dims)) for tensor in model.graph.initializer}
    for name in bias_names(model):
        model.graph.input.append(helper.make_tensor_value_info(name, *shapes[name]))


def cut_to(model: Any, outputs: Sequence[str]) -> Any:
    """A copy of the graph that computes only `outputs` (intermediate names): no decoder is run for them."""
    import onnx
    from onnx import helper

    graph = model.graph
    needed, kept = set(outputs), []
    for node in reversed(graph.node):  # ONNX keeps nodes in topological order
        if needed.intersection(node.output):
            kept.append(node)
            needed.update(node.input)
    cut = helper.make_graph(
        list(reversed(kept)),
        "front",
        [value for value in graph.input if value.name in needed],
        [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in outputs],
        [tensor for tensor in graph.initializer if tensor.name in needed],
    )
    return helper.make_model(cut, opset_imports=list(model.opset_import), ir_version=model.ir_version)


def start_session(model: Any, threads: int) -> Any:
    """An onnxruntime session on the CPU with `threads` intra-op threads."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = max(1, threads)
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # a waiting thread that spins takes the core another request could use
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(
        model.SerializeToString(), sess_options=options, providers=["CPUExecutionProvider"]
    )


def feeds(ids: Sequence[int], style: NDArray[np.float32], speed: float) -> dict[str, NDArray[Any]]:
    """Named inputs of the graph: `ids` without the boundary zeros, `style` of shape (256,)."""
    return {
        "input_ids": np.array([[0, *ids, 0]], dtype=np.int64),
        "style": np.ascontiguousarray(style, dtype=np.float32).reshape(1, 256),
        "speed": np.array([speed], dtype=np.float32),
    }
