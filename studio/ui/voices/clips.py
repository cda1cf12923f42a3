"""Recordings on their way into a voice: examined, listened to, mended, and kept in memory only."""

import html
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import gradio as gr

from studio.errors import StudioError
from studio.privacy.access import Actor
from studio.ui.desk import Desk
from studio.ui.markup import badge, board, button, esc, inline_sound, player
from studio.ui.uploads import take_in
from studio.ui.voices.report import findings_list
from studio.ui.words import Words
from studio.voices.forms import MOST_CLIPS, CheckedClip

Clips = list[CheckedClip]
FILE_TYPES = [".wav", ".flac", ".mp3", ".ogg", ".opus", ".m4a", ".aac", ".webm"]


class ClipPicker:
    """Files and microphone above, what was made of them below; `clips` holds them until they are stored."""

    def __init__(self, desk: Desk, prefix: str) -> None:
        self.desk = desk
        words = desk.words
        self.clips = gr.State([])
        with gr.Row():
            self.files = gr.File(
                file_count="multiple",
                file_types=FILE_TYPES,
                label=words("enrol.files"),
                height=150,
                elem_id=f"{prefix}-files",
            )
            self.microphone = gr.Audio(
                sources=["microphone"],
                type="filepath",
                label=words("enrol.microphone"),
                editable=False,
                elem_id=f"{prefix}-microphone",
            )
        self.area = board(f"{prefix}-clips", clip_list(words, []))

    def wire(self) -> None:
        for source, widget, event in (
            ("upload", self.files, self.files.upload),
            ("microphone", self.microphone, self.microphone.stop_recording),
        ):
            shown = [widget, self.clips, self.area]
            add = self.adder(source)
            self.desk.on(event, add, [widget, self.clips], shown, progress="minimal", empties=widget)
        self.desk.on(self.area.click, self.change, [self.clips], [self.clips, self.area])

    def adder(self, source: str) -> Any:
        """The handler that takes in what comes from `source`."""

        def add(paths: Any, clips: Clips, request: gr.Request) -> tuple[None, Clips, str]:
            wanted = paths if isinstance(paths, list) else [paths] if paths else []
            fresh = examine(self.desk, self.desk.actor(request), wanted, source)
            clips = named(self.desk.words, [*clips, *fresh])
            return None, clips, clip_list(self.desk.words, clips)

        return add

    def change(self, clips: Clips, event: gr.EventData, request: gr.Request) -> tuple[Clips, str]:
        """Fix or remove a clip of the list."""
        number = int(event._data["number"])
        if number < len(clips):
            actor = self.desk.actor(request)
            mended = (
                [self.desk.studio.voices.fix(actor, clips[number])] if event._data["act"] == "fix" else []
            )
            clips = [*clips[:number], *mended, *clips[number + 1 :]]
        return clips, clip_list(self.desk.words, clips)


def examine(desk: Desk, actor: Actor, paths: Sequence[str], source: str) -> list[CheckedClip]:
    """Read and check each file; what cannot be used is told, and the others go on.

    A single file that cannot be used raises its StudioError.
    """
    checked: list[CheckedClip] = []
    troubles: list[StudioError] = []
    for path in paths:
        try:
            checked.append(_examine(desk, actor, path, source))
        except StudioError as trouble:
            troubles.append(trouble)
    if troubles and not checked:
        raise troubles[0]
    for refused in troubles:
        gr.Warning(html.escape(refused.text(actor.language)), title=desk.words("clips.refused"))
    return checked


def _examine(desk: Desk, actor: Actor, path: str, source: str) -> CheckedClip:
    upload = take_in(path, source, desk.studio.settings.upload_limit_mb)
    return desk.studio.voices.check(actor, upload)


def named(words: Words, clips: list[CheckedClip]) -> list[CheckedClip]:
    """Recordings from the microphone all come as "audio.wav": number them."""
    return [
        replace(clip, name=words("clips.recorded", number=number)) if clip.source == "microphone" else clip
        for number, clip in enumerate(clips, 1)
    ]


def clip_list(words: Words, clips: list[CheckedClip]) -> str:
    """Every clip with its player, report card and what can be done with it."""
    if not clips:
        return f'<p class="tb-note">{esc(words("clips.none"))}</p>'
    total = sum(checked.clip.duration_s for checked in clips)
    head = words("clips.total", n=len(clips), time=words.seconds(total), most=MOST_CLIPS)
    cards = "".join(clip_card(words, number, checked) for number, checked in enumerate(clips))
    return f'<p class="tb-dim">{esc(head)}</p><div class="tb-list">{cards}</div>'


def clip_card(words: Words, number: int, checked: CheckedClip, *, consent: bool = False) -> str:
    """One recording; `number` is its place in the list."""
    refusal = checked.card.refusal(words.language)
    state = badge(words("clips.bad"), "bad") if refusal else badge(words("clips.good"), "good")
    fixed = "".join(badge(words.maybe(f"fix.{name}", name), "good") for name in checked.fixes)
    act = "consent_" if consent else ""
    mend = button(f"{act}fix", words("clips.fix"), kind="go", number=number) if checked.card.fixable else ""
    remove = button(f"{act}remove", words("do.remove"), kind="risk", number=number)
    told = f"{words('source.' + checked.source)} · {words.seconds(checked.clip.duration_s)}"
    return (
        f'<article class="tb-card" aria-label="{esc(checked.name)}"><div class="tb-row">'
        f"<h4>{esc(checked.name)}</h4>{state}"
        f'{fixed}<span class="tb-dim">{esc(told)}</span></div>'
        f"{player(inline_sound(checked.clip), checked.name, duration_s=checked.clip.duration_s)}"
        f"{findings_list(words, checked.card)}"
        f'<div class="tb-row">{mend}{remove}</div></article>'
    )
