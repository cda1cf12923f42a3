"""Consents in the grey zone: a person listens, compares and decides."""

from collections.abc import Callable
from typing import Any

import gradio as gr

from studio.consent.evidence import OTHER_VOICE, SAME_VOICE, WER_PASSES
from studio.consent.service import ConsentView
from studio.privacy.access import Permission
from studio.ui.desk import Desk
from studio.ui.markup import board, button, esc, facts, player
from studio.ui.words import Words


def review_list(words: Words, waiting: list[ConsentView]) -> str:
    """Everything that waits; empty text when nothing does."""
    if not waiting:
        return ""
    head = f"<h3>{esc(words('review.title', n=len(waiting)))}</h3><p class='tb-dim'>{esc(words('review.text'))}</p>"
    return head + '<div class="tb-list">' + "".join(_one(words, view) for view in waiting) + "</div>"


def _one(words: Words, view: ConsentView) -> str:
    rows = {
        words("review.wer"): _measured(words, view.statement_wer, words("review.wer_limit", limit=_p(WER_PASSES))),
        words("review.likeness"): _measured(
            words, view.speaker_score,
            words("review.likeness_limit", same=words.number(SAME_VOICE), other=words.number(OTHER_VOICE)),
        ),
        words("consent.purposes"): esc(", ".join(words(f"purpose.{purpose}") for purpose in view.purposes)),
    }  # fmt: skip
    title = ", ".join(view.voice_names) or view.speaker_id
    return (
        f'<article class="tb-card" data-form aria-label="{esc(title)}"><h4>{esc(title)}</h4>'
        f"{player(f'/media/consent/{view.id}.wav', words('review.recording'))}"
        f'<p><span class="tb-dim">{esc(words("review.statement"))}</span><br>{esc(view.statement)}</p>'
        f'<p><span class="tb-dim">{esc(words("review.heard"))}</span><br>{esc(view.transcript)}</p>{facts(rows)}'
        f'<label class="tb-dim">{esc(words("review.note"))}'
        '<textarea name="note" rows="2" maxlength="500"></textarea></label>'
        f'<div class="tb-row">{button("approve", words("review.approve"), kind="go", id=view.id)}'
        f"{button('refuse', words('review.refuse'), kind='risk', id=view.id)}</div></article>"
    )


def _p(value: float) -> str:
    return f"{round(value * 100)} %"


def _measured(words: Words, value: float | None, limit: str) -> str:
    return f"{'–' if value is None else esc(words.number(value))}<small>{esc(limit)}</small>"


def build_review(desk: Desk, demo: gr.Blocks, after: Callable[[Any], None]) -> None:
    """The list for those who may decide; `after` is told the event of a decision."""
    area = board("review")

    def shown(request: gr.Request) -> str:
        actor = desk.actor(request)
        if not actor.may(Permission.REVIEW):
            return ""
        return review_list(desk.words, desk.studio.consent.waiting(actor))

    def decide(event: gr.EventData, request: gr.Request) -> str:
        asked = event._data
        note = str(asked["form"].get("note", ""))
        desk.studio.consent.review(desk.actor(request), str(asked["id"]), asked["act"] == "approve", note)
        gr.Info(desk.words("review.done"))
        return shown(request)

    desk.on(demo.load, shown, None, [area])
    decided = desk.on(area.click, decide, None, [area])
    after(decided)
