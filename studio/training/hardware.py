"""What this machine has for training now: cards by the driver's own tool, memory, disk. No torch."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import psutil

from studio.training.prediction import Machine

QUERY = "--query-gpu=name,memory.total,memory.free,utilization.gpu"
MEGABYTE = 2**20
PATIENCE_S = 5.0


@dataclass(frozen=True)
class Card:
    """A GPU; bytes, and how busy it is (0..1)."""

    index: int
    name: str
    total_bytes: int
    free_bytes: int
    busy: float


def cards() -> tuple[Card, ...]:
    """The NVIDIA cards of this machine; none where the driver's tool is missing or does not answer."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return ()
    try:
        told = subprocess.run(
            [tool, QUERY, "--format=csv,noheader,nounits"], capture_output=True, text=True, timeout=PATIENCE_S,
            check=True,
        ).stdout  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return ()
    return cards_in(told)


def cards_in(told: str) -> tuple[Card, ...]:
    """Read the tool's lines: name, MiB, MiB, percent. What a card does not tell ("[N/A]") counts as 0."""
    found = []
    for index, line in enumerate(line for line in told.splitlines() if line.strip()):
        name, total, free, busy = (part.strip() for part in line.rsplit(",", 3))
        found.append(Card(index, name, _whole(total) * MEGABYTE, _whole(free) * MEGABYTE, _whole(busy) / 100))
    return tuple(found)


def _whole(part: str) -> int:
    return int(part) if part.isdigit() else 0


def devices(device: str) -> tuple[str, ...]:
    """Where jobs can run, one each: every card, and the processor for engines that train there."""
    if device != "cuda":
        return ("cpu",)
    return (*(tuple(f"cuda:{card.index}" for card in cards()) or ("cuda:0",)), "cpu")


def machine(device: str, cores: int, storage: Path) -> Machine:
    """Look now; of several cards, the one with the most free memory."""
    disk = shutil.disk_usage(storage).free
    found = cards() if device == "cuda" else ()
    if found:
        best = max(found, key=lambda card: card.free_bytes)
        return Machine(best.name, cores, best.free_bytes, best.total_bytes, disk)
    memory = psutil.virtual_memory()
    return Machine("", cores, memory.available, memory.total, disk)
