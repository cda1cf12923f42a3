"""Exports as files: CSV, JSON, and a report that is one HTML file with nothing outside it."""

import json
from datetime import UTC, datetime
from pathlib import Path

from studio.errors import LANGUAGES, InputRefused
from studio.privacy.access import Actor
from studio.scores.comparison import Comparison
from studio.scores.export import csv_of, json_of
from studio.scores.service import EvaluationService
from studio.ui.markup import esc
from studio.ui.results.lines import sentence_cards
from studio.ui.results.view import ENDINGS, body, facts_line, run_name
from studio.ui.words import Words

MEDIA = {"csv": "text/csv", "json": "application/json", "html": "text/html"}
STYLE = Path(__file__).parent.parent / "static" / "report.css"


def export(
    evaluations: EvaluationService, actor: Actor, run_id: str, ending: str, language: str = ""
) -> tuple[bytes, str, str]:
    """(bytes, media type, file name) of a run. NotFound for a run that is not the actor's, InputRefused for
    an unknown ending.
    """
    if ending not in ENDINGS:
        raise InputRefused("scores.export_format", name=ending[:16], known=", ".join(ENDINGS))
    spoken = language if language in LANGUAGES else actor.language
    comparison = evaluations.compare(actor, run_id)
    makers = {"csv": csv_of, "json": json_of, "html": html_of}
    return makers[ending](comparison, spoken).encode(), MEDIA[ending], f"{run_id}.{ending}"


def html_of(comparison: Comparison, language: str) -> str:
    """The report: every style and drawing inside, no script, no sound, no address of any other site."""
    words = Words(language)
    run = comparison.result.run
    made = words("results.made", when=words.moment(datetime.now(UTC).isoformat(timespec="milliseconds")))
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>{esc(run_name(words, run))}</title><style>{STYLE.read_text('utf-8')}</style></head><body>"
        f'<p class="tb-dim">Timbro · {esc(words("results.report"))}</p><h1>{esc(run_name(words, run))}</h1>'
        f'{facts_line(words, run)}<p class="tb-dim">{esc(made)}</p>{body(words, comparison)}'
        f"{sentence_cards(words, comparison.result, players=False)}{recipe(words, comparison)}</body></html>"
    )


def recipe(words: Words, comparison: Comparison) -> str:
    """How every figure was measured: version, models, parameters."""
    head = "".join(
        f"<th>{esc(words(f'results.how_{name}'))}</th>"
        for name in ("metric", "version", "models", "parameters")
    )
    rows = "".join(
        f"<tr><td>{esc(score.metric)}</td><td>{esc(score.version)}</td><td>{esc(', '.join(score.models))}</td>"
        f"<td><code>{esc(json.dumps(dict(score.parameters), ensure_ascii=False))}</code></td></tr>"
        for score in comparison.result.run.scores.values()
        if score.value is not None
    )
    return (
        f'<section><h3>{esc(words("results.how"))}</h3><div class="tb-scroll"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div></section>"
    )
