"""The server: our routes and the Gradio pages behind the gate, on one address."""

import asyncio
import contextlib
import logging
import socket
import sys
import webbrowser
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any

import uvicorn
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse, Response

from studio.errors import InputRefused, StorageTrouble, StudioError
from studio.ui.mount import Look, mount, prepare_gradio
from studio.web.accounts import accounts_router
from studio.web.audit import audit_router
from studio.web.bindings import Bindings
from studio.web.body import MEGABYTE
from studio.web.consent.routes import consent_router
from studio.web.gate import VISIT, Gate
from studio.web.limits import Limits
from studio.web.listen.routes import listen_router
from studio.web.media import actor_of, media_router
from studio.web.origin import is_loopback
from studio.web.pages import refusal_body
from studio.web.privacy import privacy_router, purge_forever
from studio.web.refusals import Refusal, refusal_of
from studio.web.scratch import fresh_folder, sweep_forever, upload_folder
from studio.web.speech_api import description_router, explain_body, speech_router
from studio.web.verify.routes import verify_router
from studio.web.visit import Visit
from studio.web.wanted import Studio

if TYPE_CHECKING:
    from studio.bootstrap import Studio as BuiltStudio

log = logging.getLogger(__name__)
KEEP_ALIVE_S = (
    65  # longer than a listener thinks: an answer is not sent into a connection that is being closed
)
STOP_WITHIN_S = 3  # open event streams are cut after this at shutdown


def prepare(studio: Studio) -> None:
    """Empty the upload folder and set Gradio's environment. Call before the pages are built."""
    prepare_gradio(fresh_folder(upload_folder(studio.settings.scratch)))


def build_app(studio: Studio, demo: Any, look: Look | None = None) -> Gate:
    """The whole application: `demo` (gr.Blocks, built after `prepare`) and our routes behind the gate."""
    folder = upload_folder(studio.settings.scratch)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        sweeper = asyncio.create_task(sweep_forever(folder))
        purger = asyncio.create_task(purge_forever(studio))
        yield
        sweeper.cancel()
        purger.cancel()

    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, lifespan=lifespan)
    limits = Limits()
    app.include_router(accounts_router(studio, limits))
    app.include_router(media_router(studio))
    app.include_router(listen_router(studio))
    app.include_router(consent_router(studio))
    app.include_router(privacy_router(studio))
    app.include_router(verify_router(studio))
    app.include_router(audit_router(studio))
    api = speech_router(studio)
    app.include_router(api)
    app.include_router(description_router(api))
    _add_small_routes(app)
    app.add_exception_handler(StudioError, _explain(studio))
    app.add_exception_handler(RequestValidationError, _explain(studio))
    app.add_exception_handler(Refusal, _explain(studio))
    shared = mount(
        app,
        demo,
        folder=folder,
        upload_limit_bytes=studio.settings.upload_limit_mb * MEGABYTE,
        visitor=lambda request: actor_of(request).account_id,
        look=look or Look(),
    )
    return Gate(app, studio.accounts, studio.settings, Bindings(shared), limits, studio.api_keys)


def _add_small_routes(app: FastAPI) -> None:
    @app.api_route("/healthz", methods=["GET", "HEAD"])
    def healthz() -> Response:
        return PlainTextResponse("ok")

    @app.api_route("/robots.txt", methods=["GET", "HEAD"])
    def robots() -> Response:
        return PlainTextResponse("User-agent: *\nDisallow: /\n")

    @app.api_route("/manifest.json", methods=["GET", "HEAD"])
    def manifest() -> Response:  # the page asks for it without its cookie
        return JSONResponse({"name": "Timbro", "start_url": "./", "display": "standalone"})


def _explain(studio: Studio) -> Callable[[Request, Exception], Response]:
    """A service's refusal as an answer in the person's language."""

    def explain(request: Request, error: Exception) -> Response:
        if isinstance(error, RequestValidationError):
            error = explain_body(error)
        assert isinstance(error, StudioError | Refusal)
        visit = request.scope[VISIT]
        assert isinstance(visit, Visit)
        actor = request.scope.get("timbro.actor")
        language = actor.language if actor else visit.language(studio.settings.language)
        refusal = error if isinstance(error, Refusal) else refusal_of(error)
        content_type, body = refusal_body(refusal, language, visit)
        wait = {"Retry-After": str(refusal.retry_after_s)} if refusal.retry_after_s else None
        return Response(body, refusal.status, wait, content_type.decode())

    return explain


class _Server(uvicorn.Server):
    """Says when it is ready."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()


def listen(studio: Studio) -> socket.socket:
    """The socket to serve on. InputRefused when other machines could reach it and no public name is set."""
    settings = studio.settings
    if not is_loopback(settings.host) and not settings.public_hosts:
        raise InputRefused("web.public_host", host=settings.host)
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    # The protocol is said outright: asyncio turns Nagle's delay off (40 ms an answer) only where it is.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((settings.host, settings.port))
        listening.listen(256)
    except OSError as error:
        listening.close()
        reason = error.strerror or str(error)
        raise StorageTrouble(
            "web.port_taken", host=settings.host, port=settings.port, reason=reason
        ) from error
    return listening


def address_of(studio: Studio, listening: socket.socket) -> str:
    """The address people open: a public name when there is one, else this socket's."""
    if studio.settings.public_hosts:
        return f"https://{studio.settings.public_hosts[0]}"
    host, port = studio.settings.host, listening.getsockname()[1]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def serve(
    studio: Studio,
    app: Gate,
    open_browser: bool,
    announce: Callable[[str], None] | None = None,
) -> None:
    """Serve until interrupted. `announce` is given the one-time link once the door is open; by default it
    is written to standard output.
    """
    listening = listen(studio)
    token = studio.accounts.sign_in_link(studio.accounts.ensure_administrator().id)
    link = f"{address_of(studio, listening)}/login/{token}"

    def ready() -> None:
        (announce or _write)(link)
        if open_browser:
            webbrowser.open(link)

    # No access log: addresses hold one-time links. Forwarded headers are read by the gate alone.
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        ws="none",
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=STOP_WITHIN_S,
    )
    with listening:
        _Server(config, ready).run(sockets=[listening])


def _write(link: str) -> None:
    sys.stdout.write(f"{link}\n")
    sys.stdout.flush()


def run_studio(
    studio: "BuiltStudio", open_browser: bool, announce: Callable[[str], None] | None = None
) -> None:
    """Build the pages and serve them, until interrupted. Training jobs are looked after meanwhile."""
    studio.training.supervisor.start()
    studio.marker.warm_up()
    prepare(studio)
    from studio.ui.shell import build_ui  # after `prepare`: importing it imports gradio
    from studio.ui.theme import build_look

    serve(studio, build_app(studio, build_ui(studio), build_look()), open_browser, announce)
