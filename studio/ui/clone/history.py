"""The history of takes: searched, replayed, reused, favoured, deleted."""

from studio.synthesis.requests import Take
from studio.ui.markup import badge, button, empty, esc, player
from studio.ui.words import Words

PAGE = 50


def history_list(words: Words, takes: list[Take], *, filtered: bool, more: bool = False) -> str:
    """Newest first; an empty state when there are none, a way on when there are `more`."""
    if not takes:
        name = "nothing" if filtered else "empty"
        return empty(words(f"history.{name}_title"), words(f"history.{name}_text"))
    onward = button("more", words("history.more", n=len(takes))) if more else ""
    return '<div class="tb-list">' + "".join(_row(words, take) for take in takes) + f"{onward}</div>"


def _row(words: Words, take: Take) -> str:
    star = button(
        "star", "★" if take.favourite else "☆", kind="icon lit" if take.favourite else "icon",
        hint=words("history.unstar" if take.favourite else "history.star"), id=take.id, on=int(take.favourite),
    )  # fmt: skip
    text = take.text if len(take.text) <= 220 else take.text[:219] + "…"
    scores = "".join(badge(told) for told in _scores(words, take))
    label = words("history.take_of", voice=take.voice_name, when=words.moment(take.created_at))
    return (
        f'<article class="tb-card" aria-label="{esc(label)}" data-take="{esc(take.id)}"><p>{esc(text)}</p>'
        f"{player(f'/media/take/{take.id}.mp3', label, compact=True, duration_s=take.duration_s)}"
        f'<div class="tb-row"><span class="tb-dim">{esc(label)} · {esc(take.engine_id)} · {esc(take.language)}'
        f"</span>{scores}</div>"
        f'<div class="tb-row">{star}{button("open", words("history.open"), id=take.id)}'
        f"{button('reuse', words('history.reuse'), id=take.id)}"
        f"{button('delete', words('do.delete'), kind='risk', confirm=words('do.sure'), id=take.id)}</div></article>"
    )


def _scores(words: Words, take: Take) -> list[str]:
    told = [f"RTF {words.number(take.rtf)}"]
    if take.similarity is not None:
        told.append(f"{words('measure.likeness_short')} {words.number(take.similarity)}")
    if take.wer is not None:
        told.append(f"WER {words.percent(take.wer)}")
    if take.asr_floor is not None:
        told.append(words("measure.floor_short", value=words.percent(take.asr_floor)))
    return told
