"""Checkpoints of a run: written whole or not at all, the newest two and the best kept."""

import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from studio.audio.clip import AudioClip
from studio.audio.encode import encode
from studio.audio.formats import AudioFormat
from studio.training.run_folder import RunFolder, decoded, disk_trouble, put

_KEPT = 2  # of the newest, with what is needed to go on from them


@dataclass(frozen=True)
class Card:
    """What a checkpoint is, in numbers and ids: nothing of it says what anybody said.

    `scores` as in the `checkpoint` event; `held_out_loss` is None where nothing is held out. `chosen_by`
    says what "best" goes by: "similarity_wer" or "held_out_loss".
    """

    step: int
    epoch: int
    engine: str
    method: str
    parameters: int
    base_model: str = ""
    base_hash: str = ""
    dataset_id: str = ""
    dataset_hash: str = ""
    consent_id: str = ""
    licence: str = ""
    scores: dict[str, float] = field(default_factory=dict)
    held_out_loss: float | None = None
    chosen_by: str = ""
    best: bool = False
    samples: int = 0

    @classmethod
    def from_json(cls, text: str) -> "Card":
        found = json.loads(text)
        return cls(**{one.name: found[one.name] for one in fields(cls) if one.name in found})

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=1)


@dataclass(frozen=True)
class Checkpoints:
    """The checkpoints of a run by step. `weights` is what the learner exports, `trainer` what the loop needs."""

    run: RunFolder

    @property
    def root(self) -> Path:
        return self.run.root / "checkpoints"

    def steps(self) -> tuple[int, ...]:
        """Steps with a card, oldest first; of some only card and samples are left."""
        return tuple(sorted(int(card.parent.name) for card in self.root.glob("[0-9]*/card.json")))

    def resumable(self) -> int | None:
        """The newest step a run can go on from."""
        steps = [step for step in self.steps() if (self.folder(step) / "trainer").exists()]
        return steps[-1] if steps else None

    def folder(self, step: int) -> Path:
        return self.root / f"{step:06d}"

    def size(self, step: int) -> int:
        """Bytes on the disk, of what is left of it."""
        return sum(path.stat().st_size for path in self.folder(step).rglob("*") if path.is_file())

    def card(self, step: int) -> Card:
        return Card.from_json((self.folder(step) / "card.json").read_text(encoding="utf-8"))

    def weights(self, step: int) -> bytes:
        """What the learner had exported; StorageTrouble when changed, FileNotFoundError when pruned."""
        return self.run.unseal(f"checkpoints/{step:06d}/weights")

    def trainer(self, step: int) -> bytes:
        return self.run.unseal(f"checkpoints/{step:06d}/trainer")

    def sample(self, step: int, number: int) -> AudioClip:
        return decoded(self.sample_flac(step, number))

    def sample_flac(self, step: int, number: int) -> bytes:
        """A sample sentence as FLAC, `number` from 0."""
        return self.run.unseal(f"checkpoints/{step:06d}/samples/{number:d}")

    def write(self, card: Card, weights: bytes, trainer: bytes, samples: Sequence[AudioClip]) -> int:
        """Write a checkpoint under another name, flush it to the disk and rename it; returns its size.

        A step written again (after a crash) takes the place of the first.
        """
        folder, temporary = self.folder(card.step), self.root / f".{card.step:06d}.part"
        shutil.rmtree(temporary, ignore_errors=True)
        try:
            (temporary / "samples").mkdir(mode=0o700, parents=True)
            size = self._fill(temporary, card, weights, trainer, samples)
            shutil.rmtree(folder, ignore_errors=True)
            temporary.rename(folder)
            _flush_folder(self.root)
        except OSError as error:
            shutil.rmtree(temporary, ignore_errors=True)
            raise disk_trouble(error, self.root) from error
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
        return size

    def _fill(
        self, folder: Path, card: Card, weights: bytes, trainer: bytes, samples: Sequence[AudioClip]
    ) -> int:
        at = f"checkpoints/{card.step:06d}"
        files = {"weights": weights, "trainer": trainer}
        files |= {f"samples/{n}": encode(clip, AudioFormat.FLAC) for n, clip in enumerate(samples)}
        size = sum(self.run.seal_into(f"{at}/{name}", data, folder / name) for name, data in files.items())
        put(folder / "card.json", card.to_json().encode())
        for each in (folder / "samples", folder):
            _flush_folder(each)
        return size

    def mark_best(self, step: int) -> None:
        """Let the cards say which is best."""
        for each in self.steps():
            card = self.card(each)
            if card.best != (each == step):
                put(self.folder(each) / "card.json", replace(card, best=each == step).to_json().encode())

    def prune(self, best: int | None) -> None:
        """Drop the weights of all but the newest two and the best; cards and samples stay."""
        resumable = [step for step in self.steps() if (self.folder(step) / "trainer").exists()]
        for step in resumable[:-_KEPT]:
            (self.folder(step) / "trainer").unlink()
        for step in self.steps():
            if step not in resumable[-_KEPT:] and step != best:
                (self.folder(step) / "weights").unlink(missing_ok=True)

    def sweep(self) -> None:
        """Remove what a process that died left unfinished."""
        for left in self.root.glob(".*.part"):
            shutil.rmtree(left, ignore_errors=True)


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def facts_of(card: Card, size: int) -> dict[str, Any]:
    """The facts of a `checkpoint` event."""
    return {
        "step": card.step, "folder": f"{card.step:06d}", "scores": card.scores, "held_out": card.held_out_loss,
        "samples": card.samples, "best": card.best, "chosen_by": card.chosen_by, "bytes": size,
    }  # fmt: skip
