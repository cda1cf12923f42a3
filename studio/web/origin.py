"""Where a request may come from: the Host it names, its Origin, and what the browser says of its site."""

from collections.abc import Iterable
from urllib.parse import urlsplit

from studio.errors import NotPermitted
from studio.web.refusals import Refusal
from studio.web.routes import is_page
from studio.web.visit import Visit

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
ANY_ADDRESS = frozenset({"0.0.0.0", "::", ""})
SAFE_METHODS = frozenset({"GET", "HEAD"})


def is_loopback(host: str) -> bool:
    """Whether listening on `host` reaches only this machine."""
    return host in LOOPBACK or host.startswith("127.")


def name_of(host: str) -> str:
    """The host's name without port and brackets; empty when it is not a host at all."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def answered_names(listen: str, public_hosts: Iterable[str]) -> frozenset[str]:
    """Every Host the studio answers to: loopback, its own address, and those that were set."""
    own = {listen.lower()} - ANY_ADDRESS
    return LOOPBACK | own | {name_of(host.lower()) for host in public_hosts}


def check_host(visit: Visit, names: frozenset[str]) -> None:
    """Refuse a foreign Host: a name that an attacker points at this machine (DNS rebinding)."""
    if name_of(visit.host) not in names:
        raise Refusal(421, NotPermitted("web.host", host=visit.host[:100] or "-"))


def check_origin(visit: Visit) -> None:
    """Refuse what another site's page sends; `same-site` counts as foreign, for it ignores the port.

    A request without these headers comes from no browser, so it rides on nobody's cookie.
    """
    origin = visit.headers.get("origin")
    if origin is not None and not _is_own(origin, visit):
        raise Refusal(403, NotPermitted("web.origin"))
    site = visit.headers.get("sec-fetch-site", "none")
    if site not in ("same-origin", "none") and not _is_arrival(visit):
        raise Refusal(403, NotPermitted("web.origin"))


def _is_own(origin: str, visit: Visit) -> bool:
    scheme, _, netloc = origin.lower().partition("://")
    schemes = ("https",) if visit.secure else ("http", "https")
    default = {"http": ":80", "https": ":443"}.get(scheme, "")
    return scheme in schemes and netloc.removesuffix(default) == visit.host.removesuffix(default)


def _is_arrival(visit: Visit) -> bool:
    """Following a link to a page from elsewhere is no attack: nothing changes, nothing is readable there."""
    navigates = visit.headers.get("sec-fetch-mode") == "navigate"
    top = visit.headers.get("sec-fetch-dest") == "document"
    return navigates and top and is_page(visit.path) and visit.method in SAFE_METHODS
