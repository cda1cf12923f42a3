"""Enrolments as they go: a bar, the stage, how close the voice is, and cancel."""

from dataclasses import dataclass
from typing import Any

import gradio as gr

from studio.errors import Cancelled, StudioError
from studio.privacy.access import Actor
from studio.ui.desk import Desk
from studio.ui.header import Header
from studio.ui.markup import badge, bar, board, button, esc
from studio.ui.words import Words
from studio.voices.enrolment import Enrolment

EVERY_S = 1.0


@dataclass(frozen=True)
class Watched:
    """An enrolment that this page has seen running."""

    token: str
    voice: str
    engine: str


def enrolment_card(words: Words, watched: Watched, live: Enrolment) -> str:
    """One enrolment that runs."""
    latest = live.latest
    stage = latest.stage if latest else "queued"
    fraction = latest.fraction if latest else 0.0
    told = words.maybe(f"stage.{stage}", stage)
    usable = badge(words("voices.usable_now"), "good") if latest and latest.state is not None else ""
    likeness = ""
    if latest and latest.similarity is not None:
        told_by = words("voices.working_likeness", value=words.number(latest.similarity))
        likeness = f'<span class="tb-dim">{esc(told_by)}</span>'
    title = words("voices.enrolling", voice=watched.voice, engine=watched.engine)
    stop = button("stop", words("voices.stop" if usable else "do.cancel"), token=watched.token)
    moving = stage in ("queued", "loading")
    return (
        f'<article class="tb-card" role="status" aria-label="{esc(title)}"><h4>{esc(title)}</h4>'
        f"{bar(fraction, title, waiting=moving)}"
        f'<div class="tb-row"><span class="tb-dim">{esc(told)} · {words.percent(fraction)}</span>'
        f"{usable}{likeness}{stop}</div></article>"
    )


class EnrolmentWatch:
    """The area that shows running enrolments, and the clock that looks at them while there are any."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.area = board("enrolments")
        self.seen = gr.State([])
        self.timer = gr.Timer(EVERY_S, active=False)

    @property
    def outputs(self) -> list[Any]:
        return [self.area, self.seen, self.timer]

    def wire(self, header: Header, redraw: Any) -> None:
        """`redraw(event)` refreshes the cards and this area when an enrolment ends."""
        desk = self.desk
        ended = gr.State(0)  # counts up when an enrolment ends
        desk.on(self.timer.tick, self.tick, [self.seen, ended], [*self.outputs, ended])
        desk.on(self.area.click, self.stop, None, None)
        redraw(ended.change)
        header.refresh(ended.change)

    def show(self, actor: Actor, seen: list[Watched]) -> tuple[str, list[Watched], Any]:
        """The running ones; reports how those ended that ran a moment ago."""
        studio, words = self.desk.studio, self.desk.words
        running = []
        for voice_id, engine_id, live in studio.enrolment.of_actor(actor):
            name = studio.voices.view(actor, voice_id).name
            engine = studio.choices.engine(engine_id, words.language).name
            running.append((Watched(live.token, name, engine), live))
        here = [watched for watched, _ in running]
        for gone in [one for one in seen if one.token not in {w.token for w in here}]:
            self._tell(actor, gone)
        cards = "".join(enrolment_card(words, watched, live) for watched, live in running)
        return f'<div class="tb-list">{cards}</div>' if cards else "", here, gr.Timer(active=bool(running))

    def tick(self, seen: list[Watched], ended: int, request: gr.Request) -> tuple[Any, ...]:
        area, here, timer = self.show(self.desk.actor(request), seen)
        over = {one.token for one in seen} - {one.token for one in here}
        return area, here, timer, ended + 1 if over else gr.skip()

    def stop(self, event: gr.EventData, request: gr.Request) -> None:
        """Cancel; before the first usable state nothing is kept, afterwards the best so far is."""
        self.desk.studio.enrolment.find(self.desk.actor(request), str(event._data["token"])).cancel()

    def _tell(self, actor: Actor, gone: Watched) -> None:
        words = self.desk.words
        try:
            self.desk.studio.enrolment.find(actor, gone.token).wait()
        except Cancelled:
            gr.Info(words("voices.stopped", voice=esc(gone.voice)))
        except StudioError as trouble:
            gr.Warning(esc(trouble.text(actor.language)), title=esc(gone.voice), duration=None)
        except Exception:  # noqa: BLE001  it is in the log, with its traceback
            gr.Warning(words("error.unexpected"), title=esc(gone.voice), duration=None)
        else:
            gr.Info(words("voices.ready", voice=esc(gone.voice), engine=esc(gone.engine)))
