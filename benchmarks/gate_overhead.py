"""What the gate adds to a request: the same app with and without it, call by call in turn, in one run.

    python -m benchmarks.gate_overhead [rounds]

In process (ASGI to ASGI), so that no socket blurs the difference. The app behind it answers at once: what is
left is the gate's own work. Bar: under 2 ms added to any kind of request.
"""

import asyncio
import json
import secrets
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from studio.db.database import Database
from studio.privacy.accounts import AccountService
from studio.privacy.api_keys import ApiKeyService
from studio.settings import Settings
from studio.web.gate import Gate
from studio.web.limits import RATES, Limits, Rate
from studio.web.visit import COOKIE

BAR_MS = 2.0
App = Callable[..., Awaitable[None]]
PAGE = b"<!doctype html>" + b"<script>let config = {}</script>" * 4 + b"x" * 200_000  # about Gradio's size


async def answer_at_once(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Read the body, then answer as Gradio would in size and type."""
    while (await receive()).get("more_body"):
        pass
    page = scope["path"] == "/"
    kind, body = (b"text/html", PAGE) if page else (b"application/json", b'{"event_id": "e"}')
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind)]})
    await send({"type": "http.response.body", "body": body})


def request(method: str, path: str, token: str, body: bytes = b"") -> dict[str, Any]:
    headers = [(b"host", b"127.0.0.1"), (b"cookie", f"{COOKIE}={token}".encode())]
    headers += [(b"sec-fetch-site", b"same-origin"), (b"origin", b"http://127.0.0.1")] if body else []
    scope = {"type": "http", "method": method, "path": path, "query_string": b"", "headers": headers}
    return {"scope": scope | {"scheme": "http", "client": ("127.0.0.1", 1), "root_path": ""}, "body": body}


def call(key: str) -> dict[str, Any]:
    """A call of the speech API; the key is looked up in the database each time."""
    body = json.dumps({"input": "Buongiorno. " * 80, "voice": "preset:kokoro:if_sara"}).encode()
    asked = request("POST", "/v1/audio/speech", "", body)
    asked["scope"]["headers"] = [(b"host", b"127.0.0.1"), (b"authorization", f"Bearer {key}".encode())]
    return asked


async def once(app: App, asked: dict[str, Any]) -> float:
    """Milliseconds of one call; fails unless it was let in."""

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": asked["body"], "more_body": False}

    statuses = []

    async def send(message: dict[str, Any]) -> None:
        statuses.append(message.get("status", 200))

    began = time.perf_counter()
    await app(dict(asked["scope"]), receive, send)
    taken = (time.perf_counter() - began) * 1000
    assert set(statuses) == {200}, statuses
    return taken


async def compare(gate: App, asked: dict[str, Any], rounds: int) -> tuple[float, float, float]:
    """Median without, median with, and the 99th percentile of the difference, in milliseconds."""
    bare, gated = [], []
    for _ in range(rounds):
        bare.append(await once(answer_at_once, asked))
        gated.append(await once(gate, asked))
    added = sorted(after - before for before, after in zip(bare, gated, strict=True))
    return statistics.median(bare), statistics.median(gated), added[int(len(added) * 0.99)]


async def measure(folder: Path, rounds: int) -> bool:
    settings = Settings(storage=folder)
    database = Database(settings.database_file)
    database.migrate()
    accounts = AccountService(database, settings)
    token = accounts.redeem(accounts.sign_in_link(accounts.ensure_administrator().id))
    unlimited = Limits({budget: Rate(1e9, 1e9) for budget in RATES})
    keys = ApiKeyService(database, settings.language, accounts.sessions)
    gate = Gate(answer_at_once, accounts, settings, limits=unlimited, keys=keys)
    administrator = accounts.actor_of(accounts.ensure_administrator().id)
    key = keys.create(administrator, "benchmark", ["speak"])[1]
    account, mine = accounts.actor(token).account_id, "/tmp/upload/a.wav"
    gate.bindings.files.grant(mine, account)
    event = {"data": [{"path": mine, "meta": {"_type": "gradio.FileData"}}, "x" * 10_000, *range(40)]}
    join = json.dumps(event | {"fn_index": 1, "session_hash": secrets.token_hex(6)}).encode()
    kinds = {
        "a script of the page": request("GET", "/assets/index-1.js", token),
        "the page (200 kB)": request("GET", "/", token),
        "an event (10 kB, a file)": request("POST", "/gradio_api/queue/join", token, join),
        "a call with an API key": call(key),
        "a file of one's own": request("GET", f"/gradio_api/file={mine}", token),
    }
    print(f"{'request':28}{'without ms':>12}{'with ms':>10}{'added ms':>10}{'p99 added':>11}")
    worst = 0.0
    for name, asked in kinds.items():
        without, through, p99 = await compare(gate, asked, rounds)
        worst = max(worst, through - without)
        print(f"{name:28}{without:12.3f}{through:10.3f}{through - without:10.3f}{p99:11.3f}")
    print(f"worst median added: {worst:.3f} ms; bar {BAR_MS} ms: {'met' if worst < BAR_MS else 'MISSED'}")
    database.close()
    return worst < BAR_MS


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        met = asyncio.run(measure(Path(made), int(sys.argv[1]) if sys.argv[1:] else 2000))
    sys.exit(0 if met else 1)
