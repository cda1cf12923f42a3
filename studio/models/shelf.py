"""What is on disk of a model: its folder, its half-done download, and whether the files are right."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from studio.errors import ModelBroken, StudioError
from studio.models.catalogue import Model, ModelFile
from studio.models.checks import Checks, sha256_of
from studio.models.progress import Watch

Presence = Literal["absent", "partial", "present", "broken"]


@dataclass(frozen=True)
class ModelState:
    """What is here of a model; sizes in bytes. `staged_bytes` belong to an unfinished download."""

    model_id: str
    kind: Presence
    here_bytes: int
    total_bytes: int
    staged_bytes: int
    broken_files: tuple[str, ...] = ()


@dataclass(frozen=True)
class Shelf:
    """The files of one model: ``root/<id>/``, and ``root/.staging/<id>/`` while they come."""

    root: Path
    model: Model

    @property
    def folder(self) -> Path:
        return self.root / self.model.id

    @property
    def staging(self) -> Path:
        return self.root / ".staging" / self.model.id

    def state(self) -> ModelState:
        here, broken = 0, []
        checks = Checks(self.folder)
        for file in self.model.files:
            if not (self.folder / file.name).is_file():
                continue
            if checks.is_right(file):
                here += file.size
            else:
                broken.append(file.name)
        staged = self._staged_bytes()
        kind: Presence = "absent"
        if broken:
            kind = "broken"
        elif here == self.model.size:
            kind = "present"
        elif here or staged:
            kind = "partial"
        return ModelState(self.model.id, kind, here, self.model.size, staged, tuple(broken))

    def missing(self) -> list[ModelFile]:
        """The files that are not here, or are not the right ones."""
        checks = Checks(self.folder)
        return [
            file
            for file in self.model.files
            if not ((self.folder / file.name).is_file() and checks.is_right(file))
        ]

    def verify(self, watch: Watch) -> None:
        """Hash every file that is here afresh, whatever is remembered."""
        checks = Checks(self.folder)
        for file in self.model.files:
            if (self.folder / file.name).is_file():
                watch.report("verifying")
                checks.is_right(file, watch, afresh=True)
                watch.done_bytes += file.size

    def take_in(
        self, missing: list[ModelFile], watch: Watch, refused: Callable[[StudioError], None]
    ) -> list[ModelFile]:
        """Give staged files with the right SHA-256 their place, delete the others, return what is missing."""
        still = []
        for file in missing:
            staged = self.staging / file.name
            if not staged.exists():
                still.append(file)
                continue
            watch.report("verifying")
            if staged.stat().st_size == file.size and sha256_of(staged, watch) == file.sha256:
                self.folder.mkdir(parents=True, exist_ok=True)
                staged.replace(self.folder / file.name)
                Checks(self.folder).remember(file.name, file.sha256)
                continue
            staged.unlink()
            still.append(file)
            facts = {"model": self.model.name, "file": file.name, "source": watch.source}
            refused(ModelBroken("models.wrong_bytes", **facts))
        return still

    def clear_staging(self) -> None:
        shutil.rmtree(self.staging, ignore_errors=True)

    def remove(self) -> None:
        self.clear_staging()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _staged_bytes(self) -> int:
        total = 0
        for path in self.staging.rglob("*"):
            try:
                total += path.stat().st_size if path.is_file() else 0
            except FileNotFoundError:
                continue  # a download at work moves its files while we look
        return total
