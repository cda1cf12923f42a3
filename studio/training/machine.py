"""What a training step uses of the machine."""

import contextlib
import os
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any

from studio.errors import EngineTrouble
from studio.training.hardware import Card, cards
from studio.training.plan import Method, TrainingPlan

LOOK_S = 5.0  # how often the driver's tool is asked


def memory_bytes(device: str) -> int:
    """The most GPU memory held so far; on a CPU the process's memory now."""
    import torch

    if device.startswith("cuda"):
        return int(torch.cuda.max_memory_reserved())
    import psutil

    return int(psutil.Process().memory_info().rss)


class GpuMeter:
    """How busy the cards are that a run has, 0..1, asked of the driver's tool in a thread of its own.

    None on a processor, and until the tool has answered: a step never waits for it.
    """

    def __init__(self, device: str) -> None:
        self.share: float | None = None
        self._mine = _visible()
        if device.startswith("cuda"):
            threading.Thread(target=self._look, daemon=True).start()

    def _look(self) -> None:
        while True:
            self.read(cards())
            time.sleep(LOOK_S)

    def read(self, found: Sequence[Card]) -> None:
        """Take the mean over the run's own cards."""
        mine = [card.busy for card in found if not self._mine or card.index in self._mine]
        self.share = sum(mine) / len(mine) if mine else None


def _visible() -> frozenset[int]:
    """The numbers of the cards this process may see; empty where nobody chose: all of them."""
    numbers = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")
    return frozenset(int(number) for number in numbers if number.strip().isdigit())


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
        raise out_of_memory(plan) from error
    except RuntimeError as error:
        if "can't allocate memory" not in str(error) and "not enough memory" not in str(error):
            raise
        raise out_of_memory(plan) from error


def out_of_memory(plan: TrainingPlan) -> EngineTrouble:
    """What to change, of what can be changed: a batch of one can't be halved, an adapter is one already."""
    facts = {"batch_size": plan.batch_size, "longest_s": plan.longest_s, "method": plan.method.value}
    if plan.batch_size > 1:
        half = plan.batch_size // 2
        more = -(
            -plan.accumulation * plan.batch_size // half
        )  # as many utterances a step as before, or a few more
        return EngineTrouble("learning.out_of_memory", **facts, half=half, more=more)
    if plan.method is Method.FULL:
        return EngineTrouble("learning.out_of_memory_full", **facts)
    return EngineTrouble("learning.out_of_memory_single", **facts)


def accelerator_for(plan: TrainingPlan, device: str) -> Any:
    """Accelerate's, for the plan's precision; every process it is launched in takes its share of each step."""
    from accelerate import Accelerator
    from accelerate.state import AcceleratorState

    AcceleratorState._reset_state(reset_partial_state=True)  # a process may hold one run after another
    precision = "no" if plan.precision.value == "fp32" else plan.precision.value
    return Accelerator(cpu=device == "cpu", mixed_precision=precision)
