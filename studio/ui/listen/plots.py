"""Means and ranks with their intervals as SVG; colours come from the page."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, LEFT, RIGHT, ROW, FOOT = 600, 170, 64, 34, 30


@dataclass(frozen=True)
class Whisker:
    """One line: a value with its interval (None: unknown yet) and what is written beside it."""

    label: str
    value: float
    low: float | None
    high: float | None
    told: str


def whiskers(title: str, rows: Sequence[Whisker], low: float, high: float, ticks: Sequence[float]) -> str:
    """The drawing; screen readers hear its title and every line."""
    tall = ROW * len(rows) + FOOT
    told = escape("; ".join([title, *(f"{row.label} {row.told}" for row in rows)]), quote=True)
    span = max(high - low, 1e-9)

    def at(value: float) -> float:
        return LEFT + (min(high, max(low, value)) - low) / span * (WIDTH - LEFT - RIGHT)

    lines = "".join(
        f'<line x1="{at(tick):.1f}" y1="6" x2="{at(tick):.1f}" y2="{tall - FOOT + 4}" stroke="var(--tb-line)"/>'
        f'<text x="{at(tick):.1f}" y="{tall - 8}" text-anchor="middle" font-size="12" '
        f'fill="var(--tb-dim)">{tick:g}</text>'
        for tick in ticks
    )
    drawn = "".join(_row(row, ROW * place + ROW / 2 + 2, at) for place, row in enumerate(rows))
    return f'<svg class="tb-chart" viewBox="0 0 {WIDTH} {tall}" role="img" aria-label="{told}">{lines}{drawn}</svg>'


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
