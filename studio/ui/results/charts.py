"""Distributions as SVG: they take their colours from the page, so light and dark are one drawing."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT, LEFT, TOP, FLOOR = 560, 196, 26, 54, 170  # two rows of names above the bars


@dataclass(frozen=True)
class Mark:
    """A line across the bars at `at` (0..1 of the axis), with its name above."""

    at: float
    label: str
    tone: str = "dim"  # a colour of the page: dim, good, warn, bad


@dataclass(frozen=True)
class Chart:
    """Bars side by side. `labels` name bars for the pointer; `ticks` are places of the axis (0..1) with their text."""

    title: str
    counts: tuple[int, ...]
    labels: tuple[str, ...]
    ticks: tuple[tuple[float, str], ...]
    marks: tuple[Mark, ...] = ()


def svg(chart: Chart) -> str:
    """The drawing; screen readers hear its title and every bar."""
    told = escape(
        "; ".join([chart.title, *(label for label, n in zip(chart.labels, chart.counts, strict=True) if n)])
    )
    return (
        f'<svg class="tb-chart tb-bars" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{told}">'
        f'<line x1="{LEFT}" y1="{FLOOR}" x2="{WIDTH}" y2="{FLOOR}" stroke="var(--tb-line)"/>'
        f"{_bars(chart)}{_marks(chart.marks)}{_counts(chart)}{_ticks(chart.ticks)}</svg>"
    )


def _tall(chart: Chart, count: int) -> float:
    return max(2.0, count / max([*chart.counts, 1]) * (FLOOR - TOP)) if count else 0.0


def _bars(chart: Chart) -> str:
    step = (WIDTH - LEFT) / len(chart.counts)
    return "".join(
        f'<rect x="{LEFT + index * step + 1.5:.1f}" y="{FLOOR - _tall(chart, count):.1f}" width="{step - 3:.1f}" '
        f'height="{_tall(chart, count):.1f}" rx="2" fill="var(--tb-accent)"><title>{escape(label)}</title></rect>'
        for index, (count, label) in enumerate(zip(chart.counts, chart.labels, strict=True))
        if count
    )


def _counts(chart: Chart) -> str:
    """Above the bars, on a rim of the card's colour that keeps them apart from the marks."""
    step = (WIDTH - LEFT) / len(chart.counts)
    return "".join(
        f'<text x="{LEFT + (index + 0.5) * step:.1f}" y="{FLOOR - _tall(chart, count) - 4:.1f}" text-anchor="middle" '
        f'font-size="11" fill="var(--tb-dim)" stroke="var(--tb-card)" stroke-width="4" '
        f'paint-order="stroke">{count}</text>'
        for index, count in enumerate(chart.counts)
        if count
    )


def _ticks(ticks: Sequence[tuple[float, str]]) -> str:
    return "".join(
        f'<text x="{LEFT + at * (WIDTH - LEFT):.1f}" y="{FLOOR + 16}" '
        f'text-anchor="{"start" if at < 0.03 else "end" if at > 0.97 else "middle"}" font-size="12" '
        f'fill="var(--tb-dim)">{escape(tick)}</text>'
        for at, tick in ticks
    )


def _marks(marks: Sequence[Mark]) -> str:
    """Lines with their names, in two rows where two stand close."""
    drawn, last = "", -1.0
    row = 0
    for mark in sorted(marks, key=lambda one: one.at):
        x = LEFT + min(1.0, max(0.0, mark.at)) * (WIDTH - LEFT)
        row = 1 - row if x - last < 90 else 0
        last, colour = x, f"var(--tb-{mark.tone})"
        anchor = "start" if x < LEFT + 60 else "end" if x > WIDTH - 60 else "middle"
        drawn += (
            f'<line x1="{x:.1f}" y1="{TOP - 6}" x2="{x:.1f}" y2="{FLOOR}" stroke="{colour}" stroke-width="2" '
            f'stroke-dasharray="5 3"/><text x="{x:.1f}" y="{14 + 17 * row}" text-anchor="{anchor}" font-size="12" '
            f'fill="{colour}">{escape(mark.label)}</text>'
        )
    return drawn


def spread(values: Sequence[float], low: float, high: float, bins: int) -> tuple[int, ...]:
    """How many values lie in each of `bins` equal parts of low..high; what lies outside counts at the edge."""
    counts = [0] * bins
    for value in values:
        place = int((value - low) / (high - low) * bins)
        counts[min(bins - 1, max(0, place))] += 1
    return tuple(counts)
