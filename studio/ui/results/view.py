"""One evaluation as HTML: facts, table, charts, correlation, sentences, exports; and the list of all."""

from studio.scores.agreement import Agreement
from studio.scores.comparison import Comparison
from studio.scores.requests import DONE, RUNNING, EvaluationEvent, RunView
from studio.ui.markup import badge, bar, button, empty, esc
from studio.ui.results.lines import charts, sentence_cards
from studio.ui.results.table import comparison_table, missing_note, system_of
from studio.ui.words import Words

ENDINGS = ("csv", "json", "html")
TONES = {DONE: "good", RUNNING: "", "cancelled": "warn", "failed": "bad", "interrupted": "warn"}


def progress_card(words: Words, event: EvaluationEvent | None) -> str:
    """How far a run has come."""
    stage = words(f"results.stage.{event.stage}") if event else words("results.stage.queued")
    told = stage
    if event and event.stage == "queued" and event.ahead:
        told = words("results.ahead", n=event.ahead)
    elif event and event.stage in ("speaking", "measuring"):
        told = f"{stage} · {words.percent(event.fraction)}"
    moving = event is None or event.stage in ("queued", "preparing")
    inside = bar(event.fraction if event else 0, told, waiting=moving)
    return f'<div role="status" aria-live="polite"><p class="tb-dim">{esc(told)}</p>{inside}</div>'


def run_list(words: Words, runs: list[RunView], chosen: str) -> str:
    """The runs, newest first; an empty state when there are none."""
    if not runs:
        return empty(words("results.empty_title"), words("results.empty_text"))
    rows = "".join(_run(words, run, run.id == chosen) for run in runs)
    return f'<h3>{esc(words("results.runs"))}</h3><div class="tb-list">{rows}</div>'


def _run(words: Words, run: RunView, chosen: bool) -> str:
    wer, name = run.value("wer"), run_name(words, run)
    figures = [badge(words(f"results.status.{run.status}"), TONES[run.status])]
    figures += [badge(words(f"results.option.{run.option}"))]
    figures += [badge(f"WER {words.percent(wer)}")] if wer is not None else []
    acts = button("open", words("results.open"), id=run.id)
    if run.status != RUNNING:
        acts += button("delete", words("do.delete"), kind="risk", confirm=words("do.sure"), id=run.id)
    trouble = (
        f'<p class="tb-note bad">{esc(run.trouble)}</p>' if run.trouble and run.status == "failed" else ""
    )
    told = f"{words('results.count', n=run.sentence_count)} · {words.moment(run.started_at)}"
    return (
        f'<article class="tb-card{" chosen" if chosen else ""}" data-run="{esc(run.id)}"><div class="tb-row">'
        f'<b>{esc(name)}</b><span class="tb-dim">{esc(told)}</span>{"".join(figures)}{acts}</div>{trouble}</article>'
    )


def run_name(words: Words, run: RunView) -> str:
    title = run.set_titles.get(words.language, run.set_titles.get("en", run.set_id))
    return words("results.run", voice=run.voice_name, engine=system_of(words, run), set=title)


def result_view(words: Words, comparison: Comparison) -> str:
    """Everything about one run."""
    run = comparison.result.run
    return (
        f'<article id="result" aria-label="{esc(run_name(words, run))}"><h2>{esc(run_name(words, run))}</h2>'
        f"{facts_line(words, run)}{exports(words, run.id)}{body(words, comparison)}"
        f"{sentence_cards(words, comparison.result)}</article>"
    )


def body(words: Words, comparison: Comparison) -> str:
    """What page and report share: warnings, table, charts, correlation."""
    run = comparison.result.run
    unfinished = (
        "" if run.status == DONE else f'<p class="tb-note warn">{esc(words("results.unfinished"))}</p>'
    )
    failed = int(run.value("failed") or 0)
    lost = f'<p class="tb-note warn">{esc(words("results.failed", n=failed))}</p>' if failed else ""
    return (
        f"{unfinished}{lost}{comparison_table(words, comparison)}{missing_note(words, run)}"
        f"{charts(words, comparison.result)}{correlation_note(words, comparison)}"
    )


def facts_line(words: Words, run: RunView) -> str:
    told = words(
        "results.of_run", set=run.set_titles.get(words.language, run.set_id), n=run.sentence_count, seed=run.seed,
        recogniser=run.recogniser, machine=machine(words, run), when=words.moment(run.started_at),
    )  # fmt: skip
    return f'<p class="tb-dim">{esc(told)}</p>'


def machine(words: Words, run: RunView) -> str:
    """What the run was spoken on; of takes made before, the cores are not known."""
    device = run.device.upper()
    return words("results.machine", device=device, cores=run.cores) if run.cores else device


def exports(words: Words, run_id: str) -> str:
    links = "".join(
        f'<a class="tb-btn" href="/media/evaluation/{esc(run_id)}.{ending}?language={words.language}" download>'
        f"{ending.upper()}</a>"
        for ending in ENDINGS
    )
    return (
        f'<div class="tb-row"><span class="tb-dim">{esc(words("results.export"))}</span>{links}'
        f'<span class="tb-dim">{esc(words("results.exported"))}</span></div>'
    )


def correlation_note(words: Words, comparison: Comparison) -> str:
    """Predicted MOS against listeners, always with its n: over these rows, and over all that was rated here."""
    studio = comparison.studio
    told = [words("results.correlation_here", told=_correlated(words, comparison.agreement))]
    told.append(words("results.correlation_studio", told=_correlated(words, studio)))
    if studio.unpredicted:
        told.append(words("results.correlation_unpredicted", n=studio.unpredicted))
    lines = "<br>".join(esc(line) for line in told)
    return f'<section><h3>{esc(words("results.correlation"))}</h3><p class="tb-note">{lines}</p></section>'


def _correlated(words: Words, agreement: Agreement) -> str:
    found = agreement.correlation
    if found.pearson is None or found.low is None or found.high is None or found.spearman is None:
        return words(f"results.correlation_{found.why_not}", n=found.n)
    return words(
        "results.correlation_some", n=found.n, ratings=agreement.ratings, r=words.number(found.pearson),
        low=words.number(found.low), high=words.number(found.high), rho=words.number(found.spearman),
    )  # fmt: skip
