"""One tiny checkpoint and one loaded engine for all the tests of this folder."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import soundfile
import torch

from studio.audio.clip import AudioClip
from studio.engines.base import EngineContext
from studio.engines.xtts.engine import XttsEngine
from tests.tiny_xtts import narrow_vocoder, write_tiny_xtts

RECORDINGS = Path(__file__).parent / "recordings"


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """Layers this small lose more by waiting for a second thread than they gain, most of all on a busy machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with narrow_vocoder():
        return write_tiny_xtts(tmp_path_factory.mktemp("xtts"), legacy=True)


@pytest.fixture(scope="session")
def engine(checkpoint: Path) -> Iterator[XttsEngine]:
    with narrow_vocoder():
        engine = XttsEngine(EngineContext(lambda model_id: checkpoint, checkpoint))
        engine.encode_voice([recording("LJ001-0008")])  # loads
    yield engine
    engine.unload()


@pytest.fixture(scope="session")
def model(engine: XttsEngine) -> Any:
    """coqui-tts's own object, for comparison with upstream."""
    return engine._model()


def recording(name: str) -> AudioClip:
    samples, rate = soundfile.read(RECORDINGS / f"{name}.flac", dtype="float32")
    return AudioClip(samples, rate)
