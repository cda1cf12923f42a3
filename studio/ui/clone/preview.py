"""Making a take: started, followed, heard while it is made, cancelled, taken up again after a reload."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import gradio as gr

from studio.errors import NotFound, StudioError
from studio.privacy.access import Actor
from studio.synthesis.preview import Preview
from studio.synthesis.requests import PreviewEvent, Take
from studio.ui.clone.result import live_player, scores_card, stage_card, take_card
from studio.ui.desk import Desk
from studio.ui.markup import board, empty

if TYPE_CHECKING:
    from studio.ui.clone.tab import CloneTab
    from studio.ui.clone.takes import HistoryPanel

SKIP = gr.skip()


class PreviewPanel:
    """The buttons beside the settings, and the areas that show the take on its way and in the end."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        words = desk.words
        self.token = gr.State("")
        with gr.Row():
            self.go = gr.Button(words("clone.go"), variant="primary", elem_id="clone-go", scale=3)
            self.stop = gr.Button(
                words("do.cancel"), interactive=False, elem_id="clone-stop", scale=1, min_width=110
            )

    def layout(self) -> None:
        words = self.desk.words
        self.stage = gr.HTML(elem_id="clone-stage")
        self.sound = gr.HTML(elem_id="clone-live")
        self.take = board("clone-take", empty(words("clone.empty_title"), words("clone.empty_text")))
        self.scores = gr.HTML(elem_id="clone-scores")

    @property
    def outputs(self) -> list[Any]:
        return [self.token, self.stage, self.sound, self.take, self.scores, self.go, self.stop]

    def wire(self, demo: gr.Blocks, tab: "CloneTab", history: "HistoryPanel") -> None:
        desk = self.desk

        def generate(request: gr.Request, *values: Any) -> Iterator[tuple[Any, ...]]:
            actor = desk.actor(request)
            asked = tab.read(values)
            yield from self.follow(actor, desk.studio.synthesis.preview(actor, asked.request()))

        made = desk.on(self.go.click, generate, tab.settings, self.outputs, watches=True)
        history.refresh(made.then)
        taken_up = desk.on(demo.load, self.take_up, None, self.outputs, watches=True)
        history.refresh(taken_up.then)
        desk.on(self.stop.click, self.cancel, [self.token], None)
        starred = desk.on(self.take.click, self.star, None, [self.take])
        history.refresh(starred.then)

    # Handlers

    def take_up(self, request: gr.Request) -> Iterator[tuple[Any, ...]]:
        """After a reload: follow the newest preview that still runs."""
        actor = self.desk.actor(request)
        running = self.desk.studio.synthesis.running(actor)
        if running:
            yield from self.follow(actor, running[-1])
        else:
            yield (SKIP,) * len(self.outputs)

    def follow(self, actor: Actor, live: Preview) -> Iterator[tuple[Any, ...]]:
        """Updates for `outputs` until the take is stored and measured; raises what ended it."""
        words = self.desk.words
        sound = live_player(words, live.token)
        yield (
            live.token,
            stage_card(words, None),
            sound,
            "",
            "",
            gr.Button(interactive=False),
            gr.Button(interactive=True),
        )
        try:
            for event in live.events():
                yield self._step(actor, event)
        except StudioError:
            yield "", "", "", SKIP, SKIP, gr.Button(interactive=True), gr.Button(interactive=False)
            raise
        yield "", "", SKIP, SKIP, SKIP, gr.Button(interactive=True), gr.Button(interactive=False)

    def _step(self, actor: Actor, event: PreviewEvent) -> tuple[Any, ...]:
        words = self.desk.words
        stage = stage_card(words, event)
        if event.take is None:
            return SKIP, stage, SKIP, SKIP, SKIP, SKIP, SKIP
        scores = scores_card(words, event.take, scored=event.stage == "scored")
        card = SKIP if event.stage == "scored" else self.card(actor, event.take)
        return SKIP, stage, SKIP, card, scores, gr.Button(interactive=True), SKIP

    def card(self, actor: Actor, take: Take) -> str:
        preferred = self.desk.studio.accounts.preferences(actor)["format"]
        return take_card(self.desk.words, take, preferred=preferred, trained=self.trained_name(actor, take))

    def trained_name(self, actor: Actor, take: Take) -> str:
        """The adapter or checkpoint that speaks in it, by its name for as long as it is there."""
        if not take.adapter_id:
            return ""
        words = self.desk.words
        try:
            one = self.desk.studio.synthesis.trained.choice(actor, take.adapter_id)
        except NotFound:
            return words("clone.trained_gone")
        return words(f"clone.trained_{one.kind}", name=one.name)

    def cancel(self, token: str, request: gr.Request) -> None:
        if token:
            self.desk.studio.synthesis.find(self.desk.actor(request), token).cancel()

    def star(self, event: gr.EventData, request: gr.Request) -> str:
        actor, asked = self.desk.actor(request), event._data
        take = self.desk.studio.synthesis.takes.set_favourite(actor, asked["id"], asked["on"] == "0")
        return self.card(actor, take)
