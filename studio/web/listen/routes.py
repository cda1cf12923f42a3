"""/listen/<token>: the page, its state, its sounds, its answers; and exports for a test's owner."""

import secrets
from collections.abc import Callable
from http.cookies import CookieError, SimpleCookie
from typing import Any, TypeVar, cast

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response

from studio.errors import LANGUAGES, InputRefused, StudioError
from studio.listening.answers import Ballot
from studio.listening.seats import BoothState, Visitor
from studio.privacy.access import Actor
from studio.web.body import Receive, read_json
from studio.web.gate import VISIT
from studio.web.listen.page import STATIC, frame, static, told
from studio.web.media import actor_of
from studio.web.ranges import disposition, sound
from studio.web.refusals import Refusal
from studio.web.visit import Visit
from studio.web.wanted import Studio

T = TypeVar("T")
COOKIE = "timbro_listener_"
COOKIE_S = 60 * 86_400
BODY_BYTES = 16_000
THREADS = 16  # their own: listeners do not hold up the studio, nor it them
NO_STORE = {"Cache-Control": "private, no-store"}


def listen_router(studio: Studio) -> APIRouter:
    """The routes. Handlers are coroutines that hand the work to a few threads of their own."""
    router = APIRouter()
    threads = CapacityLimiter(THREADS)
    booth = studio.listening.booth

    async def work(call: Callable[..., T], *given: object) -> T:
        return await to_thread.run_sync(call, *given, limiter=threads)

    async def visitor(request: Request, token: str) -> Visitor:
        return Visitor(token, _cookies(_visit(request)), await _actor(studio, request, work))

    def state_of(token: str, state: BoothState, who: Visitor) -> Response:
        return JSONResponse(told(token, state, signed_in=who.actor is not None), headers=NO_STORE)

    @router.api_route("/listen/{token}", methods=["GET", "HEAD"])
    async def page(request: Request, token: str) -> Response:
        who = await visitor(request, token)
        await work(booth.state, who)  # a dead link says so at once, as a page
        language = _visit(request).language(studio.settings.language)
        return HTMLResponse(frame(language, studio.settings.organisation), headers=NO_STORE)

    @router.get("/listen/{token}/state")
    async def state(request: Request, token: str) -> Response:
        who = await visitor(request, token)
        return state_of(token, await work(booth.state, who), who)

    @router.post("/listen/{token}/join")
    async def join(request: Request, token: str) -> Response:
        body = await _body(request)
        who = await visitor(request, token)
        language = body.get("language") if body.get("language") in LANGUAGES else studio.settings.language
        agreed = body.get("agreed") is True
        cookie = await work(lambda: booth.join(who, str(language), agreed=agreed))
        seated = Visitor(token, (*who.cookies, cookie) if cookie else who.cookies, who.actor)
        answer = state_of(token, await work(booth.state, seated), who)
        if cookie:
            answer.set_cookie(
                COOKIE + secrets.token_hex(4), cookie, max_age=COOKIE_S, path="/listen/", httponly=True,
                samesite="lax", secure=_visit(request).secure,
            )  # fmt: skip
        return answer

    @router.post("/listen/{token}/headphones")
    async def headphones(request: Request, token: str) -> Response:
        given = (await _body(request)).get("answers")
        answers = tuple(n for n in given if n in (1, 2, 3)) if isinstance(given, list) else ()
        who = await visitor(request, token)
        return state_of(token, await work(booth.check_headphones, who, answers), who)

    @router.post("/listen/{token}/rate")
    async def rate(request: Request, token: str) -> Response:
        ballot = _ballot(await _body(request))
        who = await visitor(request, token)
        return state_of(token, await work(booth.rate, who, ballot), who)

    @router.api_route("/listen/{token}/sound/{name}.wav", methods=["GET", "HEAD"])
    async def heard(request: Request, token: str, name: str) -> Response:
        data = await work(booth.sound, await visitor(request, token), name)
        answer = sound(data, "audio/wav", "sound.wav", request.headers.get("range", ""), download=False)
        del answer.headers["content-disposition"]
        return answer

    @router.api_route("/listening/page.{ending}", methods=["GET", "HEAD"])
    async def part(ending: str) -> Response:
        return Response(
            static(ending), media_type=STATIC[ending], headers={"Cache-Control": "public, max-age=600"}
        )

    @router.api_route("/listening/{test_id}.{ending}", methods=["GET", "HEAD"])
    def export(request: Request, test_id: str, ending: str) -> Response:
        data, media_type, name = studio.listening.results.export(actor_of(request), test_id, ending)
        headers = NO_STORE | {"Content-Disposition": disposition(name, download=True)}
        return Response(data, media_type=media_type, headers=headers)

    return router


def _visit(request: Request) -> Visit:
    visit = request.scope[VISIT]
    assert isinstance(visit, Visit)
    return visit


def _cookies(visit: Visit) -> tuple[str, ...]:
    """What earlier visits left here; the newest last."""
    try:
        jar = SimpleCookie(visit.headers.get("cookie", ""))
    except CookieError:
        return ()
    return tuple(morsel.value for name, morsel in jar.items() if name.startswith(COOKIE))


async def _actor(studio: Studio, request: Request, work: Callable[..., Any]) -> Actor | None:
    """Who is signed in, if anybody is: nobody has to be."""
    token = _visit(request).session_token
    if not token:
        return None
    known = studio.accounts.remembered(token)
    if known is not None:
        return known
    try:
        found = await work(studio.accounts.actor, token)
    except StudioError:
        return None
    assert isinstance(found, Actor)
    return found


async def _body(request: Request) -> dict[str, Any]:
    """A small JSON object; InputRefused for anything else, before it is read whole."""
    try:
        body = await read_json(cast(Receive, request.receive), 0, BODY_BYTES)
    except Refusal as refused:
        raise InputRefused("web.not_json") from refused
    if not isinstance(body, dict):
        raise InputRefused("web.not_json")
    return body


def _ballot(body: dict[str, Any]) -> Ballot:
    values, replays = body.get("values"), body.get("replays")
    page, response_ms = body.get("page"), body.get("response_ms", 0)
    proper = isinstance(values, list) and len(values) <= 64 and all(_is_number(v) for v in values)
    if not proper or not isinstance(page, str):
        raise InputRefused("listening.answer")
    assert isinstance(values, list)
    again = replays if isinstance(replays, list) else []
    return Ballot(
        page, tuple(float(v) for v in values), tuple(int(n) for n in again[:64] if _is_number(n)),
        int(response_ms) if _is_number(response_ms) else 0, body.get("heard") is True,
    )  # fmt: skip


def _is_number(value: object) -> bool:
    """A number of a size that fits; 1e999 is infinite."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e12
