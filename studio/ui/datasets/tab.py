"""The Dataset tab: what the chosen voice can be trained on, made, reviewed, and counted."""

from typing import Any

import gradio as gr

from studio.datasets.forms import DatasetView
from studio.errors import StudioError
from studio.privacy.access import Actor, Permission
from studio.ui.datasets.cards import dataset_list, interrupted_notes
from studio.ui.datasets.form import NewDataset
from studio.ui.datasets.review import Opened, ReviewPanel
from studio.ui.datasets.watch import DatasetWatch
from studio.ui.desk import Desk
from studio.ui.header import Header
from studio.ui.markup import board, button, empty, esc
from studio.ui.voices.tab import chosen_voice

SKIP = gr.skip()


def build_datasets_tab(desk: Desk, demo: gr.Blocks, header: Header, tabs: gr.Tabs) -> None:
    DatasetsTab(desk, header, tabs).wire(demo)


class DatasetsTab:
    """Layout, then wiring; handlers ask the datasets room and format."""

    def __init__(self, desk: Desk, header: Header, tabs: gr.Tabs) -> None:
        self.desk, self.header, self.tabs = desk, header, tabs
        words = desk.words
        gr.HTML(f"<h2>{esc(words('datasets.title'))}</h2><p class='tb-dim'>{esc(words('datasets.info'))}</p>")
        self.lead = board("dataset-lead")
        self.form = NewDataset(desk)
        self.watch = DatasetWatch(desk)
        self.list = board("dataset-list")
        self.review = ReviewPanel(desk)

    @property
    def shown(self) -> list[Any]:
        return [self.lead, self.form.panel, self.list]

    def wire(self, demo: gr.Blocks) -> None:
        desk, voice = self.desk, self.header.voice
        self.form.wire()
        self.watch.wire(demo)
        self.review.wire(self._redraw)
        self._redraw(demo.load)
        desk.on(voice.change, self.follow, [voice], [*self.shown, self.form.language, *self.review.outputs])
        begun = [*self.watch.outputs, self.form.panel, self.form.name, self.form.files]
        asked = desk.on(self.form.go.click, self.begin, [voice, *self.form.inputs], begun, progress="minimal")
        desk.on(asked.failure, self.form.used_up, [self.form.files], [self.form.files])
        desk.on(
            self.watch.made.change, self.finished, [self.watch.made, voice],
            [*self.shown, *self.review.outputs],
        )  # fmt: skip
        everything = [*self.shown, *self.review.outputs]
        desk.on(self.list.click, self.act, [voice, self.review.opened], everything)
        desk.on(self.lead.click, lambda: gr.Tabs(selected="voices"), None, [self.tabs])

    def _redraw(self, event: Any) -> Any:
        return self.desk.on(event, self.show, [self.header.voice, self.review.opened], self.shown)

    # Handlers

    def show(self, key: str | None, opened: Opened, request: gr.Request) -> tuple[Any, ...]:
        return self.drawn(self.desk.actor(request), chosen_voice(key), opened.dataset_id)

    def drawn(self, actor: Actor, voice_id: str, opened: str) -> tuple[Any, ...]:
        """What leads on, the form where the voice may be trained, and its datasets."""
        words, studio = self.desk.words, self.desk.studio
        if not voice_id:
            go = button("voices", words("datasets.to_voices"), kind="go")
            lead = empty(words("datasets.no_voice_title"), words("datasets.no_voice_text"), go)
            return lead, gr.Accordion(visible=False), self._ended(actor)
        views = studio.datasets.list(actor, voice_id)
        refused = studio.datasets.refusal(actor, voice_id)
        if refused is not None:
            listed = self._listed(actor, voice_id, views, opened) if views else self._ended(actor)
            return self._refused(refused), gr.Accordion(visible=False), listed
        return "", gr.Accordion(visible=True), self._listed(actor, voice_id, views, opened)

    def _listed(self, actor: Actor, voice_id: str, views: list[DatasetView], opened: str) -> str:
        name = self.desk.studio.voices.view(actor, voice_id).name
        reviews = actor.may(Permission.REVIEW)
        return self._ended(actor) + dataset_list(self.desk.words, views, opened, name, reviews)

    def _ended(self, actor: Actor) -> str:
        ended = self.desk.studio.datasets.leftovers.interrupted(actor)
        return interrupted_notes(self.desk.words, ended)

    def _refused(self, error: StudioError) -> str:
        words = self.desk.words
        what, why, then = (esc(error.part(part, words.language)) for part in ("what", "why", "next"))
        go = button("voices", words("datasets.to_voices"))
        return (
            f'<div class="tb-note warn"><p><b>{what}</b> {why} {then}</p><div class="tb-row">{go}</div></div>'
        )

    def follow(self, key: str | None, request: gr.Request) -> tuple[Any, ...]:
        """Another voice was chosen: its datasets, its language, and no dataset open."""
        actor, voice_id = self.desk.actor(request), chosen_voice(key)
        language = self.desk.studio.voices.view(actor, voice_id).language if voice_id else SKIP
        return *self.drawn(actor, voice_id, ""), language, *self.review.drawn(actor, Opened())

    def begin(self, request: gr.Request, key: str | None, *values: Any) -> tuple[Any, ...]:
        """Start the work, and show its bar at once."""
        actor = self.desk.actor(request)
        live = self.desk.studio.datasets.build(actor, self.form.read(chosen_voice(key), values))
        watched = self.watch.show(actor, [])
        seen = [*watched[1], *([] if live.token in watched[1] else [live.token])]  # it may be over by now
        return watched[0], seen, gr.Timer(active=True), "", SKIP, gr.Accordion(open=False), "", None

    def finished(self, dataset_id: str, key: str | None, request: gr.Request) -> tuple[Any, ...]:
        """A dataset was made: show it opened, ready for its review."""
        actor, voice_id = self.desk.actor(request), chosen_voice(key)
        mine = [view.id for view in self.desk.studio.datasets.list(actor, voice_id)] if voice_id else []
        opened = Opened(dataset_id if dataset_id in mine else "")
        return *self.drawn(actor, voice_id, opened.dataset_id), *self.review.drawn(actor, opened)

    def act(
        self, key: str | None, opened: Opened, event: gr.EventData, request: gr.Request
    ) -> tuple[Any, ...]:
        """Open or delete a dataset, decide on its licence, or take note of one that ended."""
        actor, asked, datasets = self.desk.actor(request), event._data, self.desk.studio.datasets
        match asked["act"]:
            case "open":
                opened = Opened(asked["id"])
            case "delete":
                datasets.delete(actor, asked["id"])
                opened = Opened() if opened.dataset_id == asked["id"] else opened
            case "approve":
                datasets.licences.approve(actor, asked["id"])
            case "refuse":
                datasets.licences.refuse(actor, asked["id"])
                opened = Opened() if opened.dataset_id == asked["id"] else opened
            case "dismiss":
                datasets.leftovers.dismiss(actor, asked["id"])
        drawn = self.drawn(actor, chosen_voice(key), opened.dataset_id)
        return *drawn, *self.review.drawn(actor, opened)
