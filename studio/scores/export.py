"""Results as CSV and JSON: every figure with its version, parameters and models; no sound."""

import csv
import io
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from studio.evaluation.intervals import Interval
from studio.scores.comparison import Comparison, OptionRow
from studio.scores.requests import RECORDING, RUN, TAKE, RunResult, Score
from studio.synthesis.batch import neutral

COLUMNS = (
    "subject", "run", "option", "engine", "position", "name", "text", "transcript", "take", "metric", "value",
    "low", "high", "n", "version", "models", "parameters", "why_not",
)  # fmt: skip
Cell = str | float | int


def csv_of(comparison: Comparison, language: str) -> str:
    """One figure a line: the whole run, the comparison's other rows, the sentences. No cell is taken for a formula."""
    sheet = io.StringIO()
    writer = csv.writer(sheet)
    writer.writerow(COLUMNS)
    for row in _rows(comparison, language):
        writer.writerow([neutral(cell) if isinstance(cell, str) else cell for cell in row])
    return sheet.getvalue()


def _rows(comparison: Comparison, language: str) -> Iterator[list[Cell]]:
    result = comparison.result
    run = [result.run.id, result.run.option, result.run.engine_id]
    for score in result.run.scores.values():
        yield [RUN, *run, "", "", "", "", "", *_cells(score, language)]
    for row in comparison.rows:
        yield from _compared(row)
    for line in result.lines:
        for subject, scores in ((TAKE, line.scores), (RECORDING, line.recording)):
            take = (line.take_id or "") if subject == TAKE else ""
            for score in scores.values():
                heard = str(score.detail.get("transcript", ""))
                place: list[Cell] = [line.position + 1, line.name, line.text, heard, take]
                yield [subject, *run, *place, *_cells(score, language)]


def _compared(row: OptionRow) -> Iterator[list[Cell]]:
    """A row of the comparison, a figure a line: what it took, what it cost, and what was measured."""
    if row.run is None:
        yield ["comparison", "", row.option, *[""] * (len(COLUMNS) - 3)]
        return
    begins: list[Cell] = [
        "comparison",
        row.run.id,
        row.option,
        row.run.engine_id,
        "",
        row.run.voice_name,
        "",
        "",
        "",
    ]
    for name, interval in figures_of(row).items():
        yield [
            *begins,
            name,
            *map(_figure, (interval.value, interval.low, interval.high)),
            interval.n,
            *[""] * 4,
        ]


def figures_of(row: OptionRow) -> dict[str, Interval]:
    """Every figure of a row that was measured, by name: seconds, bytes, the price's money, the measures' own units."""
    run = row.run
    if run is None:
        return {}
    alone = {
        "setup_s": run.setup_s, "training_s": run.training_s, "peak_bytes": run.peak_bytes,
        "peak_gpu_bytes": run.peak_gpu_bytes, "cost": run.cost,
    }  # fmt: skip
    found = {
        name: Interval(float(value), None, None, 1) for name, value in alone.items() if value is not None
    }
    for name, score in run.scores.items():
        if score.value is not None:
            found[name] = Interval(score.value, score.low, score.high, score.n)
    if row.listeners is not None:
        found["listener_mos"] = row.listeners
    for name, gap in (row.against or {}).items():
        found[f"{name}_against_zero_shot"] = gap
    return found


def _cells(score: Score, language: str) -> list[Cell]:
    figures: list[Cell] = [_figure(score.value), _figure(score.low), _figure(score.high), score.n]
    recipe = json.dumps(dict(score.parameters), ensure_ascii=False, sort_keys=True)
    return [score.metric, *figures, score.version, ", ".join(score.models), recipe, score.why(language)]


def _figure(value: float | None) -> Cell:
    return "" if value is None else round(value, 6)


def json_of(comparison: Comparison, language: str) -> str:
    """The run with its sentences, the comparison and the correlations, as one document; no figure is NaN."""
    told = _finite(document(comparison, language))
    return json.dumps(told, ensure_ascii=False, indent=2, default=str, allow_nan=False) + "\n"


def _finite(value: Any) -> Any:
    """JSON has no word for what is not finite: null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {name: _finite(one) for name, one in value.items()}
    return [_finite(one) for one in value] if isinstance(value, list | tuple) else value


def document(comparison: Comparison, language: str) -> dict[str, Any]:
    """What `json_of` writes."""
    result, studio = comparison.result, comparison.studio
    overall = {**asdict(studio.correlation), "ratings": studio.ratings, "unpredicted": studio.unpredicted}
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
        "comparison": [_row_document(row) for row in comparison.rows],
        "predicted_against_listener_mos": {**asdict(comparison.correlation), "ratings": comparison.ratings},
        "predicted_against_listener_mos_of_the_studio": overall,
    }  # fmt: skip


def _row_document(row: OptionRow) -> dict[str, Any]:
    run = row.run
    return {
        "option": row.option,
        "run": run.id if run else None,
        "engine": run.engine_id if run else None,
        "options": dict(run.options) if run else {},
        "seed": run.seed if run else None,
        "trained": (run.trained_id or None) if run else None,
        "setup_measured": run.setup_measured if run else None,
        "hour_price": run.hour_price if run else None,
        "held_against": row.base.id if row.base else None,
        "figures": {name: asdict(figure) for name, figure in figures_of(row).items()},
    }


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
