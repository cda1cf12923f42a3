"""Clips with a known score, mixed in to see who listens."""

from dataclasses import dataclass
from typing import Any

import gradio as gr

from studio.audio.decode import decode
from studio.listening.forms import GoldForm
from studio.ui.desk import Desk
from studio.ui.listen.whose import Whose
from studio.ui.markup import board, button, esc
from studio.ui.uploads import take_in


@dataclass(frozen=True, eq=False)
class Known:
    """A clip with its known score in the page's state; by identity, for Gradio hashes it and samples have no hash."""

    name: str
    form: GoldForm


class GoldPanel:
    """Brings them, each with the score it should get; they stay in the page's memory until the test is made."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        words = desk.words
        self.kept: gr.State = gr.State([], time_to_live=7200)
        with gr.Group() as self.group:
            with gr.Row():
                self.score = gr.Number(
                    1, minimum=1, maximum=5, label=words("listen.gold_score"), min_width=120
                )
                self.whose = Whose(desk, "listen-gold-whose")
            self.bring = gr.UploadButton(words("listen.gold"), file_types=["audio"], file_count="multiple")
            self.area = board("listen-gold")

    def wire(self, demo: gr.Blocks, voice: Any) -> None:
        on, shown = self.desk.on, [self.kept, self.area]
        on(self.bring.upload, self.take, [self.bring, self.score, self.whose.picked, self.kept], shown)
        on(self.area.click, self.drop, [self.kept], shown)
        for event in (demo.load, voice.change):
            on(event, self.whose.speakers, [self.whose.picked], [self.whose.picked])

    def take(
        self,
        paths: list[str] | None,
        score: float | None,
        whose: str | None,
        kept: list[Known],
        request: gr.Request,
    ) -> tuple[list[Known], str]:
        """These files have this score, in this voice."""
        self.desk.actor(request)
        limit = self.desk.studio.settings.upload_limit_mb
        uploads = [take_in(path, "upload", limit) for path in paths or []]
        taken = [
            Known(u.name, GoldForm(decode(u.data, u.name), float(score or 0), whose or "")) for u in uploads
        ]
        return [*kept, *taken], self.listed([*kept, *taken])

    def drop(self, kept: list[Known], event: gr.EventData, request: gr.Request) -> tuple[list[Known], str]:
        self.desk.actor(request)
        number = int(event._data["number"])
        kept = [*kept[:number], *kept[number + 1 :]]
        return kept, self.listed(kept)

    def listed(self, kept: list[Known]) -> str:
        """Each clip with its score."""
        words = self.desk.words
        rows = "".join(
            f'<div class="tb-row"><b>{esc(one.name)}</b>'
            f'<span class="tb-dim">{esc(words("listen.gold_told", score=f"{one.form.expected:g}"))}</span>'
            f"{button('drop', words('do.remove'), kind='risk', number=number)}</div>"
            for number, one in enumerate(kept)
        )
        return f'<div class="tb-list">{rows}</div>' if rows else ""
