"""Whose voice uploaded clips are: they are sealed with that speaker's key, and go with that speaker."""

from typing import Any

import gradio as gr

from studio.synthesis.requests import VoiceChoice
from studio.ui.desk import Desk


class Whose:
    """The selector: an enrolled voice, or nobody of this studio."""

    def __init__(self, desk: Desk, elem_id: str) -> None:
        self.desk = desk
        words = desk.words
        self.picked = gr.Dropdown(
            [(words("listen.nobody"), "")], value="", label=words("listen.whose"), info=words("listen.whose_info"),
            elem_id=elem_id, scale=3,
        )  # fmt: skip

    def speakers(self, chosen: str | None, request: gr.Request) -> Any:
        """The enrolled voices of who asks, by id."""
        options = self.desk.studio.choices.voices(self.desk.actor(request))
        own = [(one.name, VoiceChoice.parse(one.key).voice_id) for one in options if not one.engine_id]
        known = [(self.desk.words("listen.nobody"), ""), *own]
        return gr.Dropdown(known, value=chosen if chosen in [key for _, key in known] else "")
