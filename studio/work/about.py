"""What this studio is made of and how much room it takes."""

import platform
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

SHOWN = ("gradio", "torch", "onnxruntime", "coqui-tts", "faster-whisper", "transformers")


@dataclass(frozen=True)
class About:
    """Versions by package, the device engines run on, and bytes by part of the storage."""

    versions: dict[str, str]
    python: str
    device: str
    cores: int
    storage_bytes: dict[str, int]


def about(storage: Path, device: str, cores: int) -> About:
    """Look now; nothing is imported to find a version."""
    parts = {name: folder_bytes(storage / name) for name in ("assets", "models", "derived", "runs")}
    database = sum(file.stat().st_size for file in storage.glob("studio.db*"))
    return About(_versions(), platform.python_version(), device, cores, {"database": database, **parts})


def _versions() -> dict[str, str]:
    found = {}
    for name in SHOWN:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def folder_bytes(folder: Path) -> int:
    """Bytes of all files under a folder; files that vanish meanwhile do not count."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except FileNotFoundError:
            continue
    return total
