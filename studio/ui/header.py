"""The top of every page: name, the one voice selector, language, light and dark, sign out."""

import json
from dataclasses import dataclass
from typing import Any

import gradio as gr

from studio.privacy.access import Actor
from studio.synthesis.choices import VoiceOption
from studio.ui.addresses import PATHS
from studio.ui.desk import Desk
from studio.ui.markup import board, esc

MARK = (
    '<svg viewBox="0 0 28 28" aria-hidden="true" fill="currentColor"><rect x="2" y="11" width="3" height="6" rx="1.5"/>'
    '<rect x="7.5" y="6" width="3" height="16" rx="1.5"/><rect x="13" y="2" width="3" height="24" rx="1.5"/>'
    '<rect x="18.5" y="8" width="3" height="12" rx="1.5"/><rect x="24" y="12" width="3" height="4" rx="1.5"/></svg>'
)
GO = "(path) => { if (path && path !== location.pathname) location.replace(path); }"


@dataclass(frozen=True)
class Header:
    """What tabs share: the selector that drives them, and how to refresh it."""

    desk: Desk
    voice: gr.Dropdown
    goto: gr.Textbox

    def refresh(self, event: Any) -> Any:
        """List the voices again, keeping the choice where it still exists."""
        return self.desk.on(event, self.listed, [self.voice], [self.voice])

    def listed(self, chosen: str | None, request: gr.Request) -> Any:
        return self.choices(self.desk.actor(request), chosen)

    def choices(self, actor: Actor, chosen: str | None) -> Any:
        """The selector's update for this actor."""
        options = sort_for(self.desk.studio.choices.voices(actor), self.desk.words.language)
        keys = [option.key for option in options]
        value = chosen if chosen in keys else next((o.key for o in options if o.usable), None)
        return gr.Dropdown(choices=[(self.label(option), option.key) for option in options], value=value)

    def label(self, option: VoiceOption) -> str:
        words = self.desk.words
        if option.engine_id:
            return f"{option.name} · {words.language_name(option.language)} · {option.engine_id.capitalize()}"
        return f"{option.name} · {words('header.own' if option.usable else 'header.not_usable')}"


def sort_for(options: list[VoiceOption], language: str) -> list[VoiceOption]:
    """Enrolled voices first, then presets of the page's language, then the others."""
    return sorted(
        options, key=lambda o: (bool(o.engine_id), o.language != language if o.engine_id else False)
    )


def build_header(desk: Desk, demo: gr.Blocks) -> Header:
    words = desk.words
    with gr.Row(elem_id="top"):
        gr.HTML(f'<div class="tb-brand">{MARK}<span>Timbro</span></div>', elem_id="brand")
        voice = gr.Dropdown(
            choices=[], label=words("header.voice"), elem_id="voice", filterable=True, num_choices_shown=200
        )
        tools = board("tools", _tools(desk))
    goto = gr.Textbox(elem_id="goto", show_label=False, container=False)
    header = Header(desk, voice, goto)
    _wire(header, demo, tools)
    return header


def _tools(desk: Desk) -> str:
    words = desk.words
    other = "en" if words.language == "it" else "it"
    return (
        '<div class="tb-tools">'
        f'<button type="button" class="tb-btn" data-act="language" data-language="{other}" lang="{other}" '
        f'aria-label="{esc(words("header.switch"))}">{other.upper()}</button>'
        f'<button type="button" class="tb-btn icon" data-theme-switch aria-label="{esc(words("header.theme"))}" '
        f'title="{esc(words("header.theme"))}">◐</button>'
        f'<form method="post" action="/logout"><button class="tb-btn">{esc(words("header.leave"))}</button></form>'
        f'<span hidden data-gradio-words="{esc(json.dumps(words.under("gradio"), ensure_ascii=False))}"></span></div>'
    )


def _wire(header: Header, demo: gr.Blocks, tools: gr.HTML) -> None:
    desk = header.desk

    def arrive(request: gr.Request) -> Any:
        return header.choices(desk.actor(request), None)

    def change(event: gr.EventData, request: gr.Request) -> str:
        return switch(desk, event, request)

    desk.on(tools.click, change, None, [header.goto])
    desk.on(demo.load, arrive, None, [header.voice])
    header.goto.change(None, [header.goto], None, js=GO, api_visibility="private")


def switch(desk: Desk, event: gr.EventData, request: gr.Request) -> str:
    """Keep the account's new language and answer the address of its page."""
    actor = desk.studio.accounts.set_language(desk.actor(request), str(event._data["language"]))
    return PATHS[actor.language]
