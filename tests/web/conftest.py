"""The demo studio behind the real gate, served over real HTTP."""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from studio.db.database import Database
from studio.web.gate import Gate
from studio.web.scratch import upload_folder
from studio.web.server import address_of, build_app, listen, prepare
from tests.web.demo import DemoStudio, build_demo
from tests.web.visitor import Visitor


@dataclass
class Served:
    """A running server: its address, its studio, its gate and its pages."""

    url: str
    studio: Any  # a DemoStudio, or the Studio itself under its own pages
    gate: Gate
    demo: Any

    def visitor(self, name: str, role: str = "producer") -> Visitor:
        """Somebody signed in through a real one-time link."""
        admin = self.studio.accounts.ensure_administrator()
        actor = self.studio.accounts.actor_of(admin.id)
        known = {account.name: account for account in self.studio.accounts.accounts(actor)}
        account = known.get(name) or self.studio.accounts.create(actor, name, role)
        self.studio.accounts.set_language(self.studio.accounts.actor_of(account.id), "en")
        token = self.studio.accounts.sign_in_link(account.id)
        client = httpx.Client(base_url=self.url, timeout=30)
        answer = client.post(f"/login/{token}")
        assert answer.status_code == 303, answer.text
        return Visitor(client, account.id)

    @property
    def upload_folder(self) -> Path:
        return upload_folder(self.studio.settings.scratch)

    @property
    def database(self) -> Database:
        return self.studio.database

    def sounds_of(self, visitor: Visitor) -> list[str]:
        return self.studio.sounds_of(visitor.account_id)

    def anonymous(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=30)


def serve_demo(folder: Path) -> Iterator[Served]:
    studio = DemoStudio(folder)
    prepare(studio)
    yield from serve(studio, build_demo(studio))


def serve(studio: Any, demo: Any) -> Iterator[Served]:
    """Serve the pages over real HTTP; the studio is closed at the end."""
    gate = build_app(studio, demo)
    listening = listen(studio)
    config = uvicorn.Config(
        gate, log_level="warning", access_log=False, proxy_headers=False, timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.02)
    yield Served(address_of(studio, listening), studio, gate, demo)
    server.should_exit = True
    thread.join(10)
    listening.close()
    studio.close()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One server a module: Gradio's upload folder belongs to the process, so the studio that was prepared last
    is the only one that uploads reach. A server of the session would lose it to the next file's.
    """
    yield from serve_demo(tmp_path_factory.mktemp("studio"))


@pytest.fixture(autouse=True)
def fresh_limits(served: Served) -> None:
    """Each test starts with full budgets."""
    served.gate.limits._levels.clear()


@pytest.fixture(scope="module")
def ada(served: Served) -> Visitor:
    return served.visitor("ada")


@pytest.fixture(scope="module")
def bob(served: Served) -> Visitor:
    return served.visitor("bob")
