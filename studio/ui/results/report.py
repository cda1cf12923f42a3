"""Exports as files: CSV, JSON, and a report that is one HTML file with nothing outside it."""

import json
from datetime import UTC, datetime

from studio.bootstrap import Studio
from studio.errors import LANGUAGES, InputRefused
from studio.privacy.access import Actor
from studio.scores.comparison import Comparison
from studio.scores.export import csv_of, json_of
from studio.ui.markup import esc
from studio.ui.results.lines import sentence_cards
from studio.ui.results.view import ENDINGS, body, facts_line, run_name
from studio.ui.words import Words

MEDIA = {"csv": "text/csv", "json": "application/json", "html": "text/html"}
STYLE = """
:root { color-scheme: light dark; --tb-accent: #0f766e; --tb-good: #15803d; --tb-warn: #a35a00; --tb-bad: #b42318;
  --tb-line: #e2e0da; --tb-card: #fff; --tb-dim: #5b6468; --text: #1c2529; --page: #f8f7f3; }
@media (prefers-color-scheme: dark) { :root { --tb-accent: #5ec4b6; --tb-good: #6fce8f; --tb-warn: #f0b45b;
  --tb-bad: #ff8f84; --tb-line: #2c363b; --tb-card: #182024; --tb-dim: #a3afb4; --text: #e9eef0; --page: #10171a; } }
body { font: 16px/1.5 ui-sans-serif, system-ui, sans-serif; color: var(--text); background: var(--page);
  max-width: 1180px; margin: 0 auto; padding: 24px; }
small { display: block; color: var(--tb-dim); font-size: .8rem; } td > small:first-of-type { display: inline-block; }
.tb-dim { color: var(--tb-dim); font-size: .9rem; } .tb-scroll { overflow-x: auto; }
table { width: 100%; border-collapse: collapse; font-size: .9rem; }
th, td { text-align: left; vertical-align: top; padding: 8px 12px 8px 0; border-bottom: 1px solid var(--tb-line); }
.tb-card { border: 1px solid var(--tb-line); background: var(--tb-card); border-radius: 12px; padding: 12px 16px; margin: 0 0 10px; }
.tb-cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(460px, 100%), 1fr)); gap: 14px; }
.tb-note { border-left: 3px solid var(--tb-accent); padding: 8px 12px; } .tb-note.warn { border-color: var(--tb-warn); }
.tb-badge { display: inline-block; border: 1px solid var(--tb-line); border-radius: 99px; padding: 1px 9px; margin-right: 6px;
  font-size: .8rem; color: var(--tb-dim); } .tb-diff del { color: var(--tb-bad); } .tb-diff ins { color: var(--tb-good); }
svg { width: 100%; height: auto; } figure { margin: 0; } td code { font-size: .75rem; overflow-wrap: anywhere; }
"""


def export(
    studio: Studio, actor: Actor, run_id: str, ending: str, language: str = ""
) -> tuple[bytes, str, str]:
    """(bytes, media type, file name) of a run. NotFound for a run that is not the actor's, InputRefused for
    an unknown ending.
    """
    if ending not in ENDINGS:
        raise InputRefused("scores.export_format", name=ending[:16], known=", ".join(ENDINGS))
    spoken = language if language in LANGUAGES else actor.language
    comparison = studio.evaluations.compare(actor, run_id)
    makers = {"csv": _csv, "json": json_of, "html": html_of}
    return makers[ending](comparison, spoken).encode(), MEDIA[ending], f"{run_id}.{ending}"


def _csv(comparison: Comparison, language: str) -> str:
    return csv_of(comparison.result, language)


def html_of(comparison: Comparison, language: str) -> str:
    """The report: every style and drawing inside, no script, no sound, no address of any other site."""
    words = Words(language)
    run = comparison.result.run
    made = words("results.made", when=words.moment(datetime.now(UTC).isoformat(timespec="milliseconds")))
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>{esc(run_name(words, run))}</title><style>{STYLE}</style></head><body>"
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
