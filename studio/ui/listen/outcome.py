"""Results as HTML: every figure with its interval, or why there is none; plots; flagged listeners apart."""

from collections.abc import Sequence

from studio.listening.figures import Section, SystemResult
from studio.listening.forms import ListeningView
from studio.listening.kinds import Kind
from studio.listening.needs import Needed
from studio.listening.results import Measured, Outcome
from studio.ui.listen.comparisons import choices_view, differences_view, ranking_view
from studio.ui.listen.figures import folded, interval, reason, table
from studio.ui.listen.plots import Whisker, even_ticks, whiskers
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
        parts += [differences_view(words, section)]
    if section.choices:
        parts += [choices_view(words, kind, section.choices)]
    return "".join([*parts, ranking_view(words, section), _agreement(words, section)])


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


def _means(words: Words, kind: Kind, systems: Sequence[SystemResult]) -> str:
    # Read as votes of a hundred points each, MUSHRA's bounded interval would be far too narrow.
    stepwise = kind is not Kind.MUSHRA
    rows = [
        [
            esc(s.system.name),
            *(interval(words, one) for one in (s.headline, s.student, *((s.bounded,) if stepwise else ()))),
            esc(s.ratings),
        ]
        for s in systems
    ]
    names = ("system", "headline", "student", *(("bounded",) if stepwise else ()), "n")
    heads = [words(f"listen.head.{name}") for name in names]
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
    return whiskers(words("listen.means"), lines, low, high, even_ticks(words, low, high))


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
