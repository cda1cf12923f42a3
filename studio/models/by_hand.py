"""Models that people put there by hand: which ones engines would find, and what is here of them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal

from studio.engines.base import EngineSpec, HandModel
from studio.models.catalogue import Catalogue
from studio.models.recognisers import RECOGNISERS


@dataclass(frozen=True)
class HandState:
    """A model people bring, and what its folder holds. `engines` are the names of those that would use it;
    none for a recogniser.
    """

    model: HandModel
    engines: tuple[str, ...]
    files: tuple[str, ...]
    missing: tuple[str, ...]  # patterns that no file matches

    @property
    def kind(self) -> Literal["absent", "partial", "present"]:
        """By the names of the files alone: only loading them tells whether they fit."""
        if not self.files:
            return "absent"
        return "partial" if self.missing else "present"


class HandShelf:
    """Looks at the folders afresh each time it is asked."""

    def __init__(
        self,
        specs: Callable[[], Iterable[EngineSpec]],
        root: Path,
        let_go: Callable[[str], None],
        others: tuple[HandModel, ...] = RECOGNISERS,
    ) -> None:
        self._specs = specs
        self._root = root
        self._let_go = let_go
        self._others = others

    def states(self, catalogue: Catalogue) -> list[HandState]:
        """What would be found by hand, each once; what the catalogue knows is fetched instead."""
        known = {model.id for model in catalogue.models}
        models = {model.id: model for model in self._others if model.id not in known}
        users: dict[str, list[str]] = {}
        for spec in self._specs():
            for model in spec.by_hand:
                if model.id not in known:
                    models.setdefault(model.id, model)
                    users.setdefault(model.id, []).append(spec.name)
        return [self._state(model, tuple(users.get(model.id, ()))) for model in models.values()]

    def let_go(self) -> None:
        """Unload every engine that uses such models: it looks for them again when it is next needed."""
        for spec in self._specs():
            if spec.by_hand:
                self._let_go(spec.id)

    def _state(self, model: HandModel, engines: tuple[str, ...]) -> HandState:
        folder = self._root / model.id
        files = tuple(sorted(file.name for file in folder.iterdir())) if folder.is_dir() else ()
        missing = tuple(pattern for pattern in model.files if not _matched(pattern, files))
        return HandState(model, engines, files, missing)


def _matched(pattern: str, files: tuple[str, ...]) -> bool:
    return any(fnmatchcase(file, one) for one in pattern.split("|") for file in files)
