"""More recordings for a voice that is there: examined, mended, then added one by one."""

from collections.abc import Callable
from typing import Any

import gradio as gr

from studio.errors import InputRefused, NotFound, StudioError
from studio.privacy.access import Actor, Permission
from studio.synthesis.requests import VoiceChoice
from studio.ui.desk import Desk
from studio.ui.markup import esc
from studio.ui.voices.clips import ClipPicker, Clips, clip_list
from studio.ui.voices.report import refusal


class AddRecording:
    """Stands below the chosen voice, and only where its consent permits more."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        words = desk.words
        self.voice_id = gr.State("")  # whose recordings are being gathered
        with gr.Accordion(words("more.title"), open=False, visible=False, elem_id="more") as self.panel:
            gr.HTML(f'<p class="tb-dim">{esc(words("more.info"))}</p>')
            self.picker = ClipPicker(desk, "more")
            self.save = gr.Button(words("more.save"), variant="primary", elem_id="more-save")
        self.told = gr.HTML(elem_id="more-told")

    @property
    def gathered(self) -> list[Any]:
        return [self.picker.clips, self.picker.area, self.told]

    def wire(self, redraw: Callable[[Any], Any]) -> None:
        """`redraw(event)` shows the voice again once something was added."""
        self.picker.wire()
        held = [self.voice_id, self.picker.clips]
        redraw(self.desk.on(self.save.click, self.add, held, self.gathered, progress="minimal").then)

    def follow_on(self, event: Any, voice: gr.Dropdown) -> Any:
        """After `event`, stand with the voice in the selector."""
        return self.desk.on(
            event, self.follow, [voice, self.voice_id], [self.panel, self.voice_id, *self.gathered]
        )

    # Handlers

    def follow(self, key: str | None, before: str, request: gr.Request) -> tuple[Any, ...]:
        """Recordings gathered for one voice never reach another: a change of voice forgets them."""
        voice_id = self._extensible(self.desk.actor(request), key)
        panel = gr.Accordion(visible=bool(voice_id))
        if voice_id == before:
            return panel, voice_id, gr.skip(), gr.skip(), gr.skip()
        return panel, voice_id, [], clip_list(self.desk.words, []), ""

    def _extensible(self, actor: Actor, key: str | None) -> str:
        """The chosen voice's id where this actor may add to it; "" otherwise."""
        voice_id = VoiceChoice.parse(key).voice_id if key else ""
        if not voice_id or not actor.may(Permission.VOICES):
            return ""
        try:
            return voice_id if self.desk.studio.voices.view(actor, voice_id).usable else ""
        except NotFound:  # erased meanwhile
            return ""

    def add(self, voice_id: str, clips: Clips, request: gr.Request) -> tuple[Clips, str, str]:
        """Store what is accepted; what is not stays in the list, with the reason."""
        if not clips or not voice_id:
            raise InputRefused("voices.no_clips")
        actor, words = self.desk.actor(request), self.desk.words
        kept: Clips = []
        told = ""
        for clip in clips:
            try:
                self.desk.studio.voices.add_clip(actor, voice_id, clip)
            except StudioError as trouble:
                kept.append(clip)
                told += f"<p><b>{esc(clip.name)}</b></p>{refusal(trouble, words.language)}"
        if added := len(clips) - len(kept):
            note = words("more.added", n=added)
            told = f'<p class="tb-note good" role="status">{esc(note)}</p>{told}'
        return kept, clip_list(words, kept), told
