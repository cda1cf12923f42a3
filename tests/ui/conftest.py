"""Handlers called as Gradio calls them, with the visitor's account in the request."""

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest
from gradio.context import LocalContext

from studio.bootstrap import Studio
from studio.privacy.access import Actor
from studio.ui.desk import Desk
from studio.ui.words import Words


@pytest.fixture(params=["it", "en"])
def desk(request: pytest.FixtureRequest, studio: Studio) -> Desk:
    return Desk(studio, Words(request.param))


@pytest.fixture
def italian(studio: Studio) -> Desk:
    return Desk(studio, Words("it"))


@pytest.fixture
def handling() -> Iterator[None]:
    """As while Gradio runs a handler: a component made now is an update of one, and has no value of its own."""
    before = LocalContext.in_event_listener.set(True)
    yield
    LocalContext.in_event_listener.reset(before)


@pytest.fixture
def visitor() -> Callable[..., gr.Request]:
    """visitor(actor) is the request of that account; visitor(None) of nobody."""

    def request_of(actor: Actor | None, **headers: str) -> Any:
        return SimpleNamespace(username=actor.account_id if actor else None, headers=headers)

    return request_of


@pytest.fixture
def press() -> Callable[..., gr.EventData]:
    """press("act", id=...) is a click on a board's button; `form` holds its fields."""

    def event_of(act: str, form: dict[str, str] | None = None, **data: object) -> gr.EventData:
        return gr.EventData(None, {"act": act, "form": form or {}, **{k: str(v) for k, v in data.items()}})

    return event_of
