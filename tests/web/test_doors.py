"""Every route of the studio's own has a door in the gate: behind a closed one a button does nothing."""

import re

from studio.ui.shell import build_ui
from studio.web.routes import find_route
from studio.web.server import build_app, prepare
from tests.conftest import Home

FILLED = {"file_name": "x1.csv", "number": "0", "ending": "js"}
ID = "x" * 43


def doors_of(home: Home) -> list[tuple[str, str]]:
    """Method and an address, of every route that was not Gradio's."""
    prepare(home.studio)
    app = build_app(home.studio, build_ui(home.studio)).app
    included = [getattr(route, "original_router", None) for route in app.routes]
    own = [*app.routes, *(route for router in included if router for route in router.routes)]
    return [
        (method, re.sub(r"\{(\w+)\}", lambda part: FILLED.get(part[1], ID), route.path))
        for route in own
        if hasattr(route, "endpoint")
        for method in route.methods
    ]


def test_every_route_has_its_door(home: Home) -> None:
    doors = doors_of(home)
    assert len(doors) > 50
    endings = [
        path.replace(".js", ".csv") for _, path in doors
    ]  # a route's {ending} is a script's or a table's
    closed = [
        door for door, other in zip(doors, endings, strict=True)
        if not find_route(*door) and not find_route(door[0], other)
    ]  # fmt: skip
    assert closed == []
