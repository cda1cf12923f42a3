"""Embedded models that `make test` has fetched."""

import os
from pathlib import Path

import pytest

STORAGE_MODELS = Path(__file__).parent.parent / "storage" / "models"


def model_file(*parts: str) -> Path:
    """A file or folder of storage/models. Where it was not fetched the test is skipped; under CI it fails, for
    there nobody would see that the real models were not asked.
    """
    path = STORAGE_MODELS.joinpath(*parts)
    if not path.exists():
        leave = pytest.fail if os.environ.get("CI") else pytest.skip
        leave(f"no {'/'.join(parts)} in storage/models: make test fetches it")
    return path
