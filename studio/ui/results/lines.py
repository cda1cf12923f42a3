"""Sentence by sentence: the player, what was heard word by word, and the figures."""

from collections.abc import Iterable

from studio.scores.requests import Line, RunResult, RunView
from studio.ui.markup import badge, esc, player
from studio.ui.results.charts import Chart, Mark, spread, svg
from studio.ui.words import Words

LIKENESS_BINS = 24


def sentence_cards(words: Words, result: RunResult, *, players: bool = True) -> str:
    """All sentences, those with most errors first; without players where there is no sound to reach."""
    ordered = sorted(result.lines, key=lambda line: (-(line.value("wer") or 0.0), line.position))
    cards = "".join(_card(words, line, result.run, players) for line in ordered)
    return f'<section><h3>{esc(words("results.sentences"))}</h3><div class="tb-list">{cards}</div></section>'


def _card(words: Words, line: Line, run: RunView, players: bool) -> str:
    sound = ""
    if players and line.take_id:
        seconds = line.duration_s or 0.0
        sound = player(f"/media/take/{line.take_id}.wav", line.text, compact=True, duration_s=seconds)
    return (
        f'<article class="tb-card" data-line="{line.position}"><p>{esc(line.text)}</p>{sound}'
        f'{_heard(words, line)}<div class="tb-row"><span class="tb-dim">{esc(line.name)}</span>'
        f"{''.join(badge(told) for told in _figures(words, line))}</div></article>"
    )


def _heard(words: Words, line: Line) -> str:
    wer = line.scores.get("wer")
    if line.take_id is None:
        why = next((score.why(words.language) for score in line.scores.values() if score.trouble), "")
        return f'<p class="tb-note warn">{esc(words("results.not_spoken", why=why))}</p>'
    if wer is None:
        return ""
    if wer.value is None:
        return f'<p class="tb-dim">{esc(wer.why(words.language))}</p>'
    if not line.transcript:
        return f'<p class="tb-note warn">{esc(words("results.heard_nothing"))}</p>'
    if wer.value == 0:
        return f'<p class="tb-dim">{esc(words("measure.heard_same"))}</p>'
    return f'<p class="tb-diff">{"".join(marked(line.words))}</p>'


def marked(aligned: Iterable[tuple[str, str, str]]) -> Iterable[str]:
    """The aligned words; `del` was to be said and was not heard, `ins` was heard and was not to be said."""
    for kind, expected, heard in aligned:
        if kind == "equal":
            yield esc(heard) + " "
            continue
        if expected:
            yield f"<del>{esc(expected)}</del> "
        if heard:
            yield f"<ins>{esc(heard)}</ins> "


def _figures(words: Words, line: Line) -> Iterable[str]:
    shown = (
        ("wer", "WER", words.percent),
        ("similarity", words("measure.likeness_short"), words.number),
        ("mcd", "MCD", words.number),
        ("predicted_mos", words("measure.mos"), words.number),
        ("rtf", "RTF", words.number),
    )
    for metric, name, told in shown:
        value = line.value(metric)
        if value is not None:
            yield f"{name} {told(value)}"
    recorded = line.recording.get("wer")
    if recorded is not None and recorded.value is not None:
        yield words("results.of_recording", value=words.percent(recorded.value))


def charts(words: Words, result: RunResult) -> str:
    """The distributions of word errors and likeness, with their baselines as lines."""
    drawn = [*_wer_chart(words, result), *_likeness_chart(words, result)]
    if not drawn:
        return ""
    return f'<section><h3>{esc(words("results.charts"))}</h3><div class="tb-cards">{"".join(drawn)}</div></section>'


def _wer_chart(words: Words, result: RunResult) -> Iterable[str]:
    values = result.values("wer")
    if not values:
        return
    none = sum(value == 0 for value in values)
    rest = spread([value for value in values if value > 0], 0.0, 1.0, 10)
    edges = ["0 %", *(f"{10 * n}–{10 * (n + 1)} %" for n in range(9)), "≥ 90 %"]
    counts = (none, *rest)
    marks = [
        Mark(_wer_place(value), f"{words(f'results.mark_{name}')} {words.percent(value)}", tone)
        for name, metric, tone in (("mean", "wer", "dim"), ("floor", "asr_floor", "good"))
        if (value := result.run.value(metric)) is not None
    ]
    ticks = ((0.0, "0 %"), (_wer_place(0.5), "50 %"), (1.0, "100 %"))
    title = words("results.chart_wer")
    chart = Chart(title, counts, _told(words, edges, counts), ticks, tuple(marks))
    yield _figure(chart, words("results.chart_wer_means", n=len(values)))


def _wer_place(value: float) -> float:
    """Where a rate stands among eleven bars, the first of which is "none at all"."""
    return 0.5 / 11 if value == 0 else (1 + min(1.0, value) * 10) / 11


def _likeness_chart(words: Words, result: RunResult) -> Iterable[str]:
    values = result.values("similarity")
    if not values:
        return
    low, high = min(-0.2, *values), 1.0
    counts = spread(values, low, high, LIKENESS_BINS)
    step = (high - low) / LIKENESS_BINS
    edges = [
        f"{words.number(low + n * step)}–{words.number(low + (n + 1) * step)}" for n in range(LIKENESS_BINS)
    ]
    named = (
        ("mean", "similarity", "dim"),
        ("same", "similarity_same", "good"),
        ("other", "similarity_different", "bad"),
    )
    marks = [
        Mark((value - low) / (high - low), f"{words(f'results.mark_{name}')} {words.number(value)}", tone)
        for name, metric, tone in named
        if (value := result.run.value(metric)) is not None
    ]
    ticks = tuple((at, words.number(low + at * (high - low))) for at in (0.0, 0.5, 1.0))
    chart = Chart(words("results.chart_likeness"), counts, _told(words, edges, counts), ticks, tuple(marks))
    yield _figure(chart, words("results.chart_likeness_means", n=len(values)))


def _told(words: Words, edges: list[str], counts: tuple[int, ...]) -> tuple[str, ...]:
    return tuple(words("results.bar", range=edge, n=n) for edge, n in zip(edges, counts, strict=True))


def _figure(chart: Chart, means: str) -> str:
    return (
        f'<figure class="tb-card"><figcaption><b>{esc(chart.title)}</b><br>'
        f'<span class="tb-dim">{esc(means)}</span></figcaption>{svg(chart)}</figure>'
    )
