"""Batches: pasted lines or a CSV, followed with a bar, cancelled, downloaded as a zip."""

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import gradio as gr

from studio.errors import StudioError
from studio.privacy.access import Actor
from studio.synthesis.batch import MOST_ROWS, BatchEvent, rows_of
from studio.synthesis.takes import BatchView
from studio.ui.clone.result import DOWNLOADS
from studio.ui.desk import Desk
from studio.ui.markup import bar, esc
from studio.ui.uploads import take_in_text
from studio.ui.words import Words
from studio.work.live import Live

if TYPE_CHECKING:
    from studio.ui.clone.tab import CloneTab
    from studio.ui.clone.takes import HistoryPanel

MOST_CHARACTERS = 2_000_000
SHOWN_TROUBLES = 20


def batch_card(words: Words, events: list[BatchEvent], running: bool) -> str:
    """How far it is, what failed, and the zip once something is there."""
    if not events:
        return f'<div role="status">{bar(0, words("batch.title"), waiting=True)}</div>'
    latest = events[-1]
    troubles = [event.trouble for event in events if event.trouble]
    known = sum(event.take is not None and event.take.cached for event in events)
    told = words("batch.done", done=latest.done, total=latest.total)
    told += f" · {words('batch.known', n=known)}" if known else ""
    lines = "".join(f"<li>{esc(trouble)}</li>" for trouble in troubles[:SHOWN_TROUBLES])
    failed = (
        f'<div class="tb-note warn"><p>{esc(words("batch.failed", n=len(troubles)))}</p><ul>{lines}</ul></div>'
        if troubles
        else ""
    )
    ready = latest.done > len(troubles) and not running
    return (
        f'<div class="tb-card" role="status" id="batch-card"><p>{esc(told)}</p>'
        f"{bar(latest.done / latest.total, told)}{failed}{downloads(words, latest.batch_id) if ready else ''}</div>"
    )


def downloads(words: Words, batch_id: str) -> str:
    links = "".join(
        f'<a class="tb-btn" href="/media/batch/{esc(batch_id)}.zip?ending={ending}" download>{esc(label)}</a>'
        for ending, _, label in DOWNLOADS
    )
    return f'<div class="tb-row"><span class="tb-dim">{esc(words("batch.zip"))}</span>{links}</div>'


def finished_list(words: Words, batches: list[BatchView]) -> str:
    """Batches that have ended, each with its zip for as long as its takes are here."""
    if not batches:
        return ""
    rows = "".join(
        f'<article class="tb-card" data-batch="{esc(one.id)}"><p>{esc(words("batch.takes", n=one.takes))} · '
        f'<span class="tb-dim">{esc(one.voice_name)} · {esc(words.moment(one.created_at))}</span></p>'
        f"{downloads(words, one.id)}</article>"
        for one in batches
    )
    return f'<h3>{esc(words("batch.finished"))}</h3><div class="tb-list">{rows}</div>'


class BatchPanel:
    """Uses the settings of the tab for every line."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        words = desk.words
        with gr.Accordion(words("batch.title"), open=False, elem_id="batch"):
            gr.HTML(f'<p class="tb-dim">{esc(words("batch.info", most=MOST_ROWS))}</p>')
            self.lines = gr.Textbox(
                label=words("batch.lines"),
                lines=5,
                max_lines=14,
                placeholder=words("batch.sample"),
                elem_id="batch-lines",
            )
            self.fresh = gr.Checkbox(
                label=words("batch.fresh"), info=words("batch.fresh_info"), elem_id="batch-fresh"
            )
            with gr.Row():
                self.load = gr.UploadButton(words("batch.load"), file_types=[".csv", ".txt"], size="md")
                self.go = gr.Button(words("batch.go"), variant="primary", elem_id="batch-go")
                self.stop = gr.Button(words("do.cancel"), interactive=False, elem_id="batch-stop")
            self.token = gr.State("")
            self.area = gr.HTML(elem_id="batch-area")
            self.ended = gr.HTML(elem_id="batch-finished")

    @property
    def outputs(self) -> list[Any]:
        return [self.token, self.area, self.go, self.stop]

    def wire(self, demo: gr.Blocks, tab: "CloneTab", history: "HistoryPanel") -> None:
        desk = self.desk

        def start(request: gr.Request, lines: str, fresh: bool, *values: Any) -> Iterator[tuple[Any, ...]]:
            actor = desk.actor(request)
            template = replace(tab.read(values).request(), fresh=fresh)
            yield from self.follow(desk.studio.batches.start(actor, rows_of(lines or ""), template))

        inputs = [self.lines, self.fresh, *tab.settings]
        started = desk.on(self.go.click, start, inputs, self.outputs, watches=True)
        taken_up = desk.on(demo.load, self.take_up, None, self.outputs, watches=True)
        history.refresh(started.then)
        for event in (demo.load, started.then, taken_up.then, history.acted.then):
            desk.on(event, self.found, None, [self.ended])
        desk.on(self.stop.click, self.cancel, [self.token], None)
        desk.on(self.load.upload, lambda path: take_in_text(path, MOST_CHARACTERS), [self.load], [self.lines])

    # Handlers

    def found(self, request: gr.Request) -> str:
        return finished_list(self.desk.words, self.desk.studio.batches.finished(self.desk.actor(request)))

    def take_up(self, request: gr.Request) -> Iterator[tuple[Any, ...]]:
        """After a reload: follow the newest batch that still runs."""
        running = self.desk.studio.batches.running(self.desk.actor(request))
        if running:
            yield from self.follow(running[-1])
        else:
            yield (gr.skip(),) * len(self.outputs)

    def follow(self, live: Live[BatchEvent]) -> Iterator[tuple[Any, ...]]:
        words = self.desk.words
        events: list[BatchEvent] = []
        on, off = gr.Button(interactive=True), gr.Button(interactive=False)
        yield live.token, batch_card(words, events, True), off, on
        try:
            for event in live.events():
                events.append(event)
                yield gr.skip(), batch_card(words, events, True), gr.skip(), gr.skip()
        except StudioError:
            yield "", batch_card(words, events, False), on, off
            raise
        yield "", batch_card(words, events, False), on, off

    def cancel(self, token: str, request: gr.Request) -> None:
        actor: Actor = self.desk.actor(request)
        if token:
            self.desk.studio.batches.find(actor, token).cancel()
