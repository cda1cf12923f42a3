"""Exports by address: a file to keep, never a page to show, and only the owner's."""

import csv
import io
from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from studio.bootstrap import Studio
from studio.errors import InputRefused, NotFound
from studio.privacy.access import Actor
from studio.voices.forms import VoiceView
from studio.web.gate import ACTOR
from studio.web.media import media_router
from studio.web.routes import Guard, find_route
from tests.scores.conftest import ScriptedEars, asked


def visiting(studio: Studio, actor: Actor) -> TestClient:
    """The routes as they are behind the gate, which has told who asks."""
    app = FastAPI()
    app.include_router(media_router(studio))

    async def told(scope: Any, receive: Any, send: Any) -> None:
        scope[ACTOR] = actor
        await app(scope, receive, send)

    return TestClient(told)


def test_results_come_as_files_to_keep_in_the_asked_language(
    studio: Studio, admin: Actor, account: Callable[..., Actor], ears: ScriptedEars, voice: VoiceView
) -> None:
    studio.evaluations.evaluate(admin, asked(voice.id)).wait()
    run_id = studio.evaluations.results.runs(admin)[0].id
    client = visiting(studio, admin)
    for ending, expected in (("csv", "text/csv"), ("json", "application/json"), ("html", "text/html")):
        answer = client.get(f"/media/evaluation/{run_id}.{ending}?language=en")
        assert answer.status_code == 200 and answer.headers["content-type"].startswith(expected)
        assert answer.headers["content-disposition"].startswith("attachment")
        assert answer.headers["cache-control"] == "private, no-store"
    sheet = client.get(f"/media/evaluation/{run_id}.csv?language=it").text
    assert "registrazione" in next(
        r["why_not"] for r in csv.DictReader(io.StringIO(sheet)) if r["metric"] == "mcd"
    )
    with pytest.raises(InputRefused):
        client.get(f"/media/evaluation/{run_id}.exe")
    with pytest.raises(NotFound):
        visiting(studio, account("ugo")).get(f"/media/evaluation/{run_id}.csv")


def test_the_gate_knows_the_door_and_asks_for_an_account() -> None:
    found = find_route("GET", "/media/evaluation/run_0123456789abcdef.html")
    assert found is not None and found[0].guard is Guard.ACCOUNT
    assert find_route("POST", "/media/evaluation/run_01.html") is None
    assert find_route("GET", "/media/evaluation/../take/x.wav") is None
