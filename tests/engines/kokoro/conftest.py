"""The embedded engine loaded once for its tests, and a real voice to clone."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import soundfile

from studio.audio.clip import AudioClip
from studio.engines.base import EngineContext
from studio.engines.kokoro.engine import KokoroEngine
from tests.fetched import STORAGE_MODELS, model_file

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="session")
def models() -> Path:
    model_file("kokoro-82m", "model.onnx")
    return STORAGE_MODELS


@pytest.fixture(scope="session")
def context(models: Path, tmp_path_factory: pytest.TempPathFactory) -> EngineContext:
    return EngineContext(lambda model_id: models / model_id, tmp_path_factory.mktemp("scratch"), threads=2)


@pytest.fixture(scope="session")
def engine(context: EngineContext) -> Iterator[KokoroEngine]:
    engine = KokoroEngine(context)
    yield engine
    engine.unload()


@pytest.fixture(scope="session")
def reference() -> list[AudioClip]:
    """Nine seconds of a real speaker (LJSpeech, public domain)."""
    samples, rate = soundfile.read(ROOT / "tests" / "data" / "LJ001-0001.flac", dtype="float32")
    return [AudioClip(samples, rate)]
