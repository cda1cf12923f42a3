"""Datasets as HTML: those that are there, what is kept and why not, and those on their way."""

from collections.abc import Mapping

from studio.datasets.forms import DatasetEvent, DatasetView
from studio.ui.markup import badge, bar, button, empty, esc, facts
from studio.ui.words import Words

LEAST_S = 120.0  # less speech than this hardly teaches a voice


def dataset_list(
    words: Words, views: list[DatasetView], opened: str, voice_name: str, reviews: bool = False
) -> str:
    """The chosen voice's datasets, newest first; an empty state that leads on. `reviews`: who looks may decide."""
    if not views:
        return empty(words("datasets.empty_title"), words("datasets.empty_text", voice=voice_name))
    cards = "".join(_card(words, view, view.id == opened, reviews) for view in views)
    return f'<div class="tb-cards">{cards}</div>'


def interrupted_notes(words: Words, ended: list[tuple[str, str]]) -> str:
    """What a restart of the studio ended: told until somebody has read it."""
    return "".join(
        f'<div class="tb-note warn" role="alert"><p>{esc(words("datasets.interrupted", name=name))}</p>'
        f'<div class="tb-row">{button("dismiss", words("datasets.dismiss"), id=dataset_id)}</div></div>'
        for dataset_id, name in ended
    )


def plaintext_note(words: Words, folder: str, may_remove: bool) -> str:
    """What was imported from the server still lies there in the open."""
    sure = words("datasets.remove_sure", folder=folder)
    remove = button(
        "remove_folder", words("datasets.remove_folder"), kind="risk", confirm=sure, folder=folder
    )
    then = (
        f'<div class="tb-row">{remove}</div>'
        if may_remove
        else f"<p>{esc(words('datasets.ask_removal'))}</p>"
    )
    told = words("datasets.plaintext", folder=folder)
    return f'<div class="tb-note warn" role="status"><p>{esc(told)}</p>{then}</div>'


def _licence(words: Words, view: DatasetView, reviews: bool) -> str:
    """An attested licence that waits, with what a reviewer can decide."""
    if view.rights != "awaiting":
        return ""
    told = words("datasets.awaiting", licence=view.licence, source=view.source)
    acts = button("approve", words("datasets.approve"), kind="go", confirm=words("do.sure"), id=view.id)
    acts += button("refuse", words("datasets.refuse"), kind="risk", confirm=words("do.sure"), id=view.id)
    return f'<p class="tb-note warn">{esc(told)}</p>' + (
        f'<div class="tb-row">{acts}</div>' if reviews else ""
    )


def _card(words: Words, view: DatasetView, chosen: bool, reviews: bool) -> str:
    acts = button("open", words("datasets.review"), kind="go", id=view.id)
    acts += button("delete", words("do.delete"), kind="risk", confirm=words("do.sure"), id=view.id)
    state = (
        badge(words("datasets.ready"), "good") if view.ready else badge(words("datasets.not_ready"), "warn")
    )
    told = words.language_name(view.language), format_name(words, view.format), words.moment(view.created_at)
    about = " · ".join(told)
    return (
        f'<article class="tb-card{" chosen" if chosen else ""}" aria-label="{esc(view.name)}">'
        f'<div><h3>{esc(view.name)}</h3><p class="tb-dim">{esc(about)}</p></div>'
        f'<div class="tb-row">{state}{badge(words("datasets.kept", n=view.kept, time=words.seconds(view.kept_s)))}'
        f"{badge(words('datasets.dropped', n=view.dropped), 'warn') if view.dropped else ''}</div>"
        f'{_licence(words, view, reviews)}<div class="tb-row">{acts}</div></article>'
    )


def format_name(words: Words, name: str) -> str:
    return words.maybe(f"datasets.format.{name}", name)


def summary(words: Words, view: DatasetView) -> str:
    """What training would get, what it would not, and why: to be read before a launch."""
    told = {
        "kept": (view.kept, words.seconds(view.kept_s)),
        "train": (view.train, ""),
        "held_out": (view.held_out, words("datasets.sum_seed", seed=view.seed)),
        "dropped": (view.dropped, _reasons(words, view.dropped_by_reason)),
        "basis": (words(f"datasets.basis.{view.basis}"), _origin(words, view)),
    }
    rows = {
        words(f"datasets.sum_{name}"): f"{esc(value)}<small>{esc(more)}</small>"
        for name, (value, more) in told.items()
    }
    return f"{facts(rows)}{_warnings(words, view)}"


def _reasons(words: Words, dropped: Mapping[str, int]) -> str:
    return "; ".join(f"{words.maybe(f'datasets.reason.{name}', name)}: {n}" for name, n in dropped.items())


def _origin(words: Words, view: DatasetView) -> str:
    licence = "" if view.basis == "consent" else view.licence
    return " · ".join(part for part in (view.source, licence) if part)


def _warnings(words: Words, view: DatasetView) -> str:
    notes = ""
    if view.rights == "awaiting":
        told = words("datasets.awaiting", licence=view.licence, source=view.source)
        notes += f'<p class="tb-note warn">{esc(told)}</p>'
    elif not view.usable:
        notes += f'<p class="tb-note bad">{esc(words("datasets.no_consent"))}</p>'
    if not view.ready and view.usable:
        notes += f'<p class="tb-note bad">{esc(words("datasets.too_few"))}</p>'
    elif view.kept_s < LEAST_S:
        notes += (
            f'<p class="tb-note warn">{esc(words("datasets.little", time=words.seconds(view.kept_s)))}</p>'
        )
    return notes


def progress_card(words: Words, event: DatasetEvent | None, token: str) -> str:
    """A dataset on its way."""
    stage = event.stage if event else "opening"
    told = words(f"datasets.stage.{stage}")
    if event and stage == "queued" and event.ahead:
        told = words("datasets.ahead", n=event.ahead)
    elif event and stage == "comparing":
        told = f"{told} · {event.done} / {event.total}"
    elif event and stage in ("listening", "reading"):
        total = f" / {words.seconds(event.total)}" if event.total else ""
        told = f"{told} · {words.seconds(event.done)}{total}"
    fraction = event.fraction if event else 0.0
    stop = button("stop", words("do.cancel"), token=token)
    moving = stage in ("queued", "opening", "reading")
    return (
        f'<article class="tb-card" role="status"><h4>{esc(words("datasets.making"))}</h4>'
        f"{bar(fraction, told, waiting=moving)}"
        f'<div class="tb-row"><span class="tb-dim">{esc(told)} · {words.percent(fraction)}</span>{stop}</div></article>'
    )
