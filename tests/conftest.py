"""Fixtures every room shares: a studio on a fresh folder, with a scripted engine and scripted judges."""

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from studio.bootstrap import Studio, build_studio
from studio.db.database import Database
from studio.engines.base import EngineContext
from studio.engines.registry import Registry
from studio.privacy.access import Actor, Role
from studio.settings import Settings
from tests.fakes import FakeJudges, FakeWatermarker, fake_spec, no_model


def scripted_registry(scratch: Path) -> Registry:
    registry = Registry(EngineContext(no_model, scratch))
    registry.register(fake_spec())
    registry.register(fake_spec("fake-preset", clones=False))
    registry.register(fake_spec("fake-nc", commercial=False))
    return registry


@dataclass
class Home:
    """A studio that can be closed and opened again on the same folder."""

    settings: Settings
    judges: FakeJudges
    studio: Studio

    def reopen(self) -> Studio:
        self.studio.close()
        self.studio = open_home(self.settings, self.judges)
        return self.studio


@cache
def migrated() -> bytes:
    """An empty database at the newest revision: the revisions take longer than most tests, and have their own."""
    with tempfile.TemporaryDirectory() as folder:
        database = Database(Path(folder) / "studio.db")
        database.migrate()
        database.checkpoint()
        database.close()
        return database.file.read_bytes()


def open_home(settings: Settings, judges: FakeJudges) -> Studio:
    if not settings.database_file.exists():
        settings.database_file.parent.mkdir(parents=True, exist_ok=True)
        settings.database_file.write_bytes(migrated())
    return build_studio(
        settings,
        registry=scripted_registry(settings.storage / "derived"),
        judges=judges,
        watermarker=FakeWatermarker(),
    )


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    settings, judges = Settings(storage=tmp_path / "storage", device="cpu"), FakeJudges()
    made = Home(settings, judges, open_home(settings, judges))
    yield made
    made.studio.close()


@pytest.fixture
def studio(home: Home) -> Studio:
    return home.studio


@pytest.fixture
def judges(home: Home) -> FakeJudges:
    return home.judges


@pytest.fixture
def admin(studio: Studio) -> Actor:
    return studio.accounts.actor_of(studio.accounts.ensure_administrator().id)


@pytest.fixture
def account(studio: Studio, admin: Actor) -> Callable[..., Actor]:
    """Makes further accounts: ``account("rosa")`` is a producer."""

    def make(name: str, role: Role = Role.PRODUCER) -> Actor:
        return studio.accounts.actor_of(studio.accounts.create(admin, name, role).id)

    return make
