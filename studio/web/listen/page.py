"""The listeners' page as HTML: an empty frame, its texts in both languages, one script."""

import functools
import html
import json
import tomllib
from pathlib import Path
from typing import Any

from studio.errors import LANGUAGES
from studio.listening.seats import BoothState

_FOLDER = Path(__file__).parent
STATIC = {"js": "text/javascript; charset=utf-8", "css": "text/css; charset=utf-8"}


@functools.cache
def texts(language: str) -> dict[str, Any]:
    """Every text of the page in a language."""
    return tomllib.loads((_FOLDER / f"{language}.toml").read_text(encoding="utf-8"))


@functools.cache
def static(ending: str) -> bytes:
    return (_FOLDER / "static" / f"page.{ending}").read_bytes()


def frame(language: str, organisation: str) -> str:
    """The page. `<` is escaped in the data, so no text can end its element."""
    words = {name: texts(name) | {"organisation": organisation} for name in LANGUAGES}
    data = json.dumps(words, ensure_ascii=False).replace("<", "\\u003c")
    title = html.escape(texts(language)["page_title"])
    no_script = html.escape(texts(language)["no_script"])
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1"><meta name="robots" content="noindex">'
        f'<link rel="icon" href="data:,"><title>{title}</title>'
        '<link rel="stylesheet" href="/listening/page.css">'
        f'<script type="application/json" id="words">{data}</script>'
        '<script defer src="/listening/page.js"></script></head>'
        f'<body><main id="page" data-language="{language}"><noscript>{no_script}</noscript></main></body></html>'
    )


def told(token: str, state: BoothState, *, signed_in: bool) -> dict[str, Any]:
    """The state as the script reads it: addresses instead of tokens, and nothing that names a system."""

    def address(sound: str) -> str:
        return f"/listen/{token}/sound/{sound}.wav"

    asking = state.asking
    return {
        "phase": state.phase, "kind": state.kind.value, "title": state.title, "instructions": state.instructions,
        "ties": state.ties, "headphones": state.headphones, "preview": state.preview, "done": state.done,
        "total": state.total, "language": state.language, "account": signed_in,
        "page": asking.page if asking else "", "training": bool(asking and asking.training),
        "slots": [{"label": s.label, "sound": address(s.sound)} for s in asking.slots] if asking else [],
        "tones": [address(tone) for tone in state.tones],
        "told": [{"names": t.names, "labels": t.labels, "scores": t.scores} for t in state.told],
    }  # fmt: skip
