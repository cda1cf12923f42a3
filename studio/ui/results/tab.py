"""The Results tab: what to measure, how far it is, what came out."""

from collections.abc import Iterator
from typing import Any

import gradio as gr

from studio.errors import NotFound, StudioError
from studio.privacy.access import Actor
from studio.scores.requests import DONE, RunView
from studio.scores.service import Evaluation
from studio.ui.desk import Desk
from studio.ui.header import Header
from studio.ui.markup import board
from studio.ui.results.form import FormPanel
from studio.ui.results.view import progress_card, result_view, run_list

SKIP = gr.skip()


def build_results_tab(desk: Desk, demo: gr.Blocks, header: Header) -> None:
    ResultsTab(desk, header).wire(demo)


class ResultsTab:
    """Layout, then wiring. Runs belong to the studio: a closed page loses nothing."""

    def __init__(self, desk: Desk, header: Header) -> None:
        self.desk, self.header = desk, header
        words = desk.words
        self.form = FormPanel(desk)
        with gr.Row():
            self.go = gr.Button(words("results.go"), variant="primary", elem_id="results-go", scale=3)
            self.go_takes = gr.Button(words("results.go_takes"), elem_id="results-go-takes", scale=2)
            self.stop = gr.Button(
                words("do.cancel"), interactive=False, elem_id="results-stop", scale=1, min_width=110
            )
        self.token, self.chosen = gr.State(""), gr.State("")
        self.stage = gr.HTML(elem_id="results-stage")
        self.runs = board("results-runs")
        self.view = gr.HTML(elem_id="results-view")

    @property
    def outputs(self) -> list[Any]:
        return [self.token, self.stage, self.runs, self.view, self.chosen, self.go, self.go_takes, self.stop]

    def wire(self, demo: gr.Blocks) -> None:
        desk, voice = self.desk, self.header.voice

        def evaluate(request: gr.Request, voice: str | None, *values: Any) -> Iterator[tuple[Any, ...]]:
            actor = desk.actor(request)
            asked = self.form.read(actor, voice, values)
            yield from self.follow(actor, desk.studio.evaluations.evaluate(actor, asked.request()))

        self.form.wire(voice)
        shown = [self.runs, self.view, self.chosen]
        desk.on(self.go.click, evaluate, [voice, *self.form.inputs], self.outputs, watches=True)
        inputs = [voice, self.form.recogniser]
        desk.on(self.go_takes.click, self.evaluate_takes, inputs, self.outputs, watches=True)
        arrived = desk.on(demo.load, self.arrive, None, shown)
        desk.on(arrived.then, self.take_up, None, self.outputs, watches=True)
        desk.on(self.stop.click, self.cancel, [self.token], None)
        desk.on(self.runs.click, self.act, [self.chosen], shown)

    # Handlers

    def arrive(self, request: gr.Request) -> tuple[Any, ...]:
        """The list, and the newest run that ended well."""
        actor = self.desk.actor(request)
        runs = self.desk.studio.evaluations.results.runs(actor)
        return self.drawn(actor, next((run.id for run in runs if run.status == DONE), ""), runs)

    def drawn(self, actor: Actor, run_id: str, runs: list[RunView] | None = None) -> tuple[str, str, str]:
        """List, view and the id of what is open."""
        evaluations = self.desk.studio.evaluations
        listed = evaluations.results.runs(actor) if runs is None else runs
        view = result_view(self.desk.words, evaluations.compare(actor, run_id)) if run_id else ""
        return run_list(self.desk.words, listed, run_id), view, run_id

    def take_up(self, request: gr.Request) -> Iterator[tuple[Any, ...]]:
        """After a reload: follow the newest run that has not ended."""
        actor = self.desk.actor(request)
        running = self.desk.studio.evaluations.running(actor)
        if running:
            yield from self.follow(actor, running[-1])
        else:
            yield (SKIP,) * len(self.outputs)

    def evaluate_takes(
        self, voice: str | None, recogniser: str | None, request: gr.Request
    ) -> Iterator[tuple[Any, ...]]:
        """Measure the starred takes of the chosen voice."""
        actor, studio = self.desk.actor(request), self.desk.studio
        takes = studio.synthesis.takes.search(actor, favourites=True, voice_key=voice or "", limit=200)
        live = studio.evaluations.evaluate_takes(actor, [take.id for take in takes], recogniser or "")
        yield from self.follow(actor, live)

    def follow(self, actor: Actor, live: Evaluation) -> Iterator[tuple[Any, ...]]:
        words, on, off = self.desk.words, gr.Button(interactive=True), gr.Button(interactive=False)
        listed = run_list(words, self.desk.studio.evaluations.results.runs(actor), "")
        yield live.token, progress_card(words, None), listed, SKIP, SKIP, off, off, on
        try:
            for event in live.events():
                yield SKIP, progress_card(words, event), SKIP, SKIP, SKIP, SKIP, SKIP, SKIP
        except StudioError:
            ended = self.drawn(actor, "")
            yield "", "", ended[0], SKIP, SKIP, on, on, off
            raise
        latest = live.latest
        yield "", "", *self.drawn(actor, latest.run_id if latest else ""), on, on, off

    def cancel(self, token: str, request: gr.Request) -> None:
        if token:
            self.desk.studio.evaluations.find(self.desk.actor(request), token).cancel()

    def act(self, chosen: str, event: gr.EventData, request: gr.Request) -> tuple[Any, ...]:
        """A button of a run was pressed."""
        actor, asked = self.desk.actor(request), event._data
        if asked["act"] == "open":
            return self.drawn(actor, asked["id"])
        self.desk.studio.evaluations.results.delete(actor, asked["id"])
        try:
            return self.drawn(actor, "" if chosen == asked["id"] else chosen)
        except NotFound:  # what was open is gone, too: deleted in another window
            return self.drawn(actor, "")
