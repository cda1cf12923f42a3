"""A Piper graph whose noise comes from outside, so that the same seed speaks the same take."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

PREFIX = "studio_noise_"


def with_noise_inputs(path: Path) -> tuple[bytes, tuple[str, ...]]:
    """The ONNX model at `path` with every RandomNormalLike node fed by an input of its own.

    Returns the model's bytes and the names of the new inputs, each float32 of shape (n,); a node that
    wants more numbers than n starts over from the first.
    """
    import onnx

    model = onnx.load(str(path))
    nodes: list[Any] = []
    names: list[str] = []
    for node in model.graph.node:
        if node.op_type == "RandomNormalLike":
            name = f"{PREFIX}{len(names)}"
            names.append(name)
            nodes.extend(_taken_from(name, node))
        else:
            nodes.append(node)
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    for name in names:
        model.graph.input.append(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["n"]))
    model.graph.initializer.extend(_constants())
    return model.SerializeToString(), tuple(names)


def _constants() -> list[Any]:
    from onnx.numpy_helper import from_array

    return [
        from_array(np.array(0, np.int64), f"{PREFIX}zero"),
        from_array(np.array(1, np.int64), f"{PREFIX}one"),
    ]


def _taken_from(name: str, node: Any) -> list[Any]:
    """Nodes that reshape the first numbers of input `name` like the input of `node`."""
    from onnx.helper import make_node

    if any(attribute.name in ("mean", "scale") for attribute in node.attribute):
        raise ValueError(
            f"{node.name}: noise with a mean or scale of its own is not expected in a Piper voice"
        )
    (like,), (output,) = node.input, node.output
    return [
        make_node("Shape", [like], [f"{name}_shape"]),
        make_node("Size", [like], [f"{name}_size"]),
        make_node("Range", [f"{PREFIX}zero", f"{name}_size", f"{PREFIX}one"], [f"{name}_index"]),
        make_node("Size", [name], [f"{name}_length"]),
        make_node("Mod", [f"{name}_index", f"{name}_length"], [f"{name}_wrapped"]),
        make_node("Gather", [name, f"{name}_wrapped"], [f"{name}_taken"]),
        make_node("Reshape", [f"{name}_taken", f"{name}_shape"], [output]),
    ]


def draw(names: tuple[str, ...], count: int, seed: int) -> dict[str, NDArray[np.float32]]:
    """`count` standard normal numbers for each input, from one seed."""
    source = np.random.default_rng(seed)
    return {name: source.standard_normal(count, dtype=np.float32) for name in names}
