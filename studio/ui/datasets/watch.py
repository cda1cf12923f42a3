"""Datasets on their way: their bars, a clock while there are any, and how they ended."""

from typing import Any

import gradio as gr

from studio.errors import Cancelled, StudioError
from studio.privacy.access import Actor
from studio.ui.datasets.cards import plaintext_note, progress_card
from studio.ui.desk import Desk
from studio.ui.markup import board, esc

EVERY_S = 1.0


class DatasetWatch:
    """The area that shows running work. The work is the studio's: a closed page loses nothing."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.area = board("dataset-work")
        self.trouble = board("dataset-trouble")  # how the last one ended, with what is left to do
        self.seen: gr.State = gr.State([])  # tokens of what ran a moment ago
        self.made: gr.State = gr.State("")  # the dataset that was finished last
        self.timer = gr.Timer(EVERY_S, active=False)

    @property
    def outputs(self) -> list[Any]:
        return [self.area, self.seen, self.timer, self.trouble, self.made]

    def wire(self, demo: gr.Blocks) -> None:
        for event in (demo.load, self.timer.tick):
            self.desk.on(event, self.look, [self.seen], self.outputs)
        self.desk.on(self.area.click, self.stop, None, None)
        self.desk.on(self.trouble.click, self.remove, None, [self.trouble])

    def look(self, seen: list[str], request: gr.Request) -> tuple[Any, ...]:
        return self.show(self.desk.actor(request), seen)

    def show(self, actor: Actor, seen: list[str]) -> tuple[Any, ...]:
        """The running ones; tells how those ended that ran a moment ago."""
        running = self.desk.studio.datasets.running(actor)
        here = [live.token for live in running]
        made, trouble = gr.skip(), gr.skip()
        for token in [one for one in seen if one not in here]:
            finished, told = self._ended(actor, token)
            made, trouble = finished or made, told
        cards = "".join(progress_card(self.desk.words, live.latest, live.token) for live in running)
        area = f'<div class="tb-list">{cards}</div>' if cards else ""
        if running and not seen:
            trouble = ""
        return area, here, gr.Timer(active=bool(running)), trouble, made

    def _ended(self, actor: Actor, token: str) -> tuple[str, str]:
        """The finished dataset's id, or why there is none: the message stays where the bar was."""
        words = self.desk.words
        live = self.desk.studio.datasets.find_work(actor, token)
        try:
            live.wait()
        except Cancelled:
            gr.Info(words("datasets.stopped"))
            return "", ""
        except StudioError as error:
            what, why, then = (esc(error.part(part, words.language)) for part in ("what", "why", "next"))
            return "", f'<p class="tb-note bad" role="alert"><b>{what}</b> {why} {then}</p>'
        except Exception:  # noqa: BLE001  it is in the log, with its traceback
            return "", f'<p class="tb-note bad" role="alert">{esc(words("error.unexpected"))}</p>'
        gr.Info(words("datasets.made"))
        event = live.latest
        return event.dataset_id if event else "", self._left(actor, event.folder if event else "")

    def _left(self, actor: Actor, folder: str) -> str:
        """The plaintext of an import lies on the server until somebody removes it."""
        if not folder:
            return ""
        may_remove = self.desk.studio.datasets.leftovers.may_remove(actor)
        return plaintext_note(self.desk.words, folder, may_remove)

    def remove(self, event: gr.EventData, request: gr.Request) -> str:
        """Remove what was imported from the import folder."""
        folder = str(event._data["folder"])
        self.desk.studio.datasets.leftovers.remove_folder(self.desk.actor(request), folder)
        gr.Info(self.desk.words("datasets.removed", folder=folder))
        return ""

    def stop(self, event: gr.EventData, request: gr.Request) -> None:
        """Cancel; nothing is kept."""
        self.desk.studio.datasets.find_work(self.desk.actor(request), str(event._data["token"])).cancel()
