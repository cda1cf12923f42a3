"""The speakers' page as HTML: an empty frame, its texts in both languages, one script."""

import functools
import html
import json
import tomllib
from pathlib import Path
from typing import Any

from studio.consent.challenge import Challenge
from studio.consent.forms import ATTESTATIONS
from studio.consent.purposes import Purpose
from studio.consent.views import ConsentView
from studio.errors import LANGUAGES
from studio.privacy.erasure import Receipt
from studio.voices.forms import CheckedClip
from studio.voices.speakers import MOST_BY_LINK, SpeakerPage

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
        '<link rel="stylesheet" href="/consenting/page.css">'
        f'<script type="application/json" id="words">{data}</script>'
        '<script defer src="/consenting/page.js"></script></head>'
        f'<body><main id="page" data-language="{language}"><noscript>{no_script}</noscript></main></body></html>'
    )


def told(page: SpeakerPage) -> dict[str, Any]:
    """The state as the script reads it."""
    notice = page.notice
    return {
        "phase": page.phase,
        "voice": page.guest.voice_name,
        "category": page.guest.category,
        "notice": {"text": notice.text, "version": notice.version, "hash": notice.hash},
        "agreed": {"text": page.agreed.text, "version": page.agreed.version} if page.agreed else None,
        "purposes": [purpose.value for purpose in Purpose],
        "offer": {"engines": dict(page.offer.engines), "languages": list(page.offer.languages)},
        "attestations": list(ATTESTATIONS),
        "most_clips": MOST_BY_LINK,
        "consent": _consent(page.consent) if page.consent else None,
        "held": [{"kind": h.kind, "count": h.count} for h in page.dossier.held] if page.dossier else [],
        "receipt": receipt(page.receipt) if page.receipt else None,
    }


def _consent(view: ConsentView) -> dict[str, Any]:
    return {
        "status": view.status, "version": view.version, "purposes": view.purposes, "granted_at": view.granted_at,
        "expires_at": view.expires_at, "days_left": view.days_left, "statement": view.statement,
        "renewal": view.renewal, "engines": view.engines, "languages": view.languages, "samples": view.samples,
        "documents": len(view.documents), "doubts": view.doubts,
    }  # fmt: skip


def receipt(receipt: Receipt) -> dict[str, Any]:
    return {"speaker": receipt.speaker_id, "erased_at": receipt.erased_at, "erased": receipt.erased}


def asked(challenge: Challenge, seconds: int) -> dict[str, Any]:
    """A challenge, with the seconds that are left: a phone's clock may be wrong."""
    return {
        "token": challenge.token, "statement": challenge.statement, "seconds": seconds,
        "tries": challenge.tries_left,
    }  # fmt: skip


def examined(checked: CheckedClip, language: str) -> dict[str, Any]:
    """What the studio says of one recording; `refusal` is empty when it can be used."""
    return {"seconds": round(checked.clip.duration_s, 1), "refusal": checked.card.refusal(language) or ""}
