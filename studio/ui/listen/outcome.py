"""Results as HTML: every figure with its interval, or why there is none; plots; flagged listeners apart."""

from collections.abc import Sequence
from typing import Any

from studio.listening.forms import ListeningView
from studio.listening.kinds import Kind
from studio.listening.report import Choice, Found, Needed, Section, SystemResult
from studio.listening.results import Measured, Outcome
from studio.listening.stats import MeanScore
from studio.ui.listen.plots import Whisker, whiskers
from studio.ui.markup import badge, esc, facts
from studio.ui.results.charts import Chart, svg
from studio.ui.words import Words


def outcome_view(words: Words, view: ListeningView, outcome: Outcome) -> str:
    """Everything about one test's ratings."""
    found = outcome.report
    if not found.everybody.ratings:
        return f'<p class="tb-note" id="listen-results">{esc(words("listen.no_ratings"))}</p>'
    flagged = [person for person in found.listeners if person.flags and person.ratings]
    screened = ""
    if found.screened is not None:
        title = words("listen.without", n=len(flagged))
        inside = (
            section_view(words, view, found.screened)
            if found.screened.ratings
            else f"<p>{esc(words('listen.none_left'))}</p>"
        )
        screened = f'<details id="listen-screened"><summary>{esc(title)}</summary>{inside}</details>'
    return (
        f'<section id="listen-results"><h3>{esc(words("listen.results"))}</h3>'
        f"{section_view(words, view, found.everybody)}{screened}"
        f"{_stimuli(words, outcome)}{_listeners(words, view, outcome)}</section>"
    )


def section_view(words: Words, view: ListeningView, section: Section) -> str:
    kind = view.kind
    counts = {
        words("listen.listeners"): esc(section.listeners),
        words("listen.ratings"): esc(section.ratings),
    }
    parts = [facts(counts | _needed(words, kind, section.needed))]
    if section.systems:
        parts += [_means(words, kind, section.systems), _distributions(words, kind, section.systems)]
        parts += [_differences(words, section)]
    if section.choices:
        parts += [_choices(words, kind, section.choices)]
    return "".join([*parts, _ranking(words, section), _agreement(words, section)])


def _needed(words: Words, kind: Kind, needed: Needed | None) -> dict[str, str]:
    """How many more ratings for the wanted certainty."""
    if needed is None:
        return {}
    label = (
        words("listen.needed_votes")
        if kind in (Kind.AB, Kind.ABX)
        else words("listen.needed", width=words.number(needed.wanted, 1))
    )
    if needed.more_ratings is None:
        return {label: esc(words("listen.needed_never"))}
    if needed.more_ratings == 0:
        return {label: badge(words("listen.enough"), "good")}
    told = words("listen.needed_more", ratings=needed.more_ratings, listeners=needed.more_listeners)
    return {label: esc(told)}


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


def _means(words: Words, kind: Kind, systems: Sequence[SystemResult]) -> str:
    rows = [
        [esc(s.system.name), *(interval(words, one) for one in (s.headline, s.student, s.bounded)), esc(s.ratings)]
        for s in systems
    ]  # fmt: skip
    heads = [words(f"listen.head.{name}") for name in ("system", "headline", "student", "bounded", "n")]
    plot, told = _mean_plot(words, kind, systems), esc(words("listen.headline_told"))
    return f"<h4>{esc(words('listen.means'))}</h4>{plot}{table(heads, rows)}<p class='tb-dim'>{told}</p>"


def _mean_plot(words: Words, kind: Kind, systems: Sequence[SystemResult]) -> str:
    """The headline interval where there is one, the bare mean otherwise."""
    lines = []
    for one in systems:
        mean = one.headline.value or one.student.value
        if mean is not None:
            known = one.headline.value is not None
            lines.append(
                Whisker(
                    one.system.name,
                    mean.mean,
                    mean.ci_low if known else None,
                    mean.ci_high if known else None,
                    words.number(mean.mean),
                )
            )
    low, high = kind.facts.low, kind.facts.high
    ticks = [low + (high - low) * place / 4 for place in range(5)]
    return whiskers(words("listen.means"), lines, low, high, ticks)


def _distributions(words: Words, kind: Kind, systems: Sequence[SystemResult]) -> str:
    charts = []
    for one in systems:
        bins = len(one.counts)
        names = (
            [str(n + 1) for n in range(bins)]
            if kind is not Kind.MUSHRA
            else [f"{10 * n}–{10 * n + 10}" for n in range(bins)]
        )
        labels = tuple(
            words("listen.bar", score=name, n=count) for name, count in zip(names, one.counts, strict=True)
        )
        drawn = svg(Chart(one.system.name, one.counts, labels, _ticks(kind, names)))
        charts.append(
            f"<figure><figcaption class='tb-dim'>{esc(one.system.name)}</figcaption>{drawn}</figure>"
        )
    return folded(words("listen.distributions"), f"<div class='tb-cards'>{''.join(charts)}</div>")


def _ticks(kind: Kind, names: Sequence[str]) -> tuple[tuple[float, str], ...]:
    """A score stands under the middle of its bar; MUSHRA's hundred points are a ruler."""
    if kind is Kind.MUSHRA:
        return (0.0, "0"), (0.5, "50"), (1.0, "100")
    return tuple(((n + 0.5) / len(names), name) for n, name in enumerate(names))


def _differences(words: Words, section: Section) -> str:
    rows = []
    for one in section.differences:
        pair = f"{esc(one.first.name)} − {esc(one.second.name)}"
        found = one.difference
        if found.value is None:
            rows.append([pair, reason(words, found), "", "", ""])
            continue
        value = found.value
        mean = interval(words, Found(value))
        t = "±∞" if abs(value.t) == float("inf") else words.number(value.t)
        rows.append(
            [
                pair,
                mean,
                f"t({value.df}) = {t}",
                p_value(words, value.p_value),
                p_value(words, value.wilcoxon_p),
            ]
        )
    if not rows:
        return ""
    heads = [words(f"listen.head.{name}") for name in ("pair", "difference", "t", "p", "wilcoxon")]
    return f"<h4>{esc(words('listen.differences'))}</h4>{table(heads, rows)}"


def _choices(words: Words, kind: Kind, choices: Sequence[Choice]) -> str:
    rows = [_choice(words, kind, one) for one in choices]
    if kind is Kind.ABX:
        heads = [
            words(f"listen.head.{name}") for name in ("pair", "right", "share_right", "p", "crossed_share")
        ]
    else:
        crossed = "cmos" if kind is Kind.CMOS else "crossed_share"
        heads = [words(f"listen.head.{name}") for name in ("pair", "votes", "share", "p", crossed)]
    lines = [
        Whisker(
            f"{one.first.name} / {one.second.name}",
            share.share,
            share.ci_low,
            share.ci_high,
            words.percent(share.share),
        )
        for one in choices
        if (share := one.share.value) is not None
    ]
    plot = whiskers(words("listen.preferences"), lines, 0, 1, [0, 0.25, 0.5, 0.75, 1])
    title = words("listen.recognised" if kind is Kind.ABX else "listen.preferences")
    return f"<h4>{esc(title)}</h4>{plot}{table(heads, rows)}"


def _choice(words: Words, kind: Kind, one: Choice) -> list[str]:
    pair = f"{esc(one.first.name)} / {esc(one.second.name)}"
    votes = (
        f"{one.wins} / {one.wins + one.losses}"
        if kind is Kind.ABX
        else f"{one.wins} : {one.losses} ({one.ties} =)"
    )
    share, p = one.share.value, ""
    if share is None:
        told = reason(words, one.share)
    else:
        span = f"[{words.percent(share.ci_low)}; {words.percent(share.ci_high)}]"
        told, p = (
            f'{words.percent(share.share)} <span class="tb-dim">{span}</span>',
            p_value(words, share.p_value),
        )
    return [pair, esc(votes), told, p, interval(words, one.mean)]


def _ranking(words: Words, section: Section) -> str:
    found = section.ranking
    if found.value is None:
        return f"<h4>{esc(words('listen.ranking'))}</h4><p>{reason(words, found)}</p>"
    fit, spans = found.value.fit, found.value.intervals
    lines = [
        Whisker(one.name, value, span.low, span.high, words.number(value))
        for one, value, span in sorted(
            zip(found.value.systems, fit.strengths, spans, strict=True), key=lambda line: -line[1]
        )
    ]  # fmt: skip
    ends = [value for one in lines for value in (one.low, one.high, one.value) if value is not None]
    low, high = min([*ends, -1.0]), max([*ends, 1.0])
    ticks = [round(low + (high - low) * place / 4, 1) for place in range(5)]
    plot = whiskers(words("listen.ranking"), lines, low, high, ticks)
    told = f"{words('listen.ranking_told')} {fit.method}"
    return f"<h4>{esc(words('listen.ranking'))}</h4>{plot}<p class='tb-dim'>{esc(told)}</p>"


def _agreement(words: Words, section: Section) -> str:
    alpha, intra = section.alpha, section.icc
    rows = {
        words("listen.alpha"): words.number(alpha.value.alpha) if alpha.value else reason(words, alpha),
        "ICC(2,1)": words.number(intra.value.icca1) if intra.value else reason(words, intra),
        "ICC(2,k)": words.number(intra.value.iccak) if intra.value else reason(words, intra),
    }
    return f"<h4>{esc(words('listen.agreement'))}</h4>{facts(rows)}"


def _stimuli(words: Words, outcome: Outcome) -> str:
    rows = []
    for one in outcome.report.stimuli:
        measured = outcome.measured.get(one.stimulus, Measured(None, None, None))
        sentence = outcome.items[one.item] if one.item < len(outcome.items) else ""
        rows.append([
            esc(one.system.name), esc(sentence), words.number(one.mean), words.number(one.spread), esc(one.ratings),
            _maybe(words, measured.predicted_mos), _maybe(words, measured.similarity), _maybe(words, measured.wer),
        ])  # fmt: skip
    names = ("system", "sentence", "mean", "sd", "n", "predicted", "similarity", "wer")
    heads = [words(f"listen.head.{name}") for name in names]
    return folded(words("listen.stimuli"), table(heads, rows))


def _maybe(words: Words, value: float | None) -> str:
    return words.number(value) if value is not None else "–"


def _listeners(words: Words, view: ListeningView, outcome: Outcome) -> str:
    rows = []
    for one in outcome.report.listeners:
        flags = " ".join(badge(words(f"listen.flag.{flag}"), "warn") for flag in one.flags)
        rows.append([
            f"<code>{esc(one.pseudonym)}</code>", esc(words("listen.yes" if one.finished else "listen.no")),
            esc(one.ratings),
            _maybe(words, one.mean), _maybe(words, one.spread), _maybe(words, one.response_s), esc(one.replays),
            flags or badge(words("listen.no_flag"), "good"),
        ])  # fmt: skip
    names = ("listener", "finished", "n", "mean", "sd", "response", "replays", "flags")
    heads = [words(f"listen.head.{name}") for name in names]
    rule = view.configuration.rule
    told = words(
        "listen.rule", finished=words("listen.yes" if rule.finished else "listen.no"), traps=rule.traps_right,
        gold=words.number(rule.gold_within, 1), variance=words.number(rule.least_variance, 1),
        share=words.percent(rule.mushra_share), headphones=words("listen.yes" if rule.headphones else "listen.no"),
    )  # fmt: skip
    return folded(words("listen.people"), f"<p class='tb-dim'>{esc(told)}</p>{table(heads, rows)}")
