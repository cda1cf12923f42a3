"""The history panel: search, filters, and what a take's buttons do."""

from typing import TYPE_CHECKING, Any

import gradio as gr

from studio.privacy.access import Actor
from studio.synthesis.requests import Take
from studio.ui.clone.history import PAGE, history_list
from studio.ui.clone.result import scores_card
from studio.ui.desk import Desk
from studio.ui.markup import board, esc

if TYPE_CHECKING:
    from studio.ui.clone.tab import CloneTab


class HistoryPanel:
    """Takes are read from the database each time: a reload or another window loses nothing."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        words = desk.words
        gr.HTML(f"<h2>{esc(words('history.title'))}</h2>")
        with gr.Row():
            self.search = gr.Textbox(
                label=words("history.search"),
                placeholder=words("history.search_hint"),
                elem_id="history-search",
                scale=3,
            )
            self.favourites = gr.Checkbox(
                label=words("history.favourites"), elem_id="history-favourites", min_width=140
            )
            self.this_voice = gr.Checkbox(
                label=words("history.this_voice"), elem_id="history-voice", min_width=140
            )
        self.area = board("history")
        self.most = gr.State(PAGE)  # how many are shown; grows with "more"

    def wire(self, demo: gr.Blocks, tab: "CloneTab") -> "HistoryPanel":
        self.tab = tab
        self.refresh(demo.load)
        for event in (self.search.change, self.favourites.change, self.this_voice.change):
            self.refresh(event, trigger_mode="always_last")
        outputs = [self.area, self.most, tab.preview.take, tab.preview.scores, *self._reused]
        self.acted = self.desk.on(self.area.click, self.act, self._filters, outputs)
        return self

    @property
    def _filters(self) -> list[Any]:
        return [self.search, self.favourites, self.this_voice, self.tab.header.voice, self.most]

    @property
    def _reused(self) -> list[Any]:
        """What reuse sets, in the order of `_settings`."""
        tab = self.tab
        fitted = [tab.engine, tab.language, tab.note, *tab.options.groups.values()]
        rest = [tab.trained, tab.text, tab.speed, tab.seed, tab.purpose, tab.notice]
        return [tab.header.voice, *fitted, *rest, *tab.options.widgets]

    def refresh(self, event: Any, **rest: Any) -> Any:
        return self.desk.on(event, self.show, self._filters, [self.area], **rest)

    # Handlers

    def show(
        self, text: str, favourites: bool, only: bool, voice: str | None, most: int, request: gr.Request
    ) -> str:
        return self.drawn(self.desk.actor(request), text, favourites, voice if only else None, most)

    def drawn(self, actor: Actor, text: str, favourites: bool, voice: str | None, most: int) -> str:
        takes = self.desk.studio.synthesis.takes.search(
            actor, text or "", favourites=favourites, voice_key=voice or "", limit=most + 1
        )
        filtered = bool(text or favourites or voice)
        return history_list(self.desk.words, takes[:most], filtered=filtered, more=len(takes) > most)

    def act(
        self,
        text: str,
        favourites: bool,
        only: bool,
        voice: str | None,
        most: int,
        event: gr.EventData,
        request: gr.Request,
    ) -> list[Any]:
        """A button of a take was pressed."""
        actor, asked, store = self.desk.actor(request), event._data, self.desk.studio.synthesis.takes
        area: Any = gr.skip()
        card: Any = gr.skip()
        scores: Any = gr.skip()
        settings = [gr.skip()] * len(self._reused)
        match asked["act"]:
            case "star":
                store.set_favourite(actor, asked["id"], asked["on"] == "0")
            case "delete":
                store.delete(actor, asked["id"])
            case "open":
                take = store.find(actor, asked["id"])
                card, scores = (
                    self.tab.preview.card(actor, take),
                    scores_card(self.desk.words, take, scored=True),
                )
            case "more":
                most += PAGE
            case "reuse":
                settings = self._settings(actor, store.find(actor, asked["id"]))
        if asked["act"] in ("star", "delete", "more"):
            area = self.drawn(actor, text, favourites, voice if only else None, most)
        return [area, most, card, scores, *settings]

    def _settings(self, actor: Actor, take: Take) -> list[Any]:
        """The widgets as they were for this take.

        Selectors come with their choices: a value that an old list does not hold would be refused at the next
        event, and the events that a new voice sets off would put the first of the list in its place.
        """
        tab, options = self.tab, dict(take.options)
        speed, seed = options.pop("speed", 1.0), options.pop("seed", 0)
        trained = tab.trained_for(actor, take.voice_key, take.engine_id, take.adapter_id)
        there = {"", *(one.id for one in tab.trained_of(actor, take.voice_key, take.engine_id))}
        if take.adapter_id not in there:
            gr.Warning(self.desk.words("history.training_gone"))
        fitted = tab.fitted(actor, take.voice_key, take.engine_id, take.language)
        rest = [trained, take.text, speed, seed, take.purpose, take.notice]
        own = tab.options.filled(take.engine_id, options)
        return [tab.header.choices(actor, take.voice_key), *fitted, *rest, *own]
