"""The headers every answer carries, and the page's content security policy."""

import re
from collections.abc import Iterable

Headers = list[tuple[bytes, bytes]]

# What Gradio's own page needs beyond 'self':
# - 'unsafe-eval': gr.HTML compiles its templates and Blocks(js=...) runs as code; without it gr.HTML is empty.
# - 'unsafe-inline' styles: its components style elements directly.
# - data: and blob: sounds, pictures and workers: waveforms, recordings and plots are made in the page.
# Inline scripts run only with the nonce of this one answer: `<img onerror>` and an injected <script> do not.
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-eval'{nonce}; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; media-src 'self' data: blob:; font-src 'self' data:; "
    "connect-src 'self' data: blob:; worker-src 'self' blob:; manifest-src 'self'; object-src 'none'; "
    "frame-src 'self'; frame-ancestors 'none'; base-uri 'self'; form-action 'self'"
)
# The listeners' page is our own: it needs neither eval nor anything inline. The studio's own page may hold it in
# a frame, so that whoever signs in rates in the tab; no other page may be framed, and this one by nobody else.
LISTEN_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; media-src blob:; connect-src 'self'; "
    "frame-ancestors 'self'; base-uri 'none'; form-action 'none'"
)
# The verify page: a form and its answer.
VERIFY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; frame-ancestors 'none'; "
    "base-uri 'none'; form-action 'self'"
)
FILE_POLICY = "default-src 'none'; sandbox"
FIXED: dict[bytes, bytes] = {
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"DENY",
    # Not no-referrer: browsers would then send `Origin: null` with forms, which is refused.
    b"referrer-policy": b"same-origin",
    b"cross-origin-opener-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
    b"permissions-policy": b"microphone=(self), camera=(), geolocation=(), payment=(), usb=()",
}
INLINE_TYPES = re.compile(rb"(audio/[a-z0-9.+-]+|image/(png|jpeg|webp|gif)|video/mp4)(;|$)")
CONSENT_PAGE = re.compile(r"/consent/[A-Za-z0-9_-]{43}")
# The speakers' page, likewise; nothing frames it, so that nobody is led to press its buttons unseen.
CONSENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; media-src blob:; connect-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
LISTEN_PAGE = re.compile(r"/listen/[A-Za-z0-9_-]{43}")  # other addresses answer with a page of refusal
SCRIPT_TAG = re.compile(rb"<script(?=[\s>])")


def policy(nonce: str = "") -> bytes:
    """The page's policy; `nonce` lets its own inline scripts run."""
    return POLICY.format(nonce=f" 'nonce-{nonce}'" if nonce else "").encode()


def find(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> bytes:
    return next((value for key, value in headers if key.lower() == name), b"")


def replaced(headers: Headers, **new: bytes) -> Headers:
    """The headers with these set (underscores stand for hyphens)."""
    wanted = {name.replace("_", "-").encode(): value for name, value in new.items()}
    kept = [(name, value) for name, value in headers if name.lower() not in wanted]
    return kept + list(wanted.items())


def secured(headers: Headers, path: str, nonce: str, secure: bool) -> Headers:
    """An answer's headers, hardened. Cross-origin permissions of Gradio's own are taken out."""
    drop = {b"content-security-policy", b"server", *FIXED}
    kept = [
        (name, value)
        for name, value in headers
        if name.lower() not in drop and not name.lower().startswith(b"access-control-")
    ]
    kept += list(FIXED.items())
    if secure:
        kept.append((b"strict-transport-security", b"max-age=31536000"))
    kept.append((b"content-security-policy", _policy_of(path, nonce)))
    if LISTEN_PAGE.fullmatch(path):
        kept = replaced(kept, x_frame_options=b"SAMEORIGIN")
    if path.startswith("/assets/"):
        return replaced(kept, cache_control=b"private, max-age=31536000, immutable")  # names carry a hash
    return kept if find(kept, b"cache-control") else [*kept, (b"cache-control", b"private, no-store")]


def _policy_of(path: str, nonce: str) -> bytes:
    if path == "/verify":
        return VERIFY_POLICY.encode()
    if CONSENT_PAGE.fullmatch(path):
        return CONSENT_POLICY.encode()
    return LISTEN_POLICY.encode() if LISTEN_PAGE.fullmatch(path) else policy(nonce)


def as_file(headers: Headers) -> Headers:
    """The headers of somebody's file: shown only when it is a sound or a picture, never run."""
    plain = replaced(
        headers, content_security_policy=FILE_POLICY.encode(), cache_control=b"private, no-store"
    )
    if INLINE_TYPES.match(find(headers, b"content-type")):
        return plain
    return replaced(plain, content_type=b"application/octet-stream", content_disposition=b"attachment")


def with_nonce(html: bytes, nonce: str) -> bytes:
    """Mark the page's own scripts. Gradio escapes `<` in its embedded data, so no data can pose as one."""
    return SCRIPT_TAG.sub(b'<script nonce="' + nonce.encode() + b'"', html)
