"""/privacy: a speaker's file as a zip, signed documents as downloads, the record of processing as CSV."""

import asyncio
import logging

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Request
from fastapi.responses import Response, StreamingResponse

from studio.web.media import actor_of, in_thread
from studio.web.ranges import disposition
from studio.web.wanted import Studio

THREADS = 4
EVERY_S = 3600.0
NO_STORE = {"Cache-Control": "private, no-store"}
log = logging.getLogger(__name__)


def privacy_router(studio: Studio) -> APIRouter:
    """The routes; whose file it is, the services say."""
    router = APIRouter(prefix="/privacy")
    threads = CapacityLimiter(THREADS)

    @router.get("/file/{speaker_id}")
    async def file(request: Request, speaker_id: str) -> Response:
        pieces = await to_thread.run_sync(studio.dossiers.export, actor_of(request), speaker_id)
        headers = NO_STORE | {"Content-Disposition": disposition(f"{speaker_id}.zip", download=True)}
        return StreamingResponse(in_thread(pieces, threads), headers=headers, media_type="application/zip")

    @router.get("/document/{document_id}")
    def document(request: Request, document_id: str) -> Response:
        data, _, name = studio.consent.documents.open(actor_of(request), document_id)
        # Never inline: a PDF may hold scripts. The type is left out, too.
        headers = NO_STORE | {"Content-Disposition": disposition(name, download=True)}
        return Response(data, headers=headers, media_type="application/octet-stream")

    @router.get("/record.csv")
    def record(request: Request, language: str = "") -> Response:
        from studio.ui.privacy.record import record_csv  # brings gradio along, which the server has by then

        data = record_csv(studio, actor_of(request), language)
        headers = NO_STORE | {"Content-Disposition": disposition("processing.csv", download=True)}
        return Response(data, headers=headers, media_type="text/csv; charset=utf-8")

    return router


async def purge_forever(studio: Studio) -> None:
    """The retention job at the start and every hour, until cancelled."""
    while True:
        try:
            await to_thread.run_sync(studio.retention.purge)
        except Exception:  # the next hour tries again; the server goes on
            log.exception("the retention job failed")
        await asyncio.sleep(EVERY_S)
