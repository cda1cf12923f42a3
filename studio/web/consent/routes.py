"""/consent/<token>: the page, its state, recordings examined, the answer, the speaker's data, the withdrawal."""

import base64
import binascii
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response, StreamingResponse

from studio.consent.purposes import Purpose
from studio.consent.service import ATTESTATIONS
from studio.errors import LANGUAGES, InputRefused
from studio.voices.forms import Upload
from studio.voices.speakers import MOST_BY_LINK, Answer
from studio.web.consent.page import STATIC, asked, examined, frame, receipt, static, told
from studio.web.gate import VISIT
from studio.web.media import in_thread
from studio.web.ranges import disposition
from studio.web.visit import Visit
from studio.web.wanted import Studio

T = TypeVar("T")
SOUND_BYTES = 8_000_000  # one recording: a minute of uncompressed sound
SMALL_BYTES = 16_000
ANSWER_BYTES = (MOST_BY_LINK + 1) * SOUND_BYTES * 4 // 3 + SMALL_BYTES
THREADS = 4  # their own: speakers do not hold up the studio, nor it them
LISTENING = 2  # recordings judged at once
NO_STORE = {"Cache-Control": "private, no-store"}


def consent_router(studio: Studio) -> APIRouter:
    """The routes. Handlers are coroutines that hand the work to a few threads of their own."""
    router = APIRouter()
    quick, judging = CapacityLimiter(THREADS), CapacityLimiter(LISTENING)
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
        upload = Upload("recording", await _read(request, SOUND_BYTES), "microphone")
        checked = await work(desk.examine, token, upload, slowly=True)
        return JSONResponse(examined(checked, language_of(request)), headers=NO_STORE)

    @router.post("/consent/{token}/challenge")
    async def challenge(request: Request, token: str) -> Response:
        body = _object(await _read(request, SMALL_BYTES))
        notice = body.get("notice")
        if not isinstance(notice, str):
            raise InputRefused("consent.answer_shape")
        made = await work(desk.challenge, token, language_of(request), _purposes(body), notice)
        left = datetime.fromisoformat(made.expires_at) - datetime.now(UTC)
        return JSONResponse(asked(made, int(left.total_seconds())), headers=NO_STORE)

    @router.post("/consent/{token}/answer")
    async def answer(request: Request, token: str) -> Response:
        await work(desk.page, token, language_of(request))  # before a large body is read
        given = _answer(_object(await _read(request, ANSWER_BYTES)))
        language = language_of(request)
        await work(desk.answer, token, given, language, slowly=True)
        return JSONResponse(told(await work(desk.page, token, language)), headers=NO_STORE)

    @router.post("/consent/{token}/withdraw")
    async def withdraw(request: Request, token: str) -> Response:
        if _object(await _read(request, SMALL_BYTES)).get("sure") is not True:
            raise InputRefused("consent.answer_shape")
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


async def _read(request: Request, most: int) -> bytes:
    """The body; InputRefused as soon as it is too long."""
    pieces, size = [], 0
    async for piece in request.stream():
        size += len(piece)
        if size > most:
            raise InputRefused("web.file_too_large", limit_mb=most // 1_000_000)
        pieces.append(piece)
    return b"".join(pieces)


def _object(raw: bytes) -> dict[str, Any]:
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise InputRefused("web.not_json") from error
    if not isinstance(body, dict):
        raise InputRefused("web.not_json")
    return body


def _texts(value: object, most: int) -> list[str]:
    if not isinstance(value, list) or len(value) > most or not all(isinstance(one, str) for one in value):
        raise InputRefused("consent.answer_shape")
    return value


def _purposes(body: dict[str, Any]) -> frozenset[Purpose]:
    names = _texts(body.get("purposes"), len(Purpose))
    if unknown := set(names) - {purpose.value for purpose in Purpose}:
        raise InputRefused("consent.answer_shape", unknown=len(unknown))
    return frozenset(Purpose(name) for name in names)


def _answer(body: dict[str, Any]) -> Answer:
    challenge, source = body.get("challenge"), body.get("source")
    if not isinstance(challenge, str) or source not in ("microphone", "upload"):
        raise InputRefused("consent.answer_shape")
    clips = _texts(body.get("clips"), MOST_BY_LINK)
    return Answer(
        purposes=_purposes(body),
        attestations=frozenset(_texts(body.get("attestations"), len(ATTESTATIONS))),
        challenge=challenge[:100],
        statement=_sound(body.get("statement"), source),
        clips=tuple(_sound(clip, "microphone") for clip in clips),
    )


def _sound(value: object, source: str) -> Upload:
    if not isinstance(value, str):
        raise InputRefused("consent.answer_shape")
    try:
        data = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InputRefused("consent.answer_shape") from error
    if len(data) > SOUND_BYTES:
        raise InputRefused("web.file_too_large", limit_mb=SOUND_BYTES // 1_000_000)
    return Upload("recording", data, source)
