"""Consents in the grey zone: a person listens, compares and decides."""

from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr

from studio.consent.matching import SAMPLE_OTHER, SAMPLE_SAME
from studio.consent.views import ConsentView
from studio.consent.wording import WER_PASSES
from studio.privacy.access import Actor, Permission
from studio.ui.desk import Desk
from studio.ui.markup import badge, board, button, esc, facts, player
from studio.ui.words import Words


def review_list(words: Words, waiting: Sequence[tuple[ConsentView, Sequence[str]]]) -> str:
    """Everything that waits, each with the ids of its recordings; empty text when nothing does."""
    if not waiting:
        return ""
    head = f"<h3>{esc(words('review.title', n=len(waiting)))}</h3><p class='tb-dim'>{esc(words('review.text'))}</p>"
    return head + '<div class="tb-list">' + "".join(_one(words, *one) for one in waiting) + "</div>"


def _marked(view: ConsentView) -> str:
    """The transcript; words that the statement does not have stand out."""
    expected = {word.strip(".,:;!?").casefold() for word in view.statement.split()}
    return " ".join(
        esc(word) if word.strip(".,:;!?").casefold() in expected else f"<mark>{esc(word)}</mark>"
        for word in view.transcript.split()
    )


def _one(words: Words, view: ConsentView, samples: Sequence[str]) -> str:
    rows = {
        words("review.wer"): _measured(words, view.statement_wer, words("review.wer_limit", limit=_p(WER_PASSES))),
        words("review.likeness"): _measured(
            words, view.speaker_score,
            words("review.likeness_limit", same=words.number(SAMPLE_SAME), other=words.number(SAMPLE_OTHER)),
        ),
        words("consent.purposes"): esc(", ".join(words(f"purpose.{purpose}") for purpose in view.purposes)),
    }  # fmt: skip
    title = ", ".join(view.voice_names) or view.speaker_id
    doubts = "".join(badge(words(f"review.doubt.{name}"), "warn") for name in view.doubts)
    sounds = "".join(
        player(f"/media/clip/{clip_id}.wav", words("voices.clip", number=number), compact=True)
        for number, clip_id in enumerate(samples, 1)
    )
    told = f'<p class="tb-note warn">{esc(words(f"review.{view.eyes}"))}</p>' if view.eyes else ""
    approve = button("approve", words("review.approve"), kind="go", id=view.id) if view.eyes != "own" else ""
    return (
        f'<article class="tb-card" data-form aria-label="{esc(title)}"><h4>{esc(title)}</h4>{told}'
        f'<div class="tb-row">{doubts}<span class="tb-dim">{esc(words("review.version", n=view.version))}</span></div>'
        f"{player(f'/media/consent/{view.id}.wav', words('review.recording'))}"
        f'<p><span class="tb-dim">{esc(words("review.statement"))}</span><br>{esc(view.statement)}</p>'
        f'<p><span class="tb-dim">{esc(words("review.heard"))}</span><br>{_marked(view)}</p>{facts(rows)}'
        f"<details><summary>{esc(words('review.samples', n=len(samples)))}</summary>{sounds}</details>"
        f'<label class="tb-dim">{esc(words("review.note"))}'
        '<textarea name="note" rows="2" maxlength="500"></textarea></label>'
        f'<div class="tb-row">{approve}'
        f"{button('refuse', words('review.refuse'), kind='risk', id=view.id)}</div></article>"
    )


def _p(value: float) -> str:
    return f"{round(value * 100)} %"


def _measured(words: Words, value: float | None, limit: str) -> str:
    return f"{'–' if value is None else esc(words.number(value))}<small>{esc(limit)}</small>"


def build_review(
    desk: Desk, demo: gr.Blocks, after: Callable[[Any], None], approved: Callable[[Actor, str], None]
) -> None:
    """The list for those who may decide.

    `after` is told the event of a decision, `approved(actor, speaker_id)` that a speaker's consent holds now.
    """
    ReviewList(desk, approved).wire(demo, after)


class ReviewList:
    """Layout, then wiring."""

    def __init__(self, desk: Desk, approved: Callable[[Actor, str], None]) -> None:
        self.desk, self.approved = desk, approved
        self.area = board("review")

    def wire(self, demo: gr.Blocks, after: Callable[[Any], None]) -> None:
        self.desk.on(demo.load, self.shown, None, [self.area])
        after(self.desk.on(self.area.click, self.decide, None, [self.area]))

    def shown(self, request: gr.Request) -> str:
        actor = self.desk.actor(request)
        if not actor.may(Permission.REVIEW):
            return ""
        studio = self.desk.studio
        waiting = studio.consent.waiting(actor)
        samples: dict[str, list[str]] = {}
        for view in studio.voices.browse(actor) if waiting else []:
            samples.setdefault(view.speaker_id, []).extend(clip.id for clip in view.clips)
        return review_list(self.desk.words, [(view, samples.get(view.speaker_id, [])) for view in waiting])

    def decide(self, event: gr.EventData, request: gr.Request) -> str:
        """Write the decision; an approved voice is told of."""
        actor, asked, consent = self.desk.actor(request), event._data, self.desk.studio.consent
        speakers = {view.id: view.speaker_id for view in consent.waiting(actor)}
        approve, note = asked["act"] == "approve", str(asked["form"].get("note", ""))
        consent.review(actor, str(asked["id"]), approve, note)
        gr.Info(self.desk.words("review.done"))
        if approve:
            self.approved(actor, speakers[str(asked["id"])])
        return self.shown(request)
