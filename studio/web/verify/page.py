"""The verify page as HTML; it works without any script."""

import functools
import html
import tomllib
from pathlib import Path
from typing import Any

from studio.errors import LANGUAGES, StudioError
from studio.provenance.manifest import Manifest, ManifestState
from studio.provenance.verify import MOST_BYTES, MOST_S, Finding, Verdict
from studio.provenance.watermark import CERTAIN, SHORTEST_S, Reading

_FOLDER = Path(__file__).parent
STATIC = {"js": "text/javascript; charset=utf-8", "css": "text/css; charset=utf-8"}
SIGNS = {Verdict.OURS: "✓", Verdict.NOT_FOUND: "–", Verdict.INCONCLUSIVE: "?"}


@functools.cache
def texts(language: str) -> dict[str, Any]:
    """Every text of the page in a language."""
    return tomllib.loads((_FOLDER / f"{language}.toml").read_text(encoding="utf-8"))


@functools.cache
def static(ending: str) -> bytes:
    return (_FOLDER / "static" / f"page.{ending}").read_bytes()


def page(language: str, organisation: str, answer: str = "") -> str:
    """The whole page: the answer, if there is one, then the form and what is checked."""
    said = texts(language)
    other = next(name for name in LANGUAGES if name != language)
    owner = f'<p class="dim">{_esc(said["of"], organisation=organisation)}</p>' if organisation else ""
    intro = "" if answer else f"<p>{_esc(said['intro'])}</p>{owner}"
    switch = f'<a href="/verify?language={other}" hreflang="{other}" lang="{other}">{_esc(said["other_language"])}</a>'
    how = "".join(f"<li>{_esc(said[f'how_{name}'])}</li>" for name in ("manifest", "watermark", "honest"))
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1"><meta name="robots" content="noindex">'
        f'<link rel="icon" href="data:,"><title>{_esc(said["page_title"])} · Timbro</title>'
        '<link rel="stylesheet" href="/verify/page.css"><script defer src="/verify/page.js"></script></head>'
        f'<body><header><b class="mark">Timbro</b>{switch}</header>'
        f"<main><h1>{_esc(said['page_title'])}</h1>{intro}{answer}{_form(language, bool(answer))}"
        f"<section><h2>{_esc(said['how_title'])}</h2><ul>{how}</ul></section></main></body></html>"
    )


def _form(language: str, again: bool) -> str:
    said = texts(language)
    limits = _esc(said["limits"], mb=MOST_BYTES // 1_000_000, minutes=int(MOST_S // 60))
    heading = f"<h2>{_esc(said['again'])}</h2>" if again else ""
    return (
        f'<form class="card" method="post" action="/verify?language={language}" enctype="multipart/form-data">{heading}'
        f'<label for="file">{_esc(said["choose"])}</label>'
        '<input id="file" type="file" name="file" accept="audio/*,.wav,.flac,.mp3,.ogg,.opus,.m4a,.webm" required'
        f' aria-describedby="limits"><p id="limits" class="dim">{limits}</p>'
        f'<button class="go">{_esc(said["go"])}</button>'
        f'<p id="working" class="dim" role="status" hidden>{_esc(said["working"])}</p></form>'
    )


def refused(error: StudioError, language: str) -> str:
    """A refusal in the answer's place."""
    rest = "".join(f"<p>{_esc(error.part(name, language))}</p>" for name in ("why", "next"))
    return f'<section class="answer none" role="alert"><h2>{_esc(error.part("what", language))}</h2>{rest}</section>'


def answered(found: Finding, name: str, language: str) -> str:
    """The verdict, then its grounds."""
    said, verdict = texts(language), found.verdict
    key = {
        Verdict.OURS: "ours_signed" if found.manifest.state is ManifestState.OURS else "ours_marked",
    }.get(verdict, verdict.value)
    told = said["verdict"][key]
    rows = (
        (said["file"], _esc(name) + (f" ({found.duration_s:.1f} s)" if found.duration_s else "")),
        (said["manifest"]["title"], _esc(_manifest(found.manifest, said["manifest"]))),
        (said["watermark"]["title"], _watermark(found.reading, said["watermark"])),
    )
    listed = "".join(f"<div><dt>{_esc(label)}</dt><dd>{value}</dd></div>" for label, value in rows)
    return (
        f'<section class="answer {verdict.value}" role="status" data-verdict="{verdict.value}">'
        f'<h2><span class="sign" aria-hidden="true">{SIGNS[verdict]}</span>{_esc(told["title"])}</h2>'
        f"<p>{_esc(told['text'])}</p><dl>{listed}</dl></section>"
    )


def _manifest(manifest: Manifest, said: dict[str, str]) -> str:
    key = manifest.state.value
    if manifest.state is ManifestState.FOREIGN and manifest.generated:
        key = "foreign_generated"
    made_at = manifest.made_at.replace("T", " ").removesuffix("Z")[:16] + " UTC"
    return said[key].format(signer=manifest.signer or "?", made_at=made_at)


def _watermark(reading: Reading, said: dict[str, str]) -> str:
    key = "found" if reading.found else "absent"
    if reading.doubtful:
        key = "short" if reading.sound_s < SHORTEST_S else "doubtful"
    if reading.sound_s == 0:
        return _esc(said["short"])
    percent = round(100 * reading.confidence)
    meter = f'<meter min="0" max="100" value="{percent}" aria-hidden="true"></meter>'
    sure = _esc(said["confidence"], percent=percent, bar=round(100 * CERTAIN))
    return f'{_esc(said[key])} <span class="sure">{sure}</span>{meter}'


def _esc(text: str, **facts: object) -> str:
    return html.escape(text.format(**facts) if facts else text)
