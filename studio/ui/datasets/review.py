"""The review of one dataset: what is shown, the table, and every change to it."""

from dataclasses import dataclass, field, replace
from typing import Any

import gradio as gr

from studio.datasets.forms import ReviewQuery
from studio.errors import InputRefused, NotFound, NotPermitted
from studio.privacy.access import Actor
from studio.ui.datasets.cards import summary
from studio.ui.datasets.table import table
from studio.ui.desk import Desk
from studio.ui.markup import board, button, esc

SHOWN = ("all", "doubtful", "kept", "dropped", "held_out")
PER_PAGE = 10


@dataclass(frozen=True)
class Opened:
    """The dataset under review and what of it is shown; kept in the page."""

    dataset_id: str = ""
    query: ReviewQuery = field(default_factory=lambda: ReviewQuery(per_page=PER_PAGE))


class ReviewPanel:
    """Layout, then wiring; every handler answers with the whole panel as it is now."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        words = desk.words
        self.opened: gr.State = gr.State(Opened())
        with gr.Column(visible=False, elem_id="dataset-review") as self.panel:
            self.head = gr.HTML(elem_id="dataset-summary")
            with gr.Row():
                choices = [(words(f"datasets.show.{name}"), name) for name in SHOWN]
                self.show = gr.Radio(
                    choices, value="all", label=words("datasets.show_word"), elem_id="dataset-show", scale=3
                )
                self.search = gr.Textbox(
                    label=words("datasets.search"), max_length=80, elem_id="dataset-search", scale=2
                )
            self.many = board("dataset-many", self._many())
            self.rows = board("dataset-rows")

    def _many(self) -> str:
        words = self.desk.words
        sure = words("do.sure")
        return (
            f'<div class="tb-row"><span class="tb-dim">{esc(words("datasets.many"))}</span>'
            f"{button('keep_all', words('datasets.keep_all'), confirm=sure)}"
            f"{button('drop_all', words('datasets.drop_all'), kind='risk', confirm=sure)}</div>"
        )

    @property
    def outputs(self) -> list[Any]:
        return [self.panel, self.head, self.rows, self.opened]

    def wire(self, changed: Any) -> None:
        """`changed(event)` draws the list of datasets again after a change."""
        on = self.desk.on
        asked = [self.opened, self.show, self.search]
        on(self.show.change, self.narrow, asked, self.outputs)
        on(self.search.submit, self.narrow, asked, self.outputs)
        for area in (self.rows, self.many):
            changed(on(area.click, self.act, [self.opened], self.outputs, progress="minimal").then)

    # Handlers

    def drawn(self, actor: Actor, opened: Opened) -> tuple[Any, ...]:
        """The panel; hidden when nothing is open or what was open is gone."""
        studio, words = self.desk.studio, self.desk.words
        if not opened.dataset_id:
            return gr.Column(visible=False), "", "", Opened()
        try:
            view = studio.datasets.view(actor, opened.dataset_id)
        except NotFound:  # deleted, or its speaker withdrew
            return gr.Column(visible=False), "", "", Opened()
        head = f"<h3>{esc(words('datasets.review_of', name=view.name))}</h3>{summary(words, view)}"
        try:
            page = studio.dataset_review.page(actor, opened.dataset_id, opened.query)
        except NotPermitted:  # the consent ended: the summary says so
            return gr.Column(visible=True), head, "", opened
        if not page.rows and opened.query.page:  # the last row of the last page went
            return self.drawn(actor, replace(opened, query=replace(opened.query, page=page.pages - 1)))
        return gr.Column(visible=True), head, table(words, page), opened

    def narrow(self, opened: Opened, show: str, search: str, request: gr.Request) -> tuple[Any, ...]:
        query = replace(opened.query, show=show or "all", search=search or "", page=0)
        return self.drawn(self.desk.actor(request), replace(opened, query=query))

    def act(self, opened: Opened, event: gr.EventData, request: gr.Request) -> tuple[Any, ...]:
        """A button of a row, or for all rows that are shown, was pressed."""
        actor, asked, review = self.desk.actor(request), event._data, self.desk.studio.dataset_review
        form = asked.get("form", {})
        match asked["act"]:
            case "page":
                opened = replace(opened, query=replace(opened.query, page=max(0, int(asked["page"]))))
            case "keep" | "drop":
                review.decide(actor, [asked["id"]], keep=asked["act"] == "keep")
            case "keep_all" | "drop_all":
                keep = asked["act"] == "keep_all"
                count = review.decide_all(actor, opened.dataset_id, opened.query, keep=keep)
                gr.Info(self.desk.words("datasets.decided", n=count))
            case "text":
                review.edit_text(actor, asked["id"], str(form.get("text", "")))
            case "recut":
                low = float(asked["low"])
                start_s, end_s = (low + _seconds(form.get(name)) for name in ("start", "end"))
                review.recut(actor, asked["id"], start_s, end_s)
                gr.Info(self.desk.words("datasets.recut_done"))
        return self.drawn(actor, opened)


def _seconds(text: object) -> float:
    """A number as people write it, with point or comma."""
    try:
        return float(str(text).replace(",", "."))
    except ValueError:
        raise InputRefused("datasets.no_number") from None
