"""The few pages that are not Gradio (sign in, signed out, refusals), and a first word to those that are."""

import html
import json
from pathlib import Path

from studio.errors import SignInRequired, StudioError
from studio.web.refusals import Refusal
from studio.web.visit import Visit

STYLE = """
:root{color-scheme:light dark;--back:#f6f7f9;--card:#fff;--text:#1d2330;--dim:#5a6375;--go:#2f5fd0;--on:#fff}
@media(prefers-color-scheme:dark){:root{--back:#10131a;--card:#1a1f2a;--text:#eceff5;--dim:#a3adbf;
--go:#86a8ff;--on:#0c1020}}
*{box-sizing:border-box}body{margin:0;min-height:100vh;display:grid;place-items:center;padding:1rem;
background:var(--back);color:var(--text);font:1.05rem/1.55 system-ui,sans-serif}
main{width:min(34rem,100%);background:var(--card);border-radius:14px;padding:2rem;
box-shadow:0 1px 3px #0002,0 8px 30px #0001}
h1{font-size:1.45rem;line-height:1.25;margin:0 0 .75rem;text-wrap:balance}p{margin:.5rem 0;color:var(--dim)}
.mark{font-weight:700;letter-spacing:.02em;color:var(--go);margin:0 0 1.25rem}
code{background:#8882;border-radius:5px;padding:.1em .35em;overflow-wrap:anywhere}
button,a.go{display:inline-block;margin-top:1.25rem;padding:.7rem 1.4rem;border:0;border-radius:9px;
background:var(--go);color:var(--on);font:inherit;font-weight:600;cursor:pointer;text-decoration:none}
label{display:block;margin-top:1rem;color:var(--text);font-weight:600;font-size:.95rem}
input{display:block;width:100%;margin-top:.3rem;padding:.65rem .8rem;border:1px solid #8886;border-radius:9px;
background:var(--back);color:var(--text);font:inherit}input:focus{outline:3px solid var(--go);outline-offset:1px}
a.quiet{background:none;color:var(--go);box-shadow:inset 0 0 0 2px var(--go);margin-left:.75rem}
.bad{border-left:4px solid #c8372d;padding:.3rem 0 .3rem .8rem;color:var(--text)}
button:focus-visible,a:focus-visible{outline:3px solid var(--text);outline-offset:2px}
"""

FIRST = Path(__file__).with_name("first.js").read_bytes()


def begun(page: bytes) -> bytes:
    """Gradio's page, beginning with our first script, which mends its connection before anything uses it."""
    return page.replace(b"<head>", b"<head><script>" + FIRST + b"</script>", 1)


def _code(text: str) -> str:
    """Escaped, with `backticks` as code."""
    parts = html.escape(text).split("`")
    return "".join(f"<code>{part}</code>" if index % 2 else part for index, part in enumerate(parts))


def _page(language: str, title: str, paragraphs: list[str], action: str = "") -> str:
    title = title.rstrip(".")
    body = "".join(f"<p>{_code(paragraph)}</p>" for paragraph in paragraphs if paragraph)
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        '<link rel="icon" href="data:,">'
        f"<title>{html.escape(title)} · Timbro</title><style>{STYLE}</style></head>"
        f'<body><main><p class="mark">Timbro</p><h1>{html.escape(title)}</h1>{body}{action}</main></body></html>'
    )


def redeem_page(language: str) -> str:
    """What a one-time link opens: a button. Following the link spends nothing, so a mail scanner or a
    chat's link preview, which follow links and press no buttons, leave it whole.
    """
    text = StudioError("web.enter")
    button = (
        f'<form method="post"><button autofocus>{html.escape(text.part("next", language))}</button></form>'
    )
    return _page(language, text.part("what", language), [text.part("why", language)], button)


def login_page(language: str, provider: str = "", error: StudioError | None = None, name: str = "") -> str:
    """Name and password, and a way through the provider where one is set."""
    text, fields = StudioError("access.login"), StudioError("access.login_fields", provider=provider)
    told = ""
    if error is not None:
        told = f'<p class="bad" role="alert"><b>{_code(error.part("what", language))}</b> {_code(error.part("why", language))} {_code(error.part("next", language))}</p>'  # noqa: E501
    way = f'<a class="go quiet" href="/oidc/start">{html.escape(fields.part("next", language))}</a>'
    form = (
        f'{told}<form method="post" action="/login">'
        f'<label>{html.escape(fields.part("what", language))}<input name="name" value="{html.escape(name)}" '
        'autocomplete="username" autocapitalize="none" maxlength="64" required autofocus></label>'
        f'<label>{html.escape(fields.part("why", language))}<input name="password" type="password" '
        'autocomplete="current-password" maxlength="256" required></label>'
        f"<button>{html.escape(text.part('next', language))}</button>{way if provider else ''}</form>"
    )
    return _page(language, text.part("what", language), [text.part("why", language)], form)


def message_page(key: str, language: str, **facts: object) -> str:
    """A page of a message's three parts."""
    return _refusal_page(StudioError(key, **facts), language)


def _refusal_page(error: StudioError, language: str, action: str = "") -> str:
    rest = [error.part("why", language), error.part("next", language)]
    return _page(language, error.part("what", language), rest, action)


def refusal_body(refusal: Refusal, language: str, visit: Visit) -> tuple[bytes, bytes]:
    """Content type and body: a page for people, OpenAI's shape for programs, and else JSON with the keys
    under which Gradio's page looks for a reason.
    """
    if visit.wants_page:
        way = ""
        if isinstance(refusal.error, SignInRequired):  # the ways in that are left
            way = f'<a class="go" href="/login">{html.escape(StudioError("access.login").part("next", language))}</a>'
        return b"text/html; charset=utf-8", _refusal_page(refusal.error, language, way).encode()
    if visit.for_programs:
        return b"application/json", json.dumps({"error": _trouble(refusal, language)}).encode()
    text = refusal.error.text(language)
    return b"application/json", json.dumps({"error": text, "detail": text}).encode()


def _trouble(refusal: Refusal, language: str) -> dict[str, str | None]:
    """A refusal under the names that OpenAI's clients read, and our own three."""
    error = refusal.error
    kinds = {
        401: "authentication_error",
        403: "permission_error",
        404: "not_found_error",
        429: "rate_limit_error",
    }
    kind = kinds.get(refusal.status, "invalid_request_error" if refusal.status < 500 else "server_error")
    parts: dict[str, str | None] = {name: error.part(name, language) for name in ("what", "why", "next")}
    return {"message": error.text(language), "type": kind, "param": None, "code": error.key} | parts
