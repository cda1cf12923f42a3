"""A studio whose judges listen, and a voice that may be trained."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from studio.bootstrap import Studio
from studio.privacy.access import Actor
from studio.settings import Settings
from studio.voices.forms import VoiceView
from tests.conftest import Home, open_home
from tests.datasets.making import ListeningJudges, trainable


@pytest.fixture
def judges() -> ListeningJudges:
    return ListeningJudges()


@pytest.fixture
def home(tmp_path: Path, judges: ListeningJudges) -> Iterator[Home]:
    settings = Settings(storage=tmp_path / "storage", device="cpu")
    made = Home(settings, judges, open_home(settings, judges))
    yield made
    made.studio.close()


@pytest.fixture
def voice(studio: Studio, admin: Actor) -> VoiceView:
    return trainable(studio, admin)
