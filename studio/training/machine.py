"""What a training step uses of the machine."""

import contextlib
import os
from collections.abc import Iterator
from typing import Any

from studio.errors import EngineTrouble
from studio.training.plan import TrainingPlan


def memory_bytes(device: str) -> int:
    """The most GPU memory held so far; on a CPU the process's memory now."""
    import torch

    if device.startswith("cuda"):
        return int(torch.cuda.max_memory_reserved())
    import psutil

    return int(psutil.Process().memory_info().rss)


def gpu_share(device: str) -> float | None:
    """How busy the GPU is, 0..1; None without one, or where its driver library is not installed."""
    import torch

    if not device.startswith("cuda"):
        return None
    try:
        return float(torch.cuda.utilization()) / 100
    except (ModuleNotFoundError, RuntimeError):
        return None


def make_deterministic(threads: int, device: str) -> None:
    """Let the same run give the same numbers: fixed threads, no algorithm that adds in a random order.

    On a CPU, what training uses is so anyway; asking for it there would load torch's compiler for nothing.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    import torch

    torch.set_num_threads(max(1, threads))
    if device.startswith("cuda"):
        torch.use_deterministic_algorithms(True, warn_only=True)
        torch.backends.cudnn.benchmark = False


@contextlib.contextmanager
def memory_told(plan: TrainingPlan) -> Iterator[None]:
    """Say what to change when memory ends, on a GPU or in the machine."""
    import torch

    try:
        yield
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise _out_of_memory(plan) from error
    except RuntimeError as error:
        if "can't allocate memory" not in str(error) and "not enough memory" not in str(error):
            raise
        raise _out_of_memory(plan) from error


def _out_of_memory(plan: TrainingPlan) -> EngineTrouble:
    return EngineTrouble(
        "learning.out_of_memory", batch_size=plan.batch_size, accumulation=plan.accumulation,
        longest_s=plan.longest_s,
        half=max(1, plan.batch_size // 2), double=plan.accumulation * 2, method=plan.method.value,
    )  # fmt: skip


def accelerator_for(plan: TrainingPlan, device: str) -> Any:
    """Accelerate's, for the plan's precision; every process it is launched in takes its share of each step."""
    from accelerate import Accelerator
    from accelerate.state import AcceleratorState

    AcceleratorState._reset_state(reset_partial_state=True)  # a process may hold one run after another
    precision = "no" if plan.precision.value == "fp32" else plan.precision.value
    return Accelerator(cpu=device == "cpu", mixed_precision=precision)
