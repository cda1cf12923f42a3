"""Systems against each other as HTML: paired differences, choices, ranking."""

from collections.abc import Sequence

from studio.listening.figures import Choice, Section
from studio.listening.found import Found
from studio.listening.kinds import Kind
from studio.listening.stats import MeanScore, holm
from studio.ui.listen.figures import interval, p_value, reason, table
from studio.ui.listen.plots import Ticks, Whisker, even_ticks, whiskers
from studio.ui.markup import esc
from studio.ui.words import Words


def differences_view(words: Words, section: Section) -> str:
    """Each two systems: the mean difference over listeners and whether it could be chance."""
    if not section.differences:
        return ""
    found = [one.difference.value for one in section.differences]
    adjusted = _adjusted(words, [value.p_value if value else None for value in found])
    rows = []
    for one, value, holm_p in zip(section.differences, found, adjusted, strict=True):
        pair = f"{esc(one.first.name)} − {esc(one.second.name)}"
        if value is None:
            rows.append([pair, reason(words, one.difference), "", "", "", ""])
            continue
        t = f"t({value.df}) = {_t(words, value.t)}"
        p, wilcoxon = p_value(words, value.p_value), p_value(words, value.wilcoxon_p)
        rows.append([pair, interval(words, Found(value)), t, p, holm_p, wilcoxon])
    heads = [words(f"listen.head.{name}") for name in ("pair", "difference", "t", "p", "holm", "wilcoxon")]
    told = f"<p class='tb-dim'>{esc(words('listen.holm_told'))}</p>" if len(rows) > 1 else ""
    return f"<h4>{esc(words('listen.differences'))}</h4>{table(heads, rows)}{told}"


def _t(words: Words, t: float) -> str:
    return words.number(t) if abs(t) < float("inf") else "–"  # no spread: p is that of exact sign flips


def _adjusted(words: Words, found: Sequence[float | None]) -> list[str]:
    """Holm's p beside each p there is; alone it stays as it is."""
    known = [p for p in found if p is not None]
    again = iter(holm(known))
    return [p_value(words, next(again)) if p is not None else "" for p in found]


def choices_view(words: Words, kind: Kind, choices: Sequence[Choice]) -> str:
    """Each two systems: the crossed mean first, then the votes with the exact test."""
    shares = [one.share.value for one in choices]
    adjusted = _adjusted(words, [share.p_value if share else None for share in shares])
    rows = [_choice(words, kind, one, holm_p) for one, holm_p in zip(choices, adjusted, strict=True)]
    title = words("listen.recognised" if kind is Kind.ABX else "listen.preferences")
    crossed = "cmos" if kind is Kind.CMOS else "crossed_right" if kind is Kind.ABX else "crossed_share"
    votes = ("right", "share_right") if kind is Kind.ABX else ("votes", "share")
    heads = [words(f"listen.head.{name}") for name in ("pair", crossed, *votes, "p", "holm")]
    told = f"<p class='tb-dim'>{esc(words('listen.choices_told'))}</p>"
    return f"<h4>{esc(title)}</h4>{_choice_plot(words, kind, title, choices)}{table(heads, rows)}{told}"


def _choice_plot(words: Words, kind: Kind, title: str, choices: Sequence[Choice]) -> str:
    low, high = kind.facts.low, kind.facts.high
    lines = [
        Whisker(
            f"{one.first.name} / {one.second.name}", mean.mean, mean.ci_low, mean.ci_high,
            _mean(words, kind, mean.mean),
        )
        for one in choices
        if (mean := one.mean.value) is not None
    ]  # fmt: skip
    if not lines:
        return ""
    if kind is Kind.CMOS:
        return whiskers(title, lines, low, high, even_ticks(words, low, high), middle=0)
    ticks: Ticks = [(part, words.percent(part)) for part in (0, 0.25, 0.5, 0.75, 1)]
    return whiskers(title, lines, low, high, ticks, middle=0.5)


def _mean(words: Words, kind: Kind, value: float) -> str:
    return words.number(value) if kind is Kind.CMOS else words.percent(value)


def _choice(words: Words, kind: Kind, one: Choice, holm_p: str) -> list[str]:
    pair = f"{esc(one.first.name)} / {esc(one.second.name)}"
    votes = (
        f"{one.wins} / {one.wins + one.losses}"
        if kind is Kind.ABX
        else f"{one.wins} : {one.losses} ({one.ties} =)"
    )
    share = one.share.value
    if share is None:
        told, p = reason(words, one.share), ""
    else:
        told, p = _span(words, share.share, share.ci_low, share.ci_high), p_value(words, share.p_value)
    return [pair, _crossed(words, kind, one.mean), esc(votes), told, p, holm_p]


def _crossed(words: Words, kind: Kind, found: Found[MeanScore]) -> str:
    if kind is Kind.CMOS or found.value is None:
        return interval(words, found)
    return _span(words, found.value.mean, found.value.ci_low, found.value.ci_high)


def _span(words: Words, share: float, low: float, high: float) -> str:
    span = f"[{words.percent(low)}; {words.percent(high)}]"
    return f'{words.percent(share)} <span class="tb-dim">{span}</span>'


def ranking_view(words: Words, section: Section) -> str:
    """Bradley-Terry strengths, the strongest first."""
    found = section.ranking
    title = f"<h4>{esc(words('listen.ranking'))}</h4>"
    if found.value is None:
        return f"{title}<p>{reason(words, found)}</p>"
    fit, spans = found.value.fit, found.value.intervals
    lines = [
        Whisker(one.name, value, span.low, span.high, words.number(value))
        for one, value, span in sorted(
            zip(found.value.systems, fit.strengths, spans, strict=True), key=lambda line: -line[1]
        )
    ]
    ends = [value for one in lines for value in (one.low, one.high, one.value) if value is not None]
    low, high = min([*ends, -1.0]), max([*ends, 1.0])
    plot = whiskers(words("listen.ranking"), lines, low, high, even_ticks(words, low, high), middle=0)
    prior = f" {words('listen.ranking_prior')}" if "votes added" in fit.method else ""
    ties = f" {words(f'listen.ranking_ties.{found.value.ties}')}"
    return f"{title}{plot}<p class='tb-dim'>{esc(words('listen.ranking_told') + ties + prior)}</p>"
