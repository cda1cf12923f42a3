"""Models as HTML: what each is for, how big, what its licence permits, and what is here of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from studio.models.catalogue import Model
from studio.models.downloads import Download
from studio.models.shelf import ModelState
from studio.ui.markup import badge, bar, button, esc, facts
from studio.ui.words import Words

TONES = {"present": "good", "partial": "warn", "broken": "bad", "absent": ""}


@dataclass(frozen=True)
class Shown:
    """A model as the tab shows it."""

    model: Model
    state: ModelState
    work: Download | None  # under way
    may: bool  # whether who looks may change anything


class Broken(Protocol):
    """An engine that cannot be used: where it comes from, and why."""

    @property
    def source(self) -> str: ...
    @property
    def reason(self) -> str: ...


def broken_engines(words: Words, broken: Sequence[Broken], *, may: bool) -> str:
    """Engines that could not be registered or loaded; empty text where all is well."""
    if not broken:
        return ""
    lines = "".join(
        f"<li><b>{esc(one.source)}</b>{f': {esc(one.reason)}' if may else ''}</li>" for one in broken
    )
    return (
        f'<div class="tb-note bad" role="status"><p>{esc(words("models.broken_engines"))}</p><ul>{lines}</ul>'
        f"<p>{esc(words('models.broken_next'))}</p></div>"
    )


def model_cards(words: Words, shown: list[Shown], free_bytes: int) -> str:
    may = bool(shown) and shown[0].may
    here = sum(one.state.here_bytes for one in shown)
    head = words("models.head", here=words.megabytes(here), free=words.megabytes(free_bytes))
    note = "" if may else f'<p class="tb-note">{esc(words("models.only_admin"))}</p>'
    cards = "".join(_card(words, one) for one in shown)
    return f'<p class="tb-dim">{esc(head)}</p>{note}<div class="tb-cards">{cards}</div>'


def _card(words: Words, shown: Shown) -> str:
    model, state = shown.model, shown.state
    licence = "commercial" if model.licence.commercial else "noncommercial"
    languages = ", ".join(words.language_name(code) for code in model.languages) or words(
        "models.any_language"
    )
    rows = {
        words("models.size"): esc(words.megabytes(model.size)),
        words("models.kind"): esc(words.maybe(f"kind.{model.kind}", model.kind)),
        words("models.languages"): esc(languages),
        words("models.licence"): _licence(words, model),
    }
    embedded = badge(words("models.embedded")) if model.embedded else ""
    return (
        f'<article class="tb-card" aria-label="{esc(model.name)}" data-model="{esc(model.id)}">'
        f"<h3>{esc(model.name)}</h3>"
        f'<div class="tb-row">{badge(words(f"model.{state.kind}"), TONES[state.kind])}'
        f"{badge(words(f'licence.{licence}'), 'good' if model.licence.commercial else 'warn')}{embedded}</div>"
        f"<p>{esc(model.summary.get(words.language, model.summary['en']))}</p>{facts(rows)}"
        f'<p class="tb-dim">{esc(model.attribution)}</p>{_work(words, shown)}'
        f'<div class="tb-row">{_actions(words, shown)}</div></article>'
    )


def _licence(words: Words, model: Model) -> str:
    link = f'<a href="{esc(model.licence.url)}" target="_blank" rel="noreferrer noopener">{esc(model.licence.name)}</a>'
    return link if model.licence.url.startswith("https://") else esc(model.licence.name)


def _work(words: Words, shown: Shown) -> str:
    """The bar of what is under way."""
    if shown.work is None:
        return ""
    latest = shown.work.latest
    stage = latest.activity if latest else "waiting"
    fraction = latest.done_bytes / latest.total_bytes if latest and latest.total_bytes else 0.0
    told = words(f"pull.{stage}")
    if latest:
        told += f" · {words.megabytes(latest.done_bytes)} / {words.megabytes(latest.total_bytes)}"
        told += f" · {latest.source}" if latest.source else ""
    return f"{bar(fraction, told, waiting=fraction == 0)}<p class='tb-dim' role='status'>{esc(told)}</p>"


def _actions(words: Words, shown: Shown) -> str:
    model_id = shown.model.id
    if not shown.may:
        return ""
    if shown.work is not None:
        return button("cancel", words("do.cancel"), id=model_id)
    if shown.state.kind == "absent":
        return button("pull", words("models.pull"), kind="go", id=model_id)
    again = button("pull", words("models.resume"), kind="go", id=model_id)
    kept = button("verify", words("models.verify"), id=model_id)
    gone = button("remove", words("models.remove"), kind="risk", confirm=words("do.sure"), id=model_id)
    return (kept if shown.state.kind == "present" else again) + gone


def licence_card(words: Words, model: Model, free_bytes: int) -> str:
    """What is asked before a model whose licence needs acceptance is fetched."""
    named = {"licence": model.licence.name, "model": model.name}
    key = "licence.accept_commercial" if model.licence.commercial else "licence.accept_noncommercial"
    room = words("models.room", size=words.megabytes(model.size), free=words.megabytes(free_bytes))
    return (
        f'<section class="tb-card" role="dialog" aria-label="{esc(words("licence.title"))}">'
        f"<h3>{esc(words('licence.title'))}</h3>"
        f'<p class="tb-note warn">{esc(words(key, **named))}</p><p>{_licence(words, model)}</p>'
        f'<p class="tb-dim">{esc(room)}</p>'
        f'<div class="tb-row">{button("accept", words("licence.accept"), kind="go", id=model.id)}'
        f"{button('decline', words('do.cancel'))}</div></section>"
    )
