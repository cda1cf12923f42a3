"""The folder a training run lives in: what the supervisor puts there, and what the child process finds.

Everything about the speaker is sealed with the run's own key, which is never in the folder.
"""

import base64
import io
import json
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

from studio.audio.clip import AudioClip
from studio.audio.encode import encode
from studio.audio.formats import AudioFormat
from studio.errors import InputRefused, StorageTrouble
from studio.privacy.sealing import Seal
from studio.training.plan import TrainingPlan
from studio.training.processes import Identity

TRAIN, HELD_OUT, REPLAY = "train", "held_out", "replay"
_SAFE = re.compile(r"[A-Za-z0-9_-]{1,80}")


@dataclass(frozen=True)
class Recording:
    """An utterance of the run: `split` is "train", "held_out" or "replay" (other languages, some an epoch)."""

    id: str
    text: str
    language: str
    split: str
    duration_s: float


@dataclass(frozen=True)
class SampleSentence:
    """A sentence spoken at every checkpoint; `utterance_id` names the held-out recording of it, if there is one."""

    text: str
    language: str
    utterance_id: str = ""


@dataclass(frozen=True)
class RunFacts:
    """What the run stands on, for cards and for finding the learner ("package.module:Class"). No texts, no names."""

    job_id: str
    learner: str
    dataset_id: str = ""
    dataset_hash: str = ""
    base_model: str = ""  # catalogue id
    base_hash: str = ""
    licence: str = ""
    consent_id: str = ""


@dataclass(frozen=True)
class Order:
    """What the child reads from its standard input: the key, where models are, and what it may use.

    With `processes` above 1 it starts the others itself, one a GPU ("cuda") or sharing the processor.
    """

    key: bytes
    models: dict[str, str]
    device: str = "cpu"
    threads: int = 2
    processes: int = 1

    def line(self) -> str:
        return json.dumps(asdict(self) | {"key": base64.b64encode(self.key).decode()}) + "\n"

    @classmethod
    def read(cls, line: str) -> "Order":
        found = json.loads(line)
        return cls(**found | {"key": base64.b64decode(found["key"])})


@dataclass(frozen=True)
class RunFolder:
    """A run's folder, read and written. `key` has 32 bytes; names that are not plain are refused."""

    root: Path
    key: bytes = field(repr=False)

    @classmethod
    def create(cls, root: Path, key: bytes, plan: TrainingPlan, facts: RunFacts) -> "RunFolder":
        """A new folder (0700) with its plan; StorageTrouble when the disk refuses."""
        run = cls(root, key)
        for folder in (root, root / "data", root / "checkpoints"):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        put(root / "plan.json", plan.to_json().encode())
        put(root / "run.json", json.dumps(asdict(facts), indent=1).encode())
        return run

    @property
    def plan(self) -> TrainingPlan:
        return TrainingPlan.from_json((self.root / "plan.json").read_text(encoding="utf-8"))

    @property
    def facts(self) -> RunFacts:
        found = json.loads((self.root / "run.json").read_text(encoding="utf-8"))
        known = {one.name for one in fields(RunFacts)}
        return RunFacts(**{name: value for name, value in found.items() if name in known})

    @property
    def events_file(self) -> Path:
        return self.root / "events.jsonl"

    @property
    def log_file(self) -> Path:
        return self.root / "log.txt"

    def write_clip(self, utterance_id: str, clip: AudioClip) -> None:
        self.seal_into(f"data/{_plain(utterance_id)}", encode(clip, AudioFormat.FLAC))

    def read_clip(self, utterance_id: str) -> AudioClip:
        """The recording; FileNotFoundError when it is not there, StorageTrouble when it was changed."""
        return decoded(self.unseal(f"data/{_plain(utterance_id)}"))

    def write_manifest(self, recordings: Sequence[Recording]) -> None:
        self.seal_into("manifest", json.dumps([asdict(one) for one in recordings]).encode())

    def manifest(self) -> tuple[Recording, ...]:
        return tuple(Recording(**one) for one in json.loads(self.unseal("manifest")))

    def write_samples(self, sentences: Sequence[SampleSentence]) -> None:
        self.seal_into("samples.json", json.dumps([asdict(one) for one in sentences]).encode())

    def samples(self) -> tuple[SampleSentence, ...]:
        return tuple(SampleSentence(**one) for one in json.loads(self.unseal("samples.json")))

    def sealed_files(self) -> Iterator[Path]:
        """Every sealed file of the run, for tests and for erasure."""
        plain = {"card.json"}
        yield from (path for path in (self.root / "data").iterdir() if path.is_file())
        yield from (self.root / name for name in ("manifest", "samples.json") if (self.root / name).exists())
        for path in (self.root / "checkpoints").rglob("*"):
            if path.is_file() and path.name not in plain:
                yield path

    def seal_into(self, name: str, data: bytes, at: Path | None = None) -> int:
        """Seal under a name relative to the run, written at `at` when that is another place for now."""
        try:
            return Seal(self.key).write(at or self.root / name, data, f"{self.facts.job_id}|{name}")
        except OSError as error:
            raise disk_trouble(error, self.root) from error

    def unseal(self, name: str) -> bytes:
        return Seal(self.key).read(self.root / name, f"{self.facts.job_id}|{name}")

    def write_worker(self, identity: Identity) -> None:
        put(self.root / "worker.pid", json.dumps(identity.to_json()).encode())

    def worker(self) -> Identity | None:
        """The process that last worked here; ask it whether it is alive."""
        path = self.root / "worker.pid"
        return Identity.from_json(json.loads(path.read_text())) if path.exists() else None

    def ask(self, wish: str) -> None:
        """Ask the child to end: "stop" (cancelled) or "pause" (to be resumed)."""
        if wish not in ("stop", "pause"):
            raise ValueError(wish)
        (self.root / wish).touch(mode=0o600)

    def clear_wishes(self) -> None:
        """Before a run is resumed: what was asked of the last process is not asked of the next."""
        for wish in ("stop", "pause"):
            (self.root / wish).unlink(missing_ok=True)

    def asked(self) -> str:
        """Why the child should end: "cancelled", "paused" or ""."""
        if (self.root / "stop").exists():
            return "cancelled"
        return "paused" if (self.root / "pause").exists() else ""


def put(path: Path, data: bytes) -> None:
    """Write a small file whole or not at all (mode 0600); StorageTrouble when the disk refuses."""
    temporary = path.with_name(path.name + ".part")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise disk_trouble(error, path.parent) from error


def disk_trouble(error: OSError, folder: Path) -> StorageTrouble:
    """A failed write, told with what is free where it failed."""
    import errno
    import shutil

    free_mb = shutil.disk_usage(folder).free // 1_000_000 if folder.exists() else 0
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StorageTrouble("learning.disk_full", free_mb=free_mb)
    return StorageTrouble("learning.disk", reason=error.strerror or type(error).__name__)


def file_trouble(error: OSError, folder: Path) -> StorageTrouble:
    """A file that is not there by its name; what else the disk refuses as `disk_trouble`."""
    if isinstance(error, FileNotFoundError):
        return StorageTrouble("learning.file_missing", name=Path(error.filename or "?").name)
    return disk_trouble(error, folder)


def decoded(flac: bytes) -> AudioClip:
    """A clip from the FLAC that the studio itself wrote."""
    import soundfile

    samples, rate = soundfile.read(io.BytesIO(flac), dtype="float32")
    return AudioClip(samples, rate)


def _plain(name: str) -> str:
    if not _SAFE.fullmatch(name):
        raise InputRefused("learning.bad_name", name=name[:80])
    return name
