"""The comparison table: what the notes claim, and what this machine measured."""

from collections.abc import Callable, Mapping

from studio.scores.comparison import Comparison, OptionRow
from studio.scores.requests import ADAPTER, FULL, TRAINING_PEAK, RunView, Score
from studio.ui.markup import esc
from studio.ui.words import Words

COLUMNS = ("option", "time", "memory", "wer", "mcd", "likeness", "rtf", "mos", "listeners", "cost")
CLAIMED = ("time", "memory", "listeners", "cost")
Shown = Callable[[float], str]


def comparison_table(words: Words, comparison: Comparison) -> str:
    """One row an option and engine; options without figures say what to do next."""
    head = "".join(f'<th scope="col">{esc(words(f"results.column.{name}"))}</th>' for name in COLUMNS)
    rows = "".join(_row(words, row) for row in comparison.rows)
    title = esc(words("results.table"))
    return (
        f'<section aria-label="{title}"><h3>{title}</h3>'
        f'<p class="tb-dim">{esc(words("results.table_info"))}</p><div class="tb-scroll" tabindex="0">'
        f'<table class="tb-table tb-compare"><thead><tr>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div></section>"
    )


def _row(words: Words, row: OptionRow) -> str:
    name = esc(words(f"results.option.{row.option}"))
    if row.run is None:
        claims = [words.maybe(f"results.claim.{row.option}_{column}", "") for column in CLAIMED]
        notes = words("results.notes", text=" · ".join(claim for claim in claims if claim))
        told = f'{esc(next_step(words, row))}<small class="claim">{esc(notes)}</small>'
        return f'<tr><th scope="row">{name}</th><td colspan="{len(COLUMNS) - 1}">{told}</td></tr>'
    engine = f"<small>{esc(system_of(words, row.run))} · {esc(row.run.voice_name)}</small>"
    cells = {
        "time": _time(words, row.run),
        "memory": _memory(words, row.run),
        "wer": _wer(words, row),
        "mcd": _plain(words, row.run.scores.get("mcd"), words.number),
        "likeness": _likeness(words, row),
        "rtf": _rtf(words, row.run),
        "mos": _plain(words, row.run.scores.get("predicted_mos"), words.number, words("results.mos_label")),
        "listeners": _listeners(words, row),
        "cost": _cost(words, row.run),
    }
    inner = "".join(f"<td>{cells[column]}{_claim(words, row.option, column)}</td>" for column in COLUMNS[1:])
    return f'<tr><th scope="row">{name}{engine}</th>{inner}</tr>'


def system_of(words: Words, run: RunView) -> str:
    """The engine, and the options and seed that depart from its own."""
    chosen = [f"{name} = {value}" for name, value in run.options.items()]
    chosen += [words("results.of_seed", seed=run.seed)] if run.seed else []
    return " · ".join([run.engine_id, *chosen])


def missing_note(words: Words, run: RunView) -> str:
    """What could not be measured in a run, why, and what to do about it; each reason once."""
    reasons = dict.fromkeys(score.why(words.language) for score in run.scores.values() if score.value is None)
    rows = "".join(f"<li>{esc(reason)}</li>" for reason in reasons if reason)
    if not rows:
        return ""
    return f"<details><summary>{esc(words('results.missing'))}</summary><ul>{rows}</ul></details>"


def next_step(words: Words, row: OptionRow) -> str:
    """What to do so that an option gets figures."""
    if row.option in (ADAPTER, FULL) and not row.trained_by:
        return words("results.next_untrained")
    if row.option in (ADAPTER, FULL):
        return words(f"results.next_{row.option}", engines=", ".join(row.trained_by))
    return words(f"results.next_{row.option}")


def _claim(words: Words, option: str, column: str) -> str:
    told = words.maybe(f"results.claim.{option}_{column}", "")
    return f'<small class="claim">{esc(words("results.notes", text=told))}</small>' if told else ""


def _time(words: Words, run: RunView) -> str:
    training = words("results.training_none")
    if run.training_s is not None:
        training = words("results.training", time=words.duration(run.training_s))
    if run.setup_s is None:
        told = f"<small>{esc(training)}</small>" if run.training_s is not None else ""
        return f"–<small>{esc(words('results.setup_unknown'))}</small>{told}"
    told = words("results.measured" if run.setup_measured else "results.earlier")
    return f"{esc(words.seconds(run.setup_s))}<small>{esc(told)} · {esc(training)}</small>"


def _memory(words: Words, run: RunView) -> str:
    if run.peak_bytes is None:
        return "–"
    gpu = (
        f" · {words('results.memory_gpu', size=words.megabytes(run.peak_gpu_bytes))}"
        if run.peak_gpu_bytes
        else ""
    )
    peak = run.value(TRAINING_PEAK)
    training = f" · {words('results.memory_training', size=words.megabytes(int(peak)))}" if peak else ""
    told = words("results.memory_means") + gpu + training
    return f"{esc(words.megabytes(run.peak_bytes))}<small>{esc(told)}</small>"


def _wer(words: Words, row: OptionRow) -> str:
    assert row.run is not None
    told = floor_told(words, row.run.scores.get("asr_floor"))
    return _plain(words, row.run.scores.get("wer"), words.percent, told) + _gap(
        words, row, "wer", better_below=True
    )


def floor_told(words: Words, floor: Score | None) -> str:
    """The recogniser's own errors, and on which recordings."""
    if floor is None or floor.value is None:
        return words("results.floor_none")
    kinds = floor.parameters.get("recordings")
    counted = kinds if isinstance(kinds, Mapping) else {"sentences": floor.n}
    what = ", ".join(
        words.maybe(f"results.recorded.{kind}", "{n} " + kind).format(n=n) for kind, n in counted.items()
    )
    return words("results.floor", value=words.percent(floor.value), what=what)


def _likeness(words: Words, row: OptionRow) -> str:
    assert row.run is not None
    shown = _plain(words, row.run.scores.get("similarity"), words.number, baselines(words, row.run))
    return shown + _gap(words, row, "similarity", better_below=False)


def baselines(words: Words, run: RunView) -> str:
    """Same- and different-speaker cosines, or what is missing for them."""
    same, other = run.scores.get("similarity_same"), run.scores.get("similarity_different")
    if same and other and same.value is not None and other.value is not None:
        return words("results.baselines", same=words.number(same.value), other=words.number(other.value))
    told = []
    for name, score in (("same", same), ("other", other)):
        if score is not None and score.value is not None:
            told.append(words(f"results.baseline_{name}", **{name: words.number(score.value)}))
        elif score is not None:
            told.append(score.short(words.language))
    return " ".join(told)


def _rtf(words: Words, run: RunView) -> str:
    score = run.scores.get("rtf")
    worst = score.detail.get("worst") if score else None
    told = words("results.worst", value=words.number(float(str(worst)))) if worst is not None else ""
    return _plain(words, score, words.number, told)


def _listeners(words: Words, row: OptionRow) -> str:
    mean = row.listeners
    if mean is None:
        return f"<small>{esc(words('results.listeners_none'))}</small>"
    told = words("results.listeners", n=mean.n)
    return f"{esc(words.number(mean.value))}{_between(words.number, mean.low, mean.high)}<small>{esc(told)}</small>"


def _cost(words: Words, run: RunView) -> str:
    if not run.hour_price:
        return f"{esc(words.number(0.0))}<small>{esc(words('results.cost_free'))}</small>"
    told = words("results.cost_means", price=words.number(run.hour_price))
    return f"{esc(words.number(run.cost))}<small>{esc(told)}</small>"


def _plain(words: Words, score: Score | None, shown: Shown, told: str = "") -> str:
    """A figure with its interval, or why there is none."""
    if score is None:
        return "–"
    if score.value is None:
        return f"–<small>{esc(score.short(words.language))}</small>"
    small = f"<small>{esc(told)}</small>" if told else ""
    return f"{esc(shown(score.value))}{_between(shown, score.low, score.high)}{small}"


def _between(shown: Shown, low: float | None, high: float | None) -> str:
    return (
        f" <small>[{esc(shown(low))} – {esc(shown(high))}]</small>"
        if low is not None and high is not None
        else ""
    )


def _gap(words: Words, row: OptionRow, metric: str, *, better_below: bool) -> str:
    """The difference to zero-shot, in words only where the interval leaves 0 out."""
    gap = (row.against or {}).get(metric)
    if gap is None or row.base is None:
        return ""
    if gap.low is None or gap.high is None or gap.low <= 0 <= gap.high:
        name = "alike"
    else:
        name = "better" if (gap.value < 0) == better_below else "worse"
    sign = "+" if gap.value > 0 else ""
    amount = words.percent(gap.value) if metric == "wer" else words.number(gap.value)
    against = words("results.against", engine=row.base.engine_id)
    told = f"{against}: {sign}{amount}, {words(f'results.{name}')}"
    return f"<small>{esc(told)}</small>"
