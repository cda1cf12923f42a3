"""Results as CSV and JSON: every figure with its version, parameters and models; no sound."""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from studio.scores.comparison import Comparison
from studio.scores.requests import RECORDING, RUN, TAKE, RunResult, Score
from studio.synthesis.batch import neutral

COLUMNS = (
    "subject", "position", "name", "text", "transcript", "take", "metric", "value", "low", "high", "n", "version",
    "models", "parameters", "why_not",
)  # fmt: skip
Cell = str | float | int


def csv_of(result: RunResult, language: str) -> str:
    """One figure a line, those of the whole run first; words are safe from being taken for formulas."""
    sheet = io.StringIO()
    writer = csv.writer(sheet)
    writer.writerow(COLUMNS)
    for row in _rows(result, language):
        writer.writerow([neutral(cell) if isinstance(cell, str) else cell for cell in row])
    return sheet.getvalue()


def _rows(result: RunResult, language: str) -> Iterator[list[Cell]]:
    for score in result.run.scores.values():
        yield [RUN, "", "", "", "", "", *_cells(score, language)]
    for line in result.lines:
        for subject, scores in ((TAKE, line.scores), (RECORDING, line.recording)):
            for score in scores.values():
                heard = str(score.detail.get("transcript", ""))
                take = (line.take_id or "") if subject == TAKE else ""
                yield [
                    subject,
                    line.position + 1,
                    line.name,
                    line.text,
                    heard,
                    take,
                    *_cells(score, language),
                ]


def _cells(score: Score, language: str) -> list[Cell]:
    figures: list[Cell] = [_figure(score.value), _figure(score.low), _figure(score.high), score.n]
    recipe = json.dumps(dict(score.parameters), ensure_ascii=False, sort_keys=True)
    return [score.metric, *figures, score.version, ", ".join(score.models), recipe, score.why(language)]


def _figure(value: float | None) -> Cell:
    return "" if value is None else round(value, 6)


def json_of(comparison: Comparison, language: str) -> str:
    """The run with its sentences, the comparison and the correlation, as one document."""
    return json.dumps(document(comparison, language), ensure_ascii=False, indent=2, default=str) + "\n"


def document(comparison: Comparison, language: str) -> dict[str, Any]:
    """What `json_of` writes."""
    result = comparison.result
    rows = [
        {
            "option": row.option,
            "run": row.run.id if row.run else None,
            "engine": row.run.engine_id if row.run else None,
            "listener_mos": asdict(row.listeners) if row.listeners else None,
            "against_zero_shot": {name: asdict(gap) for name, gap in (row.against or {}).items()},
            "figures": {name: score.value for name, score in row.run.scores.items()} if row.run else {},
        }
        for row in comparison.rows
    ]
    return {
        "run": _run(result, language),
        "sentences": [
            {
                "position": line.position + 1, "name": line.name, "text": line.text, "take": line.take_id,
                "duration_s": line.duration_s, "scores": _scores(line.scores.values(), language),
                "recording": _scores(line.recording.values(), language),
            }
            for line in result.lines
        ],
        "comparison": rows,
        "predicted_against_listener_mos": {**asdict(comparison.correlation), "ratings": comparison.ratings},
    }  # fmt: skip


def _run(result: RunResult, language: str) -> dict[str, Any]:
    facts = asdict(result.run)
    facts["scores"] = _scores(result.run.scores.values(), language)
    facts["cost"] = result.run.cost
    return facts


def _scores(scores: Any, language: str) -> dict[str, dict[str, Any]]:
    found = {}
    for score in scores:
        facts = asdict(score)
        facts.pop("metric")
        facts["trouble"] = score.why(language) or None
        found[score.metric] = facts
    return found
