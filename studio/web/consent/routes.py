"""/consent/<token>: the page, its state, recordings examined, the answer, the speaker's data, the withdrawal."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeVar

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response, StreamingResponse

from studio.errors import LANGUAGES
from studio.voices.forms import Upload
from studio.web.consent.page import STATIC, asked, examined, frame, receipt, static, told
from studio.web.consent.reading import (
    ANSWER_BYTES,
    SMALL_BYTES,
    SOUND_BYTES,
    Door,
    read_answer,
    read_wish,
    refuse_unsure,
)
from studio.web.gate import VISIT
from studio.web.media import in_thread
from studio.web.ranges import disposition
from studio.web.visit import Visit
from studio.web.wanted import Studio

T = TypeVar("T")
THREADS = 4  # their own: speakers do not hold up the studio, nor it them
LISTENING = 2  # recordings judged at once
SENDING = 3  # bodies with sounds that are held at once, on their way or being judged
ASKING = 50  # small ones
NO_STORE = {"Cache-Control": "private, no-store"}


def consent_router(studio: Studio) -> APIRouter:
    """The routes. Handlers are coroutines that hand the work to a few threads of their own."""
    router = APIRouter()
    quick, judging = CapacityLimiter(THREADS), CapacityLimiter(LISTENING)
    door, small = Door(SENDING), Door(ASKING)
    desk = studio.speakers

    async def work(call: Callable[..., T], *given: object, slowly: bool = False) -> T:
        return await to_thread.run_sync(call, *given, limiter=judging if slowly else quick)

    def language_of(request: Request) -> str:
        wish = request.query_params.get("language", "")
        return wish if wish in LANGUAGES else _visit(request).language(studio.settings.language)

    @router.api_route("/consent/{token}", methods=["GET", "HEAD"])
    async def page(request: Request, token: str) -> Response:
        language = language_of(request)
        await work(desk.page, token, language)  # a dead link says so at once, as a page
        return HTMLResponse(frame(language, studio.settings.organisation), headers=NO_STORE)

    @router.get("/consent/{token}/state")
    async def state(request: Request, token: str) -> Response:
        return JSONResponse(told(await work(desk.page, token, language_of(request))), headers=NO_STORE)

    @router.post("/consent/{token}/check")
    async def check(request: Request, token: str) -> Response:
        await work(desk.enter, token)
        async with door.let_in(request, SOUND_BYTES) as raw:
            upload = Upload("recording", raw, "microphone")
            checked = await work(desk.examine, token, upload, slowly=True)
        return JSONResponse(examined(checked, language_of(request)), headers=NO_STORE)

    @router.post("/consent/{token}/challenge")
    async def challenge(request: Request, token: str) -> Response:
        await work(desk.enter, token)
        async with small.let_in(request, SMALL_BYTES) as raw:
            purposes, notice = read_wish(raw)
        made = await work(desk.challenge, token, language_of(request), purposes, notice)
        left = datetime.fromisoformat(made.expires_at) - datetime.now(UTC)
        return JSONResponse(asked(made, int(left.total_seconds())), headers=NO_STORE)

    @router.post("/consent/{token}/answer")
    async def answer(request: Request, token: str) -> Response:
        await work(desk.enter, token)
        language = language_of(request)
        async with door.let_in(request, ANSWER_BYTES) as raw:
            given = await work(read_answer, raw)
            await work(desk.answer, token, given, language, slowly=True)
        return JSONResponse(told(await work(desk.page, token, language)), headers=NO_STORE)

    @router.post("/consent/{token}/withdraw")
    async def withdraw(request: Request, token: str) -> Response:
        await work(desk.enter, token)
        async with small.let_in(request, SMALL_BYTES) as raw:
            refuse_unsure(raw)
        return JSONResponse(receipt(await work(desk.withdraw, token)), headers=NO_STORE)

    @router.get("/consent/{token}/file.zip")
    async def export(request: Request, token: str) -> Response:
        pieces = await work(desk.export, token)
        headers = NO_STORE | {"Content-Disposition": disposition("my-voice.zip", download=True)}
        return StreamingResponse(in_thread(pieces, quick), headers=headers, media_type="application/zip")

    @router.api_route("/consenting/page.{ending}", methods=["GET", "HEAD"])
    async def part(ending: str) -> Response:
        kept = {"Cache-Control": "public, max-age=600"}
        return Response(static(ending), media_type=STATIC[ending], headers=kept)

    return router


def _visit(request: Request) -> Visit:
    visit = request.scope[VISIT]
    assert isinstance(visit, Visit)
    return visit
