"""Results as files: one line an answer, with the configuration they were given under."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

from studio.listening.screening import Answer

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
COLUMNS = (
    "test", "kind", "config_hash", "ranking_ties", "listener", "flags", "use", "trial", "item", "sentence",
    "system", "second_system", "role", "score", "expected", "position", "side", "replays", "response_ms",
    "heard_to_end", "at",
)  # fmt: skip

Context = Mapping[str, Any]


def neutral(cell: object) -> object:
    """A cell that no spreadsheet takes for a formula (OWASP: CSV injection); numbers stay numbers."""
    if isinstance(cell, str) and cell.startswith(_FORMULA):
        return "'" + cell
    return cell


def rows(context: Context, answers: Sequence[Answer]) -> list[dict[str, object]]:
    """One row an answer.

    `context` has test, kind, config_hash, ranking_ties (as in `ranked_ties`), items, systems (id -> name) and
    flags (listener -> names of rules).
    """
    names, items = context["systems"], context["items"]
    return [
        {
            "test": context["test"], "kind": context["kind"], "config_hash": context["config_hash"],
            "ranking_ties": context["ranking_ties"],
            "listener": a.listener, "flags": " ".join(context["flags"].get(a.listener, ())), "use": a.use.value,
            "trial": a.trial, "item": a.item + 1 if a.item < len(items) else "",
            "sentence": items[a.item] if a.item < len(items) else "", "system": names.get(a.system, ""),
            "second_system": names.get(a.second, ""), "role": a.role.value, "score": a.score,
            "expected": "" if a.expected is None else a.expected, "position": a.position, "side": a.side,
            "replays": a.replays, "response_ms": a.response_ms, "heard_to_end": a.heard_to_end, "at": a.at,
        }
        for a in answers
    ]  # fmt: skip


def to_csv(context: Context, answers: Sequence[Answer]) -> bytes:
    """CSV with a header; UTF-8 with a mark, as spreadsheets want it."""
    sheet = io.StringIO()
    writer = csv.DictWriter(sheet, COLUMNS)
    writer.writeheader()
    for row in rows(context, answers):
        writer.writerow({name: neutral(value) for name, value in row.items()})
    return b"\xef\xbb\xbf" + sheet.getvalue().encode()


def to_json(context: Context, configuration: Mapping[str, Any], answers: Sequence[Answer]) -> bytes:
    """The configuration and the same rows; formulas are neutralised here too, for such files end in sheets."""
    clean = [{name: neutral(value) for name, value in row.items()} for row in rows(context, answers)]
    document = {"configuration": configuration, "config_hash": context["config_hash"], "ratings": clean}
    return json.dumps(document, ensure_ascii=False, indent=1).encode()
