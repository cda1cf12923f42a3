"""Sounds by address: /media/take, /media/clip, /media/live, /media/batch. The services say whose they are."""

from collections.abc import AsyncIterator, Iterator

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Request
from fastapi.responses import Response, StreamingResponse

from studio.audio.formats import AudioFormat
from studio.errors import NotFound
from studio.privacy.access import Actor
from studio.web.gate import ACTOR
from studio.web.ranges import sound
from studio.web.wanted import Served, Studio

FORMATS = {
    "wav": AudioFormat.WAV.value,
    "mp3": AudioFormat.MP3.value,
    "ogg": AudioFormat.OGG_OPUS.value,
    "flac": AudioFormat.FLAC.value,
    "ulaw.wav": AudioFormat.MULAW.value,
}
LISTENERS = 64  # live streams at once; each holds a thread while it waits for the next sound


def actor_of(request: Request) -> Actor:
    """Who the gate let in."""
    actor = request.scope[ACTOR]
    assert isinstance(actor, Actor)
    return actor


def _served(request: Request, served: Served) -> Response:
    data, media_type, file_name = served
    wish = request.headers.get("range", "")
    return sound(data, media_type, file_name, wish, "download" in request.query_params)


def media_router(studio: Studio) -> APIRouter:
    """The routes; the handlers are plain functions, so they run in threads."""
    router = APIRouter(prefix="/media")
    listeners = CapacityLimiter(LISTENERS)

    @router.api_route("/take/{synthesis_id}.{ending:path}", methods=["GET", "HEAD"])
    def take(request: Request, synthesis_id: str, ending: str) -> Response:
        if ending not in FORMATS:
            raise NotFound("web.format", format_name=ending, formats=", ".join(FORMATS))
        return _served(request, studio.synthesis.audio(actor_of(request), synthesis_id, FORMATS[ending]))

    @router.api_route("/clip/{clip_id}.wav", methods=["GET", "HEAD"])
    def clip(request: Request, clip_id: str) -> Response:
        return _served(request, studio.voices.clip_audio(actor_of(request), clip_id))

    @router.api_route("/batch/{batch_id}.zip", methods=["GET", "HEAD"])
    def batch(request: Request, batch_id: str) -> Response:
        return _served(request, studio.synthesis.batch_zip(actor_of(request), batch_id))

    @router.get("/live/{token}.mp3")
    async def live(request: Request, token: str) -> Response:
        pieces = await to_thread.run_sync(studio.synthesis.live, actor_of(request), token)
        headers = {"Cache-Control": "private, no-store", "Accept-Ranges": "none"}
        return StreamingResponse(_in_thread(pieces, listeners), headers=headers, media_type="audio/mpeg")

    return router


async def _in_thread(pieces: Iterator[bytes], listeners: CapacityLimiter) -> AsyncIterator[bytes]:
    """The pieces as they come; closed when the listener leaves."""
    end = object()
    try:
        while True:
            piece = await to_thread.run_sync(next, pieces, end, limiter=listeners)
            if not isinstance(piece, bytes):
                return
            yield piece
    finally:
        close = getattr(pieces, "close", None)
        if close is not None:
            await to_thread.run_sync(close, limiter=listeners, abandon_on_cancel=True)
