"""The Jobs tab: the queue and its history, and one job in full. Everything is read anew: a reload loses nothing."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gradio as gr

from studio.privacy.access import Actor
from studio.training.forms import JobView, Progress
from studio.ui.desk import Desk
from studio.ui.header import Header
from studio.ui.jobs.cards import checkpoint_table, head, job_list, log_tail
from studio.ui.jobs.lines import loss_chart
from studio.ui.jobs.shelf import adapter_shelf
from studio.ui.markup import board, esc

BUSY_S, IDLE_S = 1.0, 5.0  # how often the page looks, while something goes on and while nothing does
SKIP = gr.skip()


def build_jobs_tab(desk: Desk, demo: gr.Blocks, header: Header, tabs: gr.Tabs, launched: gr.State) -> None:
    JobsTab(desk, tabs).wire(demo, launched)


@dataclass(frozen=True)
class Part:
    """A part of the page: `mark` changes with what it shows, `draw` makes it."""

    mark: str
    draw: Callable[[], str]

    @classmethod
    def of(cls, text: str) -> "Part":
        return cls(_mark(text), lambda: text)


def _mark(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


class JobsTab:
    """Layout, then wiring. What did not change is not sent again: players go on playing."""

    def __init__(self, desk: Desk, tabs: gr.Tabs) -> None:
        self.desk, self.tabs = desk, tabs
        words = desk.words
        gr.HTML(f"<h2>{esc(words('jobs.title'))}</h2><p class='tb-dim'>{esc(words('jobs.info'))}</p>")
        self.chosen, self.drawn_state = gr.State(""), gr.State({})
        self.jobs = board("jobs")
        self.head = board("job")
        self.curve = gr.HTML(elem_id="job-curve")
        self.table = board("job-checkpoints")
        with gr.Accordion(words("jobs.log"), open=False, visible=False, elem_id="job-log") as self.log_box:
            self.log = gr.HTML()
        self.adapters = board("job-adapters")
        self.timer = gr.Timer(IDLE_S)

    @property
    def parts(self) -> dict[str, Any]:
        return {
            "jobs": self.jobs,
            "head": self.head,
            "curve": self.curve,
            "table": self.table,
            "log": self.log,
            "adapters": self.adapters,
        }

    @property
    def outputs(self) -> list[Any]:
        return [*self.parts.values(), self.log_box, self.chosen, self.drawn_state, self.timer]

    def wire(self, demo: gr.Blocks, launched: gr.State) -> None:
        on, held = self.desk.on, [self.chosen, self.drawn_state]
        on(demo.load, self.look, held, self.outputs)
        on(self.timer.tick, self.look, held, self.outputs)
        on(launched.change, self.newest, held, self.outputs)
        for area in (self.jobs, self.head, self.table, self.adapters):
            on(area.click, self.act, held, [*self.outputs, self.tabs])

    # Handlers

    def look(self, chosen: str, before: dict[str, str], request: gr.Request) -> list[Any]:
        """Everything as it stands now."""
        return self.drawn(self.desk.actor(request), chosen, before)

    def newest(self, chosen: str, before: dict[str, str], request: gr.Request) -> list[Any]:
        """A job was launched: open it."""
        actor = self.desk.actor(request)
        jobs = self.desk.studio.training.jobs(actor)
        latest = max(jobs, key=lambda job: job.created_at).id if jobs else ""
        return self.drawn(actor, latest, before)

    def drawn(self, actor: Actor, chosen: str, before: dict[str, str]) -> list[Any]:
        """Updates for `outputs`; parts that are as they were are left alone."""
        training, words = self.desk.studio.training, self.desk.words
        jobs = training.jobs(actor)
        chosen = _choose(jobs, chosen)
        listed = job_list(words, jobs, chosen, training.supervised())
        shelf = adapter_shelf(words, training.adapters.mine(actor), training.exports.mergeable)
        parts = {"jobs": Part.of(listed), "adapters": Part.of(shelf), **self._open(actor, chosen)}
        marks = {name: part.mark for name, part in parts.items()}
        updates = [SKIP if before.get(name) == marks[name] else parts[name].draw() for name in self.parts]
        every = BUSY_S if any(job.state.live for job in jobs) else IDLE_S
        return [*updates, gr.Accordion(visible=bool(chosen)), chosen, marks, gr.Timer(every)]

    def _open(self, actor: Actor, job_id: str) -> dict[str, Part]:
        if not job_id:
            return dict.fromkeys(("head", "curve", "table", "log"), Part.of(""))
        seen = self.desk.studio.training.progress(actor, job_id)
        words, curves = self.desk.words, seen.curves
        chart = loss_chart(words, curves.train, curves.held_out, seen.job.steps)
        table = _mark(repr((words.language, job_id, seen.checkpoints)))
        return {
            "head": Part.of(head(words, seen)),
            "curve": Part.of(f"<section><h3>{esc(words('jobs.curves'))}</h3>{chart}</section>"),
            "table": Part(table, lambda: self._table(actor, seen)),
            "log": Part.of(log_tail(words, seen.log)),
        }

    def _table(self, actor: Actor, seen: Progress) -> str:
        """Drawn only when a checkpoint came or changed: its sentences are sealed, and nobody opens them in vain."""
        words = self.desk.words
        texts = self.desk.studio.training.sample_texts(actor, seen.job.id) if seen.checkpoints else ()
        table = checkpoint_table(words, seen, texts)
        return f"<section><h3>{esc(words('jobs.checkpoints'))}</h3>{table}</section>"

    def act(self, chosen: str, before: dict[str, str], event: gr.EventData, request: gr.Request) -> list[Any]:
        """A button of a job or a checkpoint was pressed."""
        actor, asked, training = self.desk.actor(request), event._data, self.desk.studio.training
        words, tabs = self.desk.words, SKIP
        match asked["act"]:
            case "open":
                chosen = asked["id"]
            case "pause" | "resume" | "cancel":
                getattr(training, asked["act"])(actor, asked["id"])
            case "delete":
                training.delete(actor, asked["id"])
            case "use":
                gr.Info(esc(words("jobs.used", name=training.use(actor, asked["id"]).name)))
            case "rename":
                training.adapters.rename(actor, asked["id"], str(asked["form"].get("name", "")))
            case "forget":
                training.adapters.delete(actor, asked["id"])
            case "blind":
                self._blind(actor, asked["id"])
                tabs = gr.Tabs(selected="listen")
            case "go":
                tabs = gr.Tabs(selected="train")
        return [*self.drawn(actor, chosen, before), tabs]

    def _blind(self, actor: Actor, checkpoint_id: str) -> None:
        """A blind A/B test of the checkpoint against the voice before training, on the sample sentences."""
        from studio.ui.jobs.blind import blind_form

        studio, words = self.desk.studio, self.desk.words
        studio.listening.create(actor, blind_form(words, studio.training, actor, checkpoint_id))
        gr.Info(words("jobs.blind_made"))


def _choose(jobs: list[JobView], chosen: str) -> str:
    """The job that is open if it still exists; else the one that runs, else the newest."""
    if any(job.id == chosen for job in jobs):
        return chosen
    return jobs[0].id if jobs else ""
