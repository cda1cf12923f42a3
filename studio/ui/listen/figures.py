"""Figures of a listening test as HTML: an interval or why there is none, p-values, tables."""

from collections.abc import Sequence
from typing import Any

from studio.listening.found import Found
from studio.listening.stats import MeanScore
from studio.ui.markup import esc
from studio.ui.words import Words


def interval(words: Words, found: Found[MeanScore], digits: int = 2) -> str:
    """ "3,88 [3,05; 4,70]", or why there is none."""
    if found.value is None:
        return reason(words, found)
    value = found.value
    low, high = words.number(value.ci_low, digits), words.number(value.ci_high, digits)
    return f'{words.number(value.mean, digits)} <span class="tb-dim">[{low}; {high}]</span>'


def reason(words: Words, found: Found[Any]) -> str:
    assert found.why is not None
    return f'<small class="tb-dim">{esc(found.why.part("why", words.language))}</small>'


def p_value(words: Words, p: float) -> str:
    return f"&lt; {words.number(0.0001, 4)}" if p < 0.0001 else words.number(p, 4)


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Cells are HTML already escaped by their maker."""
    head = "".join(f"<th>{esc(one)}</th>" for one in heads)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    inside = f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody>"
    return f'<div class="tb-scroll"><table class="tb-table">{inside}</table></div>'


def folded(title: str, inside: str) -> str:
    return f"<details><summary>{esc(title)}</summary>{inside}</details>"
