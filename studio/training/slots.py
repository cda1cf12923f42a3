"""Where jobs run: one job a card, and beside them one on the processor. Pure."""

from collections.abc import Collection, Iterable

from studio.engines.base import EngineSpec

CPU, CUDA = "cpu", "cuda"


def kind_for(spec: EngineSpec, device: str) -> str:
    """The kind of device an engine trains on here, "cuda" or "cpu"; `device` is the studio's."""
    return device if device in spec.trains_on else CPU


def parts(device: str) -> frozenset[str]:
    """The single devices of a job's: "cuda:0,2" holds cuda:0 and cuda:2."""
    kind, _, numbers = device.partition(":")
    return frozenset(f"{kind}:{number}" for number in numbers.split(",")) if numbers else frozenset({device})


def of_kind(devices: Iterable[str], kind: str) -> list[str]:
    return [device for device in devices if device.partition(":")[0] == kind]


def free(devices: Iterable[str], taken: Collection[str]) -> list[str]:
    """The devices that no job of `taken` holds."""
    held = frozenset[str]().union(*(parts(device) for device in taken))
    return [device for device in devices if device not in held]


def place(kind: str, processes: int, free: Collection[str]) -> str:
    """The device of a job, "cuda:0,2" for two processes; "" while there is not enough of it.

    Processes on the processor share the one place there.
    """
    fitting = of_kind(free, kind)
    if kind == CPU:
        return fitting[0] if fitting else ""
    if len(fitting) < processes:
        return ""
    return f"{kind}:" + ",".join(one.partition(":")[2] for one in fitting[:processes])
