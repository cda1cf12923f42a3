"""Loss curves as SVG: they take their colours from the page, so light and dark are one drawing."""

from collections.abc import Sequence
from html import escape

from studio.training.forms import Point
from studio.ui.words import Words

WIDTH, HEIGHT, LEFT, RIGHT, TOP, FLOOR = 640, 240, 50, 12, 14, 204
TICKS = 4


def loss_chart(words: Words, train: Sequence[Point], held_out: Sequence[Point], steps: int) -> str:
    """Training and held-out loss over the steps planned; a sentence instead until there is something to draw."""
    points = [*train, *held_out]
    if not points:
        return f'<p class="tb-dim">{escape(words("jobs.no_curve"))}</p>'
    low, high = _range([point.value for point in points])
    span = max(steps, max(point.step for point in points), 1)
    told = words(
        "jobs.curve_told", first=words.number(points[0].value, 3),
        last=words.number((train or held_out)[-1].value, 3), steps=(train or held_out)[-1].step,
    )  # fmt: skip
    return (
        f'<figure class="tb-curve"><svg class="tb-chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{escape(told)}">{_axes(words, low, high, span)}'
        f"{_line(train, low, high, span, 'var(--tb-accent)', 1.6)}{_dots(words, held_out, low, high, span)}</svg>"
        f'<figcaption class="tb-row"><span><i class="key"></i>{escape(words("jobs.loss_train"))}</span>'
        f'<span><i class="key warn"></i>{escape(words("jobs.loss_held"))}</span></figcaption></figure>'
    )


def _range(values: Sequence[float]) -> tuple[float, float]:
    """The values with a little air; extreme starts are cut off at the 98th percentile."""
    ordered = sorted(values)
    high = (
        ordered[min(len(ordered) - 1, round(0.98 * (len(ordered) - 1)))] if len(ordered) > 50 else ordered[-1]
    )
    low = ordered[0]
    air = (high - low) * 0.06 or abs(high) * 0.1 or 1.0
    return (max(0.0, low - air) if low >= 0 else low - air), high + air


def _x(step: float, span: int) -> float:
    return LEFT + step / span * (WIDTH - LEFT - RIGHT)


def _y(value: float, low: float, high: float) -> float:
    share = (min(value, high) - low) / (high - low)
    return FLOOR - share * (FLOOR - TOP)


def _line(points: Sequence[Point], low: float, high: float, span: int, colour: str, width: float) -> str:
    path = " ".join(f"{_x(p.step, span):.1f},{_y(p.value, low, high):.1f}" for p in points)
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width}" stroke-linejoin="round"/>'


def _dots(words: Words, points: Sequence[Point], low: float, high: float, span: int) -> str:
    drawn = _line(points, low, high, span, "var(--tb-warn)", 1.6)
    return drawn + "".join(
        f'<circle cx="{_x(p.step, span):.1f}" cy="{_y(p.value, low, high):.1f}" r="3.2" fill="var(--tb-warn)">'
        f"<title>{p.step}: {escape(words.number(p.value, 4))}</title></circle>"
        for p in points
    )


def _axes(words: Words, low: float, high: float, span: int) -> str:
    drawn = f'<line x1="{LEFT}" y1="{FLOOR}" x2="{WIDTH - RIGHT}" y2="{FLOOR}" stroke="var(--tb-line)"/>'
    digits = 3 if high - low < 0.5 else 2
    for index in range(TICKS + 1):
        value = low + (high - low) * index / TICKS
        y = _y(value, low, high)
        drawn += (
            f'<line x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}" stroke="var(--tb-line)" '
            f'stroke-dasharray="2 4"/><text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end" font-size="12" '
            f'fill="var(--tb-dim)">{escape(words.number(value, digits))}</text>'
        )
    for index in range(TICKS + 1):
        step = round(span * index / TICKS)
        anchor = "start" if index == 0 else "end" if index == TICKS else "middle"
        drawn += (
            f'<text x="{_x(step, span):.1f}" y="{FLOOR + 18}" text-anchor="{anchor}" font-size="12" '
            f'fill="var(--tb-dim)">{step}</text>'
        )
    return drawn
