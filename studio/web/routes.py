"""The doors of the studio: every route that answers, and what guards it. Whatever is not here is closed."""

import re
from dataclasses import dataclass
from enum import StrEnum

from studio.errors import LANGUAGES
from studio.web.limits import Budget


class Guard(StrEnum):
    """What is asked of a request beyond a signed-in account."""

    ANYBODY = "anybody"  # no account: the sign-in pages
    ACCOUNT = "account"  # nothing more
    PAGE = "page"  # the page itself: its scripts get this response's nonce
    SESSION = "session"  # the session_hash in path or query is the account's
    EVENT = "event"  # so is the one in the body, and every file in it
    STREAM_INPUT = "stream_input"  # the event in the path is the account's, and every file in the body
    UPLOAD = "upload"  # size and number of files; the new paths become the account's
    FILE = "file"  # the path is the account's
    KEY = "key"  # an API key instead of a session; the body is small JSON


@dataclass(frozen=True)
class Route:
    """One door: methods, path (a full match; groups `session`, `event` and `file` are checked), guard."""

    methods: frozenset[str]
    path: re.Pattern[str]
    guard: Guard
    budget: Budget = Budget.ANY


def _route(methods: str, path: str, guard: Guard, budget: Budget = Budget.ANY) -> Route:
    return Route(frozenset(methods.split()), re.compile(path, re.DOTALL), guard, budget)


ID = "[A-Za-z0-9_-]{1,64}"
SESSION = "(?P<session>[A-Za-z0-9_-]{1,64})"
PAGES = f"/({'|'.join(LANGUAGES)})?"  # one page a language
ENDING = "(\\.[a-z0-9]{1,12}){1,2}"
FILE_NAME = "[A-Za-z0-9_.@-]{1,200}"
READ = "GET HEAD"
G = "/gradio_api"
LISTEN = "/listen/[A-Za-z0-9_-]{1,128}"
CONSENT = "/consent/[A-Za-z0-9_-]{1,128}"

ROUTES: tuple[Route, ...] = (
    # -- our own ---------------------------------------------------------------------------------
    _route(READ, "/healthz|/manifest.json|/robots.txt", Guard.ANYBODY),
    _route(READ, "/login/[^/]{1,200}", Guard.ANYBODY),
    _route("POST", "/login/[^/]{1,200}", Guard.ANYBODY, Budget.SIGN_IN),
    _route(READ, "/login", Guard.ANYBODY),
    _route("POST", "/login", Guard.ANYBODY, Budget.SIGN_IN),
    _route("GET", "/oidc/start", Guard.ANYBODY, Budget.SIGN_IN),
    _route("GET", "/oidc/callback", Guard.ANYBODY, Budget.SIGN_IN),
    _route("POST", "/logout", Guard.ANYBODY),
    _route(
        READ,
        f"/media/(take|sample|clip|utterance|passage|consent|live|batch|evaluation|adapter|merged)/{ID}{ENDING}",
        Guard.ACCOUNT,
    ),
    # -- listeners, by their link ------------------------------------------------------------------
    _route(READ, LISTEN, Guard.ANYBODY, Budget.LISTEN),
    _route(READ, "/listening/page\\.(js|css)", Guard.ANYBODY, Budget.LISTEN),
    _route("GET", f"{LISTEN}/state", Guard.ANYBODY, Budget.LISTEN),
    _route(READ, f"{LISTEN}/sound/[A-Za-z0-9_-]{{43}}\\.wav", Guard.ANYBODY, Budget.LISTEN),
    _route("POST", f"{LISTEN}/(rate|headphones)", Guard.ANYBODY, Budget.LISTEN),
    _route("POST", f"{LISTEN}/join", Guard.ANYBODY, Budget.JOIN),
    _route(READ, f"/listening/{ID}\\.(csv|json)", Guard.ACCOUNT),
    # -- anybody with a file ------------------------------------------------------------------------
    _route(READ, "/verify|/verify/page\\.(js|css)", Guard.ANYBODY),
    _route("POST", "/verify", Guard.ANYBODY, Budget.VERIFY),
    # -- speakers, by their link -------------------------------------------------------------------
    _route(READ, CONSENT, Guard.ANYBODY, Budget.CONSENT),
    _route(READ, "/consenting/page\\.(js|css)", Guard.ANYBODY, Budget.CONSENT),
    _route("GET", f"{CONSENT}/(state|file\\.zip)", Guard.ANYBODY, Budget.CONSENT),
    _route("POST", f"{CONSENT}/(check|challenge|answer)", Guard.ANYBODY, Budget.JUDGE),
    _route("POST", f"{CONSENT}/withdraw", Guard.ANYBODY, Budget.CONSENT),
    _route("GET", f"/privacy/(file|document)/{ID}", Guard.ACCOUNT),
    _route("GET", "/privacy/record\\.csv", Guard.ACCOUNT),
    _route("GET", "/audit/log\\.(csv|json)", Guard.ACCOUNT),
    # -- programs, by their key ---------------------------------------------------------------------
    _route("POST", "/v1/audio/speech", Guard.KEY, Budget.SPEAK),
    _route("GET", f"/v1/(voices|models|listening-tests(/{ID})?)", Guard.KEY),
    _route("GET", "/openapi.json", Guard.ACCOUNT),
    # -- the page and its parts ------------------------------------------------------------------
    _route(READ, "/|/en", Guard.PAGE),
    _route("GET", "/config", Guard.ACCOUNT),
    _route(READ, f"/assets/{FILE_NAME}", Guard.ACCOUNT),
    _route(READ, f"/static/(?:(?:js|css|img|fonts)/)?(?:{FILE_NAME}/)*{FILE_NAME}", Guard.ACCOUNT),
    _route(READ, "/theme.css|/favicon.ico", Guard.ACCOUNT),
    # -- events ----------------------------------------------------------------------------------
    _route("GET", f"{G}/app_id", Guard.ACCOUNT),  # asked after a lost connection: is it the same server?
    _route("GET", f"{G}/heartbeat/{SESSION}", Guard.SESSION),
    _route("GET", f"{G}/queue/data", Guard.SESSION),
    _route("POST", f"{G}/queue/join", Guard.EVENT, Budget.EVENT),
    _route("POST", f"{G}/run/[A-Za-z0-9_]{{1,100}}", Guard.EVENT, Budget.EVENT),
    _route("POST", f"{G}/cancel", Guard.EVENT),
    _route("POST", f"{G}/stream/(?P<event>{ID})(/close)?", Guard.STREAM_INPUT),
    _route("GET", f"{G}/stream/{SESSION}/{ID}/[0-9]{{1,9}}/playlist.m3u8", Guard.SESSION),
    _route("GET", f"{G}/stream/{SESSION}/{ID}/[0-9]{{1,9}}/playlist-file", Guard.SESSION),
    _route("GET", f"{G}/stream/{SESSION}/{ID}/[0-9]{{1,9}}/{ID}\\.(aac|ts)", Guard.SESSION),
    # -- files -----------------------------------------------------------------------------------
    _route("POST", f"{G}/upload", Guard.UPLOAD, Budget.UPLOAD),
    _route("GET", f"{G}/upload_progress", Guard.ACCOUNT),
    _route(READ, f"{G}/file=(?P<file>/.{{1,1000}})", Guard.FILE),
)


def is_page(path: str) -> bool:
    """Whether somebody may arrive here by following a link from elsewhere."""
    return re.fullmatch(
        f"{PAGES}|{LISTEN}|{CONSENT}|/login|/oidc/callback|/verify", path
    ) is not None or path.startswith("/login/")


def find_route(method: str, path: str) -> tuple[Route, re.Match[str]] | None:
    """The door this request asks for, or None: then it is closed."""
    if "/.." in path or "\0" in path:
        return None
    for route in ROUTES:
        if method in route.methods and (match := route.path.fullmatch(path)):
            return route, match
    return None
