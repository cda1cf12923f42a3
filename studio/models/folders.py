"""Where a model's files are: fetched by the store, or put there by hand."""

import re
from pathlib import Path

from studio.errors import ModelBroken, ModelMissing, NotFound
from studio.models.store import ModelStore

_ID = re.compile(r"[a-z0-9][a-z0-9._-]*")


class ModelFolders:
    """Answers engines and judges. Models outside the catalogue (their hashes are not known, so the store
    will not fetch them) count as present when somebody has put files into ``models/<id>/``.
    """

    def __init__(self, store: ModelStore, root: Path) -> None:
        self._store = store
        self._root = root

    def folder(self, model_id: str) -> Path:
        """The folder with the model's files; ModelMissing when they are not here."""
        try:
            return self._store.folder(model_id)
        except NotFound:
            return self._by_hand(model_id)

    def present(self, model_id: str) -> bool:
        try:
            self.folder(model_id)
        except (ModelMissing, ModelBroken):
            return False
        return True

    def _by_hand(self, model_id: str) -> Path:
        folder = self._root / model_id
        if not _ID.fullmatch(model_id) or not folder.is_dir() or not any(folder.iterdir()):
            raise ModelMissing("models.by_hand", model=model_id)
        return folder
