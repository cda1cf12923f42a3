"""The review table as HTML: one card a clip, most suspicious first."""

from studio.datasets.forms import ReviewPage, UtteranceView
from studio.ui.markup import badge, button, esc, player
from studio.ui.words import Words

CERTAIN, LIKELY = 0.6, 0.3  # from which suspicion a clip is red, or yellow


def table(words: Words, page: ReviewPage) -> str:
    """The rows of a page with what can be done to each, and the way to the other pages."""
    if not page.rows:
        return f'<p class="tb-note">{esc(words("datasets.none_shown"))}</p>'
    rows = "".join(row_card(words, row) for row in page.rows)
    return f'{_turn(words, page)}<div class="tb-list tb-review">{rows}</div>{_turn(words, page)}'


def _turn(words: Words, page: ReviewPage) -> str:
    """Page n of m, back and on; only the count where all is on one page."""
    told = words("datasets.shown", n=page.total)
    if page.pages < 2:
        return f'<p class="tb-dim">{esc(told)}</p>'
    here = words("datasets.page", page=page.page + 1, pages=page.pages)
    back = (
        button("page", "‹", kind="icon", hint=words("datasets.back"), page=page.page - 1) if page.page else ""
    )
    last = page.page + 1 >= page.pages
    on = "" if last else button("page", "›", kind="icon", hint=words("datasets.on"), page=page.page + 1)
    return (
        f'<div class="tb-row tb-turn">{back}<span class="tb-dim">{esc(here)} · {esc(told)}</span>{on}</div>'
    )


def row_card(words: Words, row: UtteranceView) -> str:
    """One clip: player, text to edit, what is doubtful about it, keep or drop, and a new cut."""
    label = words("datasets.clip", number=row.position + 1)
    address = f"/media/utterance/{row.id}.wav?v={row.start_s:.2f}-{row.end_s:.2f}"
    sound = player(address, label, compact=True, duration_s=row.duration_s)
    return (
        f'<article class="tb-card{"" if row.kept else " dropped"}" data-utterance="{esc(row.id)}" '
        f'aria-label="{esc(label)}"><div class="tb-row">{_state(words, row)}{_doubts(words, row)}</div>'
        f'<div class="tb-review-body">{sound}<div data-form class="tb-review-text">'
        f'<textarea name="text" rows="2" maxlength="500" aria-label="{esc(words("datasets.text"))}">{esc(row.text)}'
        f"</textarea>{_heard(words, row)}"
        f'<div class="tb-row">{_acts(words, row)}</div></div></div>'
        f'<p class="tb-dim">{esc(_figures(words, row))}</p>{_new_cut(words, row)}</article>'
    )


def _state(words: Words, row: UtteranceView) -> str:
    suspicion = words("datasets.suspicion", share=words.percent(row.suspicion))
    tone = "bad" if row.suspicion >= CERTAIN else "warn" if row.suspicion >= LIKELY else ""
    if row.kept:
        side = badge(words("datasets.held_out")) if row.split == "held_out" else ""
        return badge(words("datasets.is_kept"), "good") + side + badge(suspicion, tone)
    why = words.maybe(f"datasets.reason.{row.reason}", row.reason)
    return badge(words("datasets.is_dropped", reason=why), "bad") + badge(suspicion, tone)


def _doubts(words: Words, row: UtteranceView) -> str:
    named = [words.maybe(f"datasets.doubt.{name}", name) for name in row.doubts]
    mine = [words("datasets.edited")] if row.edited else []
    return "".join(badge(name) for name in [*named, *mine])


def _heard(words: Words, row: UtteranceView) -> str:
    """What the recogniser wrote down, where it is not the text itself."""
    if not row.heard or row.heard == row.text:
        return ""
    return f'<p class="tb-dim">{esc(words("datasets.heard"))} <i>{esc(row.heard)}</i></p>'


def _acts(words: Words, row: UtteranceView) -> str:
    decide = (
        button("drop", words("datasets.drop"), kind="risk", id=row.id)
        if row.kept
        else button("keep", words("datasets.keep"), kind="go", id=row.id)
    )
    return button("text", words("datasets.save_text"), id=row.id) + decide


def _figures(words: Words, row: UtteranceView) -> str:
    told = [
        words.seconds(row.duration_s),
        words("datasets.fig_pace", value=words.number(row.chars_per_s, 1)),
        words("datasets.fig_tail", value=words.number(row.tail_db, 0)),
    ]
    if row.confidence is not None:
        told.append(words("datasets.fig_sure", value=words.percent(row.confidence)))
    if row.cer is not None:
        told.append(words("datasets.fig_cer", value=words.percent(row.cer)))
    if row.likeness is not None:
        told.append(words("datasets.fig_voice", value=words.number(row.likeness)))
    if row.spoken_language:
        told.append(words("datasets.fig_spoken", language=words.language_name(row.spoken_language)))
    return " · ".join([*told, *([row.speaker] if row.speaker else [])])


def _new_cut(words: Words, row: UtteranceView) -> str:
    """Start and end within what is around the clip, folded away."""
    if row.room_s is None:
        return ""
    low, high = row.room_s
    address = f"/media/passage/{row.id}.wav?v={row.start_s:.2f}"
    around = player(address, words("datasets.passage"), compact=True, duration_s=high - low)
    fields = "".join(
        f'<label class="tb-dim">{esc(words(f"datasets.cut_{name}"))}<input type="number" name="{name}" step="0.05" '
        f'min="0" max="{high - low:.2f}" value="{at - low:.2f}"></label>'
        for name, at in (("start", row.start_s), ("end", row.end_s))
    )
    again = button("recut", words("datasets.recut"), id=row.id, low=f"{low:.3f}")
    return (
        f"<details><summary>{esc(words('datasets.cut'))}</summary><div class='tb-list' data-form>"
        f'<p class="tb-dim">{esc(words("datasets.cut_info"))}</p>{around}'
        f'<div class="tb-row tb-cut">{fields}{again}</div></div></details>'
    )
