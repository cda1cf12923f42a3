from pathlib import Path

import pytest

from studio.models.catalogue import load_catalogue
from studio.models.store import ModelStore

ROOT = Path(__file__).parents[2] / "storage" / "models"
EMBEDDED = load_catalogue().embedded


@pytest.mark.models
@pytest.mark.parametrize("model_id", [model.id for model in EMBEDDED])
def test_the_fetched_files_are_those_of_the_catalogue_byte_for_byte(model_id: str) -> None:
    store = ModelStore(ROOT, load_catalogue())
    assert store.verify(model_id).kind == "present"
    assert store.folder(model_id).is_dir()
