"""The adapters of the studio's voices: taken out as a file or a whole checkpoint, renamed, deleted."""

from collections.abc import Callable, Sequence

from studio.training.forms import AdapterView
from studio.ui.markup import badge, button, esc, facts
from studio.ui.words import Words

SHORT = 12  # characters of a hash that tell two apart


def adapter_shelf(
    words: Words, adapters: Sequence[AdapterView], mergeable: Callable[[str, str], bool]
) -> str:
    """One card each; nothing while there are none: the job's own table says how one is made."""
    if not adapters:
        return ""
    cards = "".join(_card(words, one, mergeable(one.engine_id, one.method.value)) for one in adapters)
    told = f'<p class="tb-dim">{esc(words("jobs.adapters_told"))}</p>'
    return (
        f'<section><h3>{esc(words("jobs.adapters"))}</h3>{told}<div class="tb-list">{cards}</div></section>'
    )


def _card(words: Words, one: AdapterView, merges: bool) -> str:
    kind = badge(words(f"train.method_{one.method.value}"))
    told = f"{one.engine_id} · {words('jobs.at_step', step=one.step)} · {words.megabytes(one.size_bytes)}"
    return (
        f'<article class="tb-card" data-adapter="{esc(one.id)}" aria-label="{esc(one.name)}"><div class="tb-row">'
        f'<b>{esc(one.name)}</b>{kind}<span class="tb-dim">{esc(told)} · {esc(words.moment(one.created_at))}</span>'
        f"</div><div class='tb-row'>{_links(words, one, merges)}</div>"
        f"<details><summary>{esc(words('jobs.card'))}</summary>{facts(_facts(words, one))}{_rename(words, one)}"
        f"</details></article>"
    )


def _links(words: Words, one: AdapterView, merges: bool) -> str:
    whole = (
        _link(f"/media/merged/{one.id}.zip", words("jobs.merge"), words("jobs.merge_hint")) if merges else ""
    )
    return (
        _link(f"/media/adapter/{one.id}.safetensors", words("jobs.export"), words("jobs.export_hint")) + whole
        + button("forget", words("do.delete"), kind="risk", confirm=words("do.sure"), id=one.id)
    )  # fmt: skip


def _link(address: str, label: str, hint: str) -> str:
    return f'<a class="tb-btn" href="{esc(address)}" title="{esc(hint)}" download>{esc(label)}</a>'


def _facts(words: Words, one: AdapterView) -> dict[str, str]:
    """What the card in the file says, as far as it tells a person something."""
    card = one.card
    dataset, licence = card.get("dataset", {}), card.get("licence", {})
    scores = "; ".join(
        f"{words.maybe(f'jobs.score.{name}', name)} {words.number(value, 3)}"
        for name, value in one.scores.items()
        if isinstance(value, int | float)
    )
    rows = {
        "card_base": f"{card.get('base_model', '')} {str(card.get('base_hash', ''))[:SHORT]}",
        "card_dataset": str(dataset.get("content_hash", ""))[:SHORT],
        "card_consent": str(card.get("consent_record", "")),
        "card_licence": str(licence.get("name", "")),
        "card_scores": scores,
    }
    return {words(f"jobs.{name}"): esc(value) for name, value in rows.items() if value.strip()}


def _rename(words: Words, one: AdapterView) -> str:
    field = (
        f'<label class="tb-dim">{esc(words("jobs.rename"))} '
        f'<input name="name" value="{esc(one.name)}" maxlength="60"></label>'
    )
    return (
        f'<div class="tb-row" data-form>{field}{button("rename", words("jobs.rename_go"), id=one.id)}</div>'
    )
