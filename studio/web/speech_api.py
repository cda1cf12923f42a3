"""The speech API: POST /v1/audio/speech as OpenAI's clients speak it, voices, models, listening results."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from itertools import chain
from typing import Annotated, Any

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from studio.consent.purposes import Purpose
from studio.errors import Cancelled, InputRefused, NotFound
from studio.privacy.access import Permission
from studio.privacy.api_keys import KeyHolder, Scope
from studio.synthesis.preview import Preview
from studio.synthesis.requests import Take
from studio.synthesis.speech import SpeechFormat, SpeechOrder, streamed
from studio.web.gate import HOLDER
from studio.web.media import actor_of, in_thread
from studio.web.ranges import disposition
from studio.web.wanted import Studio

CALLERS = 64  # calls that wait for sound at once; each holds a thread
LOOK_EVERY_S = 0.5  # whether the caller is still there
NO_STORE = {"Cache-Control": "private, no-store"}
NAME = Field(min_length=1, max_length=200)


class VoiceName(BaseModel):
    """A voice as newer OpenAI clients name it."""

    model_config = ConfigDict(extra="forbid")
    id: Annotated[str, NAME]


class SpeechBody(BaseModel):
    """What to say, and how."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)
    input: Annotated[str, Field(min_length=1, max_length=50_000, description="The text to speak.")]
    voice: Annotated[str, NAME] | VoiceName = Field(
        description="A voice's key (GET /v1/voices) or its name, if it is the only one."
    )
    model: str = Field(
        default="auto", max_length=100, description="An engine (GET /v1/models), an adapter, or auto."
    )
    response_format: SpeechFormat = SpeechFormat.MP3
    speed: float = Field(default=1.0, ge=0.25, le=4.0, description="1 is the voice's own pace.")
    stream: bool | None = Field(
        default=None, description="Send the sound while it is made; pcm and mulaw do so unless told not to."
    )
    stream_format: Annotated[str, Field(pattern="^audio$")] = "audio"
    instructions: Annotated[str, Field(max_length=0)] = Field(
        default="", description="The engines here take none; only an empty text is accepted."
    )
    language: str = Field(default="", max_length=16, description="Default: the voice's own.")
    purpose: Purpose = Field(default=Purpose.INTERNAL_USE, description="Checked against consent and licence.")
    options: dict[str, str | float | bool] = Field(
        default_factory=dict, max_length=40, description="The engine's own options."
    )

    def order(self) -> SpeechOrder:
        voice = self.voice if isinstance(self.voice, str) else self.voice.id
        return SpeechOrder(
            self.input, voice, self.model, self.response_format, self.speed, self.language, self.purpose, self.options
        )  # fmt: skip

    @property
    def streams(self) -> bool:
        """As asked; else only where there is no file that could carry its manifest of origin."""
        wish = self.stream
        if wish and not self.response_format.streams:
            raise InputRefused("access.no_stream", format=self.response_format.value)
        return self.response_format.file is None if wish is None else wish


class Card(BaseModel):
    """A line of a list."""

    id: str
    object: str


class VoiceCard(Card):
    name: str
    language: str
    model: str = Field(description="The engine of a preset voice; empty for an enrolled one.")
    usable: bool


class ModelCard(Card):
    created: int = 0
    owned_by: str = "timbro"
    name: str
    languages: list[str]
    licence: str
    commercial: bool
    clones: bool
    ready: bool


class TestCard(Card):
    name: str
    kind: str
    status: str


class Voices(BaseModel):
    object: str = "list"
    data: list[VoiceCard]


class Models(BaseModel):
    object: str = "list"
    data: list[ModelCard]


class Tests(BaseModel):
    object: str = "list"
    data: list[TestCard]


class Trouble(BaseModel):
    """Why not: `message` is the whole; what happened, why, and what to do next are its parts."""

    message: str
    type: str
    param: str | None
    code: str
    what: str
    why: str
    next: str


class Refused(BaseModel):
    error: Trouble


REFUSALS: dict[int | str, dict[str, Any]] = {
    400: {"model": Refused, "description": "The call cannot be right."},
    401: {"model": Refused, "description": "No key, or one that is not accepted."},
    403: {"model": Refused, "description": "Scope, consent or licence forbid it."},
    404: {"model": Refused, "description": "No such voice, model or test for this key."},
    409: {"model": Refused, "description": "A model has to be fetched first, or the work was cancelled."},
    413: {"model": Refused, "description": "The call is too long."},
    429: {"model": Refused, "description": "Too much at once; see Retry-After."},
}
SOUND: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The sound.",
        "content": {format_.media_type.partition(";")[0]: {"schema": {"type": "string", "format": "binary"}}
                    for format_ in SpeechFormat},
    }
}  # fmt: skip


def holder_of(request: Request) -> KeyHolder:
    """The key the gate let in."""
    holder = request.scope[HOLDER]
    assert isinstance(holder, KeyHolder)
    return holder


def speech_router(studio: Studio) -> APIRouter:
    """The routes. Waiting for sound happens in threads of their own."""
    router = APIRouter(prefix="/v1", responses=REFUSALS)
    callers = CapacityLimiter(CALLERS)
    speech = studio.speech

    @router.post("/audio/speech", response_class=Response, responses=SOUND, summary="Speak a text")
    async def speak(request: Request, body: SpeechBody) -> Response:
        holder, format_ = holder_of(request), body.response_format
        streams = body.streams
        preview = await to_thread.run_sync(speech.speak, holder, body.order(), limiter=callers)
        if streams:
            return await _stream(preview, format_, callers)
        take = await _finished(request, preview, callers)
        data = await to_thread.run_sync(speech.whole, holder, take.id, format_, limiter=callers)
        headers = _headers(format_) | {"X-Timbro-Take": take.id}
        return Response(data, headers=headers, media_type=format_.media_type)

    @router.get("/voices", summary="The voices this key may speak with")
    def voices(request: Request) -> Voices:
        found = speech.voices(holder_of(request))
        return Voices(data=[
            VoiceCard(id=v.key, object="voice", name=v.name, language=v.language, model=v.engine_id, usable=v.usable)
            for v in found
        ])  # fmt: skip

    @router.get("/models", summary="The engines")
    def models(request: Request) -> Models:
        found = speech.models(holder_of(request))
        return Models(data=[
            ModelCard(id=e.id, object="model", name=e.name, languages=list(e.languages), licence=e.licence,
                      commercial=e.commercial, clones=e.clones, ready=e.ready)
            for e in found
        ])  # fmt: skip

    @router.get("/listening-tests", summary="The listening tests of the key's account")
    def tests(request: Request) -> Tests:
        holder = holder_of(request)
        holder.require(Scope.LISTEN_READ)
        found = studio.listening.tests(holder.actor)
        return Tests(data=[
            TestCard(id=t.id, object="listening_test", name=t.name, kind=t.configuration.kind.value, status=t.status)
            for t in found
        ])  # fmt: skip

    @router.get("/listening-tests/{test_id}", summary="A listening test's answers", response_class=Response)
    def results(
        request: Request, test_id: str, format: Annotated[str, Query(pattern="^(csv|json)$")] = "json"
    ) -> Response:
        holder = holder_of(request)
        holder.require(Scope.LISTEN_READ)
        data, media_type, name = studio.listening.results.export(holder.actor, test_id, format)
        headers = NO_STORE | {"Content-Disposition": disposition(name, download=True)}
        return Response(data, media_type=media_type, headers=headers)

    return router


def description_router(api: APIRouter) -> APIRouter:
    """/openapi.json, for administrators; to others it is not there."""
    router = APIRouter()

    @router.get("/openapi.json")
    def description(request: Request) -> Response:
        if not actor_of(request).may(Permission.SETTINGS):
            raise NotFound("web.closed")
        return JSONResponse(describe(api), headers=NO_STORE)

    return router


def describe(api: APIRouter) -> dict[str, Any]:
    """The API as OpenAPI 3.1 says it."""
    document = get_openapi(
        title="Timbro speech API", version="1", routes=api.routes, description="See docs/speech-api.md."
    )
    document["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
    document["security"] = [{"key": []}]
    for path in document["paths"].values():
        for operation in path.values():
            operation["responses"].pop("422", None)  # such calls are answered with 400
    return document


def explain_body(error: RequestValidationError) -> InputRefused:
    """The first thing that is wrong with a call."""
    first = error.errors()[0]
    field = ".".join(str(part) for part in first["loc"] if part != "body")[:100] or "body"
    return InputRefused("access.api_body", field=field, reason=str(first["msg"])[:200])


def _headers(format_: SpeechFormat) -> dict[str, str]:
    return NO_STORE | {"Content-Disposition": disposition(f"speech{format_.suffix}", download=True)}


async def _stream(preview: Preview, format_: SpeechFormat, callers: CapacityLimiter) -> Response:
    """The sound as it is made. What fails before the first of it is answered as a refusal."""
    pieces = streamed(preview, format_)
    first = await to_thread.run_sync(next, pieces, b"", limiter=callers)
    sound = _until_gone(preview, chain([first], pieces), callers)
    return StreamingResponse(sound, headers=_headers(format_), media_type=format_.media_type)


async def _until_gone(
    preview: Preview, pieces: Iterator[bytes], callers: CapacityLimiter
) -> AsyncIterator[bytes]:
    try:
        async for piece in in_thread(pieces, callers):
            yield piece
    finally:
        preview.cancel()  # the caller has left, or it is over and this means nothing


async def _finished(request: Request, preview: Preview, callers: CapacityLimiter) -> Take:
    """Wait for the take; cancel it when the caller leaves."""
    waiting = asyncio.ensure_future(to_thread.run_sync(preview.take, limiter=callers))
    while not (await asyncio.wait({waiting}, timeout=LOOK_EVERY_S))[0]:
        if await request.is_disconnected():
            preview.cancel()
            waiting.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
            raise Cancelled("access.gone")
    return waiting.result()
