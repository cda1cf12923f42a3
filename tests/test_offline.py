"""Nothing leaves the machine unasked: not by what the studio's own libraries do when they are loaded, either."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# The runtime keeps an identifier of the machine beside what it has to report: no report, no file.
LOAD = """
import numpy as np
{first}
import onnxruntime
from onnx import TensorProto, helper
one = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])
two = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])
graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "g", [one], [two])
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
session.run(None, {{"x": np.ones(1, np.float32)}})
"""


def left_behind(first: str, folder: Path) -> list[str]:
    unset = {"ORT_DISABLE_TELEMETRY", "CI", "GITHUB_ACTIONS", "TF_BUILD", "PYTEST_CURRENT_TEST"}
    environment = {k: v for k, v in os.environ.items() if k not in unset}
    environment |= {"TMPDIR": str(folder), "HOME": str(folder), "XDG_CACHE_HOME": str(folder)}
    code = LOAD.format(first=first)
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, check=True, timeout=120)
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_the_onnx_runtime_reports_to_nobody(tmp_path: Path) -> None:
    assert left_behind("import studio", tmp_path) == []


def test_without_the_studio_it_would_so_the_test_above_can_fail(tmp_path: Path) -> None:
    if not left_behind("", tmp_path):
        pytest.skip("this build of the runtime reports nothing by itself")
