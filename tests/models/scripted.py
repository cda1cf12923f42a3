"""A scripted source of model files, and small catalogues to fetch."""

import hashlib
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from studio.engines.base import Licence
from studio.errors import SourceUnavailable
from studio.models.catalogue import Catalogue, HubSource, Model, ModelFile, PackageSource, Part, Source
from studio.models.progress import Watch

FREE = Licence("Apache-2.0", "Apache License 2.0", True)
RESTRICTED = Licence("LicenseRef-CPML", "Coqui Public Model License", False, "about:licence")
ALPHA, BETA = b"alpha" * 1000, b"beta" * 3000


def model_file(name: str, content: bytes) -> ModelFile:
    return ModelFile(name, len(content), hashlib.sha256(content).hexdigest())


def hub(repo: str, *names: str) -> HubSource:
    return HubSource(repo, "main", {name: name for name in names})


def packages(*parts: tuple[str, str, str]) -> PackageSource:
    """Parts as (file, package, member)."""
    return PackageSource("npm", tuple(Part(file, package, "1.0", member) for file, package, member in parts))


def catalogue_of(
    *sources: Source, files: Sequence[ModelFile] = (), licence: Licence = FREE, needs_acceptance: bool = False
) -> Catalogue:
    """A catalogue of one model ``m`` with the files alpha.bin and beta.bin."""
    files = tuple(files) or (model_file("alpha.bin", ALPHA), model_file("beta.bin", BETA))
    summary = {"en": "A model.", "it": "Un modello."}
    return Catalogue(
        (
            Model(
                "m", "Model M", "kokoro", "speech", ("it",), licence, "someone", summary,
                needs_acceptance, True, files, sources,
            ),
        )
    )  # fmt: skip


@dataclass
class ScriptedFetcher:
    """Puts what `contents` says for a source's label; a label without contents cannot be reached.

    `pause_at` names a file before which the fetch stands still until it is cancelled or released.
    """

    contents: dict[str, dict[str, bytes]]
    pause_at: str = ""
    calls: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    reached: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)

    def fetch(self, source: Source, files: Sequence[ModelFile], staging: Path, watch: Watch) -> None:
        self.calls.append((source.label, tuple(file.name for file in files)))
        if source.label not in self.contents:
            raise SourceUnavailable("models.unreachable", source=source.label)
        staging.mkdir(parents=True, exist_ok=True)
        for file in files:
            if file.name == self.pause_at:
                self.reached.set()
                while not self.released.wait(0.01):
                    watch.report("fetching")
            (staging / file.name).write_bytes(self.contents[source.label][file.name])
            watch.report("fetching", under_way=file.size)
