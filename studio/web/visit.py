"""What the gate reads of a request before anything else does."""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs

from studio.errors import LANGUAGES

Scope = Mapping[str, Any]
COOKIE = "timbro_session"
# The prefix makes browsers refuse the cookie unless it is Secure, for this host only and for the whole site.
SECURE_COOKIE = "__Host-timbro_session"


# Addresses that let whoever knows them in: logs hold where they lead, not the way.
SECRET = re.compile(r"^(/(?:login|listen|consent)/)[^/]+")


def without_secrets(path: str) -> str:
    return SECRET.sub(r"\1...", path)


def cookie_name(secure: bool) -> str:
    return SECURE_COOKIE if secure else COOKIE


@dataclass(frozen=True)
class Visit:
    """One request, as far as the gate judges it."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    host: str  # the Host header, lower case, with its port
    secure: bool
    address: str  # whom limits count: an IPv4 address, or an IPv6 network of 64 bits

    @property
    def session_token(self) -> str:
        """The session cookie's value; empty without one."""
        try:
            jar = SimpleCookie(self.headers.get("cookie", ""))
        except CookieError:
            return ""
        morsel = jar.get(cookie_name(self.secure))
        return morsel.value if morsel else ""

    @property
    def wants_page(self) -> bool:
        return "text/html" in self.headers.get("accept", "") and not self.for_programs

    @property
    def for_programs(self) -> bool:
        """Whether this is the speech API, where keys count and cookies do not."""
        return self.path.startswith("/v1/")

    @property
    def bearer(self) -> str:
        """The key of an Authorization header; empty without one."""
        scheme, _, key = self.headers.get("authorization", "").partition(" ")
        return key.strip() if scheme.lower() == "bearer" else ""

    def language(self, default: str) -> str:
        """The first language of Accept-Language that the studio speaks."""
        for wish in self.headers.get("accept-language", "").split(","):
            tag = wish.strip()[:2].lower()
            if tag in LANGUAGES:
                return tag
        return default


def read_visit(scope: Scope, behind_proxy: bool) -> Visit:
    """Read the scope. X-Forwarded-* counts only `behind_proxy`: anybody can send it."""
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    forwarded = headers.get("x-forwarded-proto", "") if behind_proxy else ""
    hops = headers.get("x-forwarded-for", "") if behind_proxy else ""
    client = scope.get("client") or ("", 0)
    return Visit(
        method=scope["method"],
        path=scope["path"],
        query=parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True),
        headers=headers,
        host=headers.get("host", "").lower(),
        secure=(_last(forwarded) or scope.get("scheme", "http")) == "https",
        address=counted(_last(hops) or client[0]),
    )


def _last(hops: str) -> str:
    """The last hop is what our own proxy saw; the others are whatever the visitor wrote."""
    return hops.rsplit(",", 1)[-1].strip().lower()


def counted(address: str) -> str:
    """What an address is counted as: whoever has one IPv6 address has the 2^64 of its network."""
    try:
        known = ipaddress.ip_address(address.strip("[]").partition("%")[0])
    except ValueError:
        return address
    if isinstance(known, ipaddress.IPv4Address):
        return str(known)
    mapped = known.ipv4_mapped
    return str(mapped or ipaddress.ip_network((known, 64), strict=False))
