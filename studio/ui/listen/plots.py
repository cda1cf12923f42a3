"""Means and ranks with their intervals as SVG; colours come from the page."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

from studio.ui.words import Words

WIDTH, LEFT, RIGHT, ROW, FOOT = 600, 170, 64, 34, 30


@dataclass(frozen=True)
class Whisker:
    """One line: a value with its interval (None: unknown yet) and what is written beside it."""

    label: str
    value: float
    low: float | None
    high: float | None
    told: str


Ticks = Sequence[tuple[float, str]]


def even_ticks(words: Words, low: float, high: float, most: int = 7) -> Ticks:
    """Round numbers from `low` to `high`: the smallest step of 1, 2 or 5 that needs no more than `most`."""
    steps = (unit * 10.0**power for power in range(-2, 6) for unit in (1, 2, 5))
    step = next(one for one in steps if math.floor(high / one + 1e-9) - math.ceil(low / one - 1e-9) < most)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    digits = max(0, -math.floor(math.log10(step)))
    return [(place * step, words.number(place * step, digits)) for place in range(first, last + 1)]


def whiskers(
    title: str, rows: Sequence[Whisker], low: float, high: float, ticks: Ticks, middle: float | None = None
) -> str:
    """The drawing; screen readers hear its title and every line. `middle`: where neither side leads."""
    tall = ROW * len(rows) + FOOT
    told = escape("; ".join([title, *(f"{row.label} {row.told}" for row in rows)]), quote=True)
    span = max(high - low, 1e-9)

    def at(value: float) -> float:
        return LEFT + (min(high, max(low, value)) - low) / span * (WIDTH - LEFT - RIGHT)

    lines = "".join(
        f'<line x1="{at(tick):.1f}" y1="6" x2="{at(tick):.1f}" y2="{tall - FOOT + 4}" stroke="var(--tb-line)"/>'
        f'<text x="{at(tick):.1f}" y="{tall - 8}" text-anchor="middle" font-size="12" '
        f'fill="var(--tb-dim)">{escape(label)}</text>'
        for tick, label in ticks
    )
    if middle is not None:
        lines += (
            f'<line x1="{at(middle):.1f}" y1="6" x2="{at(middle):.1f}" y2="{tall - FOOT + 4}" '
            'stroke="var(--tb-dim)" stroke-dasharray="4 3"/>'
        )
    drawn = "".join(_row(row, ROW * place + ROW / 2 + 2, at) for place, row in enumerate(rows))
    box = f'viewBox="0 0 {WIDTH} {tall}" role="img" aria-label="{told}"'
    return f'<svg class="tb-chart tb-whiskers" {box}>{lines}{drawn}</svg>'


def _row(row: Whisker, y: float, at: Callable[[float], float]) -> str:
    label = row.label if len(row.label) <= 22 else row.label[:21] + "…"
    text = 'font-size="13" fill="var(--body-text-color)"'
    bar = ""
    if row.low is not None and row.high is not None:
        a, b = at(row.low), at(row.high)
        bar = (
            f'<line x1="{a:.1f}" y1="{y}" x2="{b:.1f}" y2="{y}" stroke="var(--tb-accent)" stroke-width="3"/>'
            f'<line x1="{a:.1f}" y1="{y - 6}" x2="{a:.1f}" y2="{y + 6}" stroke="var(--tb-accent)" stroke-width="2"/>'
            f'<line x1="{b:.1f}" y1="{y - 6}" x2="{b:.1f}" y2="{y + 6}" stroke="var(--tb-accent)" stroke-width="2"/>'
        )
    return (
        f'<text x="0" y="{y + 4}" {text}><title>{escape(row.label)}</title>{escape(label)}</text>{bar}'
        f'<circle cx="{at(row.value):.1f}" cy="{y}" r="6" fill="var(--tb-accent)"/>'
        f'<text x="{WIDTH}" y="{y + 4}" text-anchor="end" {text}>{escape(row.told)}</text>'
    )
