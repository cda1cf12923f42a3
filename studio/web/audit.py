"""/audit/log.csv and .json: the log as a file, for who may read it."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from studio.privacy.audit import AuditQuery
from studio.web.media import PRIVATE, actor_of
from studio.web.ranges import disposition
from studio.web.wanted import Studio

Filter = Annotated[str, Query(max_length=100)]


def audit_router(studio: Studio) -> APIRouter:
    router = APIRouter(prefix="/audit")

    @router.get("/log.{ending}")
    def export(
        request: Request, ending: str, text: Filter = "", actor: Filter = "", action: Filter = "",
        since: Filter = "", until: Filter = "",
    ) -> Response:  # fmt: skip
        query = AuditQuery(text, actor, action, since, until)
        data, media_type, name = studio.audit.export(actor_of(request), query, ending)
        headers = PRIVATE | {"Content-Disposition": disposition(name, download=True)}
        return Response(data, media_type=media_type, headers=headers)

    return router
