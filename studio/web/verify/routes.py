"""/verify: the form, and the answer to a file. For anybody, so bounded in every way."""

from anyio import CapacityLimiter, WouldBlock, to_thread
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from studio.audio.decode import shown_name
from studio.errors import LANGUAGES, InputRefused, StudioError, TooMany
from studio.provenance.verify import MOST_BYTES, examine
from studio.web.gate import VISIT
from studio.web.refusals import refusal_of
from studio.web.verify.page import STATIC, answered, page, refused, static
from studio.web.verify.upload import read_file
from studio.web.visit import Visit
from studio.web.wanted import Studio

AT_ONCE = 4  # files on their way or being examined; each may take 20 MB, and 60 MB decoded
LISTENING = 1  # examined at once, so that the page never slows the studio by more than one thread
BUSY_S = 15
NO_STORE = {"Cache-Control": "private, no-store"}


def verify_router(studio: Studio) -> APIRouter:
    """The routes; the gate counts how often somebody asks."""
    router = APIRouter()
    places, listening = CapacityLimiter(AT_ONCE), CapacityLimiter(LISTENING)

    def language_of(request: Request) -> str:
        wish, visit = request.query_params.get("language", ""), request.scope[VISIT]
        assert isinstance(visit, Visit)
        return wish if wish in LANGUAGES else visit.language(studio.settings.language)

    def shown(request: Request, answer: str = "", status: int = 200) -> Response:
        body = page(language_of(request), studio.settings.organisation, answer)
        return HTMLResponse(body, status, headers=NO_STORE)

    async def answer_to(request: Request) -> str:
        content_type = request.headers.get("content-type", "")
        data, name = await read_file(request.stream(), content_type, MOST_BYTES)
        found = await to_thread.run_sync(examine, studio.marker, data, name, limiter=listening)
        return answered(found, shown_name(name), language_of(request))

    @router.api_route("/verify", methods=["GET", "HEAD"])
    async def form(request: Request) -> Response:
        return shown(request)

    @router.post("/verify")
    async def verify(request: Request) -> Response:
        place = object()
        try:
            places.acquire_on_behalf_of_nowait(place)
        except WouldBlock:
            return _refusal(TooMany("provenance.busy", seconds=BUSY_S), request)
        try:
            return shown(request, await answer_to(request))
        except StudioError as error:
            return _refusal(error, request)
        except TimeoutError:
            return _refusal(InputRefused("provenance.no_file"), request)
        finally:
            places.release_on_behalf_of(place)

    def _refusal(error: StudioError, request: Request) -> Response:
        return shown(request, refused(error, language_of(request)), refusal_of(error).status)

    @router.api_route("/verify/page.{ending}", methods=["GET", "HEAD"])
    async def part(ending: str) -> Response:
        return Response(
            static(ending), media_type=STATIC[ending], headers={"Cache-Control": "public, max-age=600"}
        )

    return router
