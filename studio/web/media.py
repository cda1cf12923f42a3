"""Files by address: sounds under /media/take, clip, live, batch; results under /media/evaluation.

The services say whose they are.
"""

import contextlib
from collections.abc import AsyncIterator, Generator, Iterator

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Request
from fastapi.responses import Response, StreamingResponse

from studio.audio.formats import AudioFormat
from studio.errors import NotFound
from studio.privacy.access import Actor
from studio.web.gate import ACTOR
from studio.web.ranges import disposition, sound
from studio.web.wanted import Served, Studio

FORMATS = {
    "wav": AudioFormat.WAV.value,
    "mp3": AudioFormat.MP3.value,
    "ogg": AudioFormat.OGG_OPUS.value,
    "flac": AudioFormat.FLAC.value,
    "ulaw.wav": AudioFormat.MULAW.value,
}
PRIVATE = {"Cache-Control": "private, no-store"}
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

    @router.api_route("/take/{file_name}", methods=["GET", "HEAD"])
    def take(request: Request, file_name: str) -> Response:
        synthesis_id, _, ending = file_name.partition(".")
        made = studio.synthesis.audio(actor_of(request), synthesis_id, _format(ending))
        return _served(request, made)

    @router.api_route("/clip/{clip_id}.wav", methods=["GET", "HEAD"])
    def clip(request: Request, clip_id: str) -> Response:
        return _served(request, studio.voices.clip_audio(actor_of(request), clip_id))

    @router.api_route("/consent/{consent_id}.wav", methods=["GET", "HEAD"])
    def consent(request: Request, consent_id: str) -> Response:
        return _served(request, studio.voices.consent_audio(actor_of(request), consent_id))

    @router.api_route("/sample/{checkpoint_id}.{number}.wav", methods=["GET", "HEAD"])
    def sample(request: Request, checkpoint_id: str, number: int) -> Response:
        return _served(request, studio.training.sample_audio(actor_of(request), checkpoint_id, number))

    @router.api_route("/utterance/{utterance_id}.wav", methods=["GET", "HEAD"])
    def utterance(request: Request, utterance_id: str) -> Response:
        return _served(request, studio.datasets.clip_audio(actor_of(request), utterance_id))

    @router.api_route("/passage/{utterance_id}.wav", methods=["GET", "HEAD"])
    def passage(request: Request, utterance_id: str) -> Response:
        return _served(request, studio.dataset_review.passage_audio(actor_of(request), utterance_id))

    @router.api_route("/evaluation/{file_name}", methods=["GET", "HEAD"])
    def evaluation(request: Request, file_name: str, language: str = "") -> Response:
        from studio.ui.results.report import export  # brings gradio along, which the server has by then

        run_id, _, ending = file_name.partition(".")
        data, media_type, name = export(studio.evaluations, actor_of(request), run_id, ending, language)
        headers = PRIVATE | {"Content-Disposition": disposition(name, download=True)}
        return Response(data, headers=headers, media_type=media_type)

    @router.get("/batch/{batch_id}.zip")
    async def batch(request: Request, batch_id: str, ending: str = "wav") -> Response:
        actor, name = actor_of(request), _format(ending)
        pieces = await to_thread.run_sync(studio.batches.zip, actor, batch_id, name)
        headers = PRIVATE | {"Content-Disposition": disposition(f"{batch_id}.zip", download=True)}
        return StreamingResponse(in_thread(pieces, listeners), headers=headers, media_type="application/zip")

    @router.get("/adapter/{adapter_id}.safetensors")
    def adapter(request: Request, adapter_id: str) -> Response:
        data, media_type, name = studio.training.exports.adapter(actor_of(request), adapter_id)
        return Response(data, headers=_attached(name), media_type=media_type)

    @router.get("/merged/{adapter_id}.zip")
    async def merged(request: Request, adapter_id: str) -> Response:
        exports, actor = studio.training.exports, actor_of(request)
        pieces, name = await to_thread.run_sync(exports.merged_zip, actor, adapter_id)
        body = in_thread(pieces, listeners)
        return StreamingResponse(body, headers=_attached(name), media_type="application/zip")

    @router.get("/live/{token}.mp3")
    async def live(request: Request, token: str) -> Response:
        pieces = await to_thread.run_sync(studio.synthesis.live, actor_of(request), token)
        headers = PRIVATE | {"Accept-Ranges": "none"}
        return StreamingResponse(in_thread(pieces, listeners), headers=headers, media_type="audio/mpeg")

    return router


def _attached(file_name: str) -> dict[str, str]:
    return PRIVATE | {"Content-Disposition": disposition(file_name, download=True)}


def _format(ending: str) -> str:
    if ending not in FORMATS:
        raise NotFound("web.format", format_name=ending, formats=", ".join(FORMATS))
    return FORMATS[ending]


async def in_thread(pieces: Iterator[bytes], listeners: CapacityLimiter) -> AsyncIterator[bytes]:
    """The pieces as they come; closed when the listener leaves."""
    end = object()
    try:
        while True:
            # Abandoned, not awaited, when the listener leaves: the next sound may be a minute away.
            piece = await to_thread.run_sync(next, pieces, end, limiter=listeners, abandon_on_cancel=True)
            if not isinstance(piece, bytes):
                return
            yield piece
    finally:
        if isinstance(pieces, Generator):
            with contextlib.suppress(ValueError):  # its thread still waits in it: it ends with its work
                pieces.close()
