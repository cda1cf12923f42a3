"""What stands beside a plan: the dataset, the method's licence, and the verdict before it starts."""

from studio.datasets.forms import DatasetView
from studio.training.forms import Trainable
from studio.training.prediction import Advice, Machine, Prediction, Verdict
from studio.ui.markup import badge, bar, button, empty, esc, facts
from studio.ui.words import Words

TONES = {Verdict.FITS: "good", Verdict.TIGHT: "warn", Verdict.NOT: "bad"}


def no_voice(words: Words) -> str:
    way = button("voices", words("train.to_voices"), kind="go")
    return empty(words("train.no_voice_title"), words("train.no_voice_text"), way)


def no_dataset(words: Words) -> str:
    way = button("datasets", words("train.to_datasets"), kind="go")
    return empty(words("train.no_dataset_title"), words("train.no_dataset_text"), way)


def dataset_card(words: Words, dataset: DatasetView) -> str:
    """What is trained on: kept, held out, left out and why."""
    rows = {
        words("train.kept"): esc(
            words("train.kept_told", n=dataset.kept, time=words.seconds(dataset.kept_s))
        ),
        words("train.split"): esc(words("train.split_told", train=dataset.train, held=dataset.held_out)),
        words("train.dropped"): esc(str(dataset.dropped)) + _reasons(words, dataset),
        words("train.language"): esc(words.language_name(dataset.language)),
        words("train.source"): f"{esc(dataset.source)}<small>{esc(dataset.licence)}</small>",
    }
    trouble = "" if dataset.ready else f'<p class="tb-note warn">{esc(words("train.not_ready"))}</p>'
    return f'<article class="tb-card" id="train-data"><h3>{esc(dataset.name)}</h3>{facts(rows)}{trouble}</article>'


def _reasons(words: Words, dataset: DatasetView) -> str:
    told = [
        f"{words.maybe(f'datasets.reason.{reason}', reason.replace('_', ' '))}: {n}"
        for reason, n in sorted(dataset.dropped_by_reason.items(), key=lambda one: -one[1])
    ]
    return f"<small>{esc('; '.join(told))}</small>" if told else ""


def engine_note(words: Words, spec: Trainable, missing: tuple[str, ...]) -> str:
    """What may be done with what comes out, and what has to be fetched first."""
    name = "commercial" if spec.licence.commercial else "noncommercial"
    told = words(f"train.licence_{name}", licence=spec.licence.name)
    licence = badge(words(f"licence.{name}"), "good" if spec.licence.commercial else "warn")
    text = f'<p class="tb-dim">{esc(told)} {licence}</p>'
    if not missing:
        return text
    way = button("models", words("clone.to_models"), kind="go")
    return (
        text
        + f'<div class="tb-note warn"><p>{esc(words("clone.fetch", models=", ".join(missing)))}</p>{way}</div>'
    )


def verdict_card(words: Words, found: Prediction, machine: Machine) -> str:
    """Fits, tight or will not fit; memory, time and disk beside what this machine has; what to change."""
    tone = TONES[found.verdict]
    place = machine.gpu or words("train.on_cpu", cores=machine.cores)
    rows = {
        words("train.memory"): _amount(words, found.memory_bytes, found.memory_free, found.memory),
        words("train.disk"): _amount(words, found.disk_bytes, found.disk_free, found.disk),
        words("train.time"): esc(words.duration(found.seconds))
        + f"<small>{esc(words('train.measured' if found.measured else 'train.estimated'))}</small>",
        words("train.steps"): esc(str(found.steps)),
        words("train.parameters"): esc(parameters(words, found.trained)),
    }
    advice = "".join(f"<li>{esc(told(words, one))}</li>" for one in found.advice)
    change = f'<ul class="tb-advice">{advice}</ul>' if advice else ""
    return (
        f'<article class="tb-card" id="train-verdict" role="status"><div class="tb-row">'
        f"<h3>{esc(words('train.verdict'))}</h3>{badge(words(f'train.verdict_{found.verdict.value}'), tone)}"
        f'<span class="tb-dim">{esc(place)}</span></div>{facts(rows)}{change}</article>'
    )


def _amount(words: Words, needed: int, free: int, verdict: Verdict) -> str:
    label = words("train.of_free", needed=words.megabytes(needed), free=words.megabytes(free))
    share = needed / free if free else 1.0
    return f'<span class="tb-amount {TONES[verdict]}">{bar(min(1.0, share), label)}</span><small>{esc(label)}</small>'


def told(words: Words, advice: Advice) -> str:
    """An advice in words, its figures in the language's manner."""
    shown = {
        name: words.megabytes(int(str(value))) if name in ("bytes", "free") else value
        for name, value in advice.facts.items()
    }
    return words(f"train.advice.{advice.key}", **shown)


def parameters(words: Words, count: int) -> str:
    """ "7.86 M"."""
    if count >= 10**6:
        return f"{words.number(count / 10**6)} M"
    return f"{count:,}".replace(",", "." if words.language == "it" else ",")
