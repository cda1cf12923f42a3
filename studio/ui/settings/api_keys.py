"""API keys: made for a program, shown once, revoked at will."""

from typing import Any

import gradio as gr

from studio.privacy.access import Actor, Permission
from studio.privacy.api_keys import KeyView, Scope
from studio.ui.desk import Desk
from studio.ui.markup import badge, board, button, empty, esc
from studio.ui.words import Words


class KeysPanel:
    """Shown to who may speak with voices; administrators see everybody's keys."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        words = desk.words
        with gr.Column(visible=False, elem_id="api-keys") as self.panel:
            gr.HTML(f"<h3>{esc(words('keys.title'))}</h3><p class='tb-dim'>{esc(words('keys.info'))}</p>")
            with gr.Row():
                self.name = gr.Textbox(label=words("keys.name"), max_length=64, elem_id="key-name")
                scopes = [(words(f"scope.{scope.name.lower()}"), scope.value) for scope in Scope]
                self.scopes = gr.CheckboxGroup(
                    scopes, value=[Scope.SPEAK.value], label=words("keys.scopes"), elem_id="key-scopes"
                )
            with gr.Row():
                self.voices = gr.Dropdown(
                    [], multiselect=True, label=words("keys.voices"), info=words("keys.voices_info"),
                    elem_id="key-voices",
                )  # fmt: skip
                lasts = [(words("keys.no_end"), 0), *((words("keys.days", n=n), n) for n in (7, 30, 90, 365))]
                self.days = gr.Dropdown(lasts, value=90, label=words("keys.lasts"), elem_id="key-days")
                self.add = gr.Button(
                    words("keys.add"), variant="primary", scale=0, min_width=150, elem_id="key-add"
                )
            self.made = gr.HTML(elem_id="key-made")
            self.area = board("key-list")

    def wire(self, demo: gr.Blocks) -> None:
        on = self.desk.on
        on(demo.load, self.shown, None, [self.panel, self.voices, self.area])
        given = [self.name, self.scopes, self.voices, self.days]
        on(self.add.click, self.create, given, [self.name, self.made, self.area])
        on(self.area.click, self.revoke, None, [self.made, self.area])

    def shown(self, request: gr.Request) -> tuple[Any, Any, str]:
        actor = self.desk.actor(request)
        if not actor.may(Permission.VOICES):
            return gr.Column(visible=False), gr.Dropdown(choices=[], multiselect=True), ""
        own = [(v.name, v.key) for v in self.desk.studio.choices.voices(actor)]
        return (
            gr.Column(visible=True),
            gr.Dropdown(choices=own, value=[], multiselect=True),
            self.listed(actor),
        )

    def create(
        self, name: str, scopes: list[str], voices: list[str], days: int, request: gr.Request
    ) -> tuple[str, str, str]:
        actor, words = self.desk.actor(request), self.desk.words
        view, text = self.desk.studio.api_keys.create(
            actor, name or "", scopes or [], voices or [], days or None
        )
        told = esc(words("keys.made", name=view.name))
        note = f'<div class="tb-note good"><p>{told}</p><code>{esc(text)}</code></div>'
        return "", note, self.listed(actor)

    def revoke(self, event: gr.EventData, request: gr.Request) -> tuple[str, str]:
        actor = self.desk.actor(request)
        self.desk.studio.api_keys.revoke(actor, event._data["id"])
        return "", self.listed(actor)

    def listed(self, actor: Actor) -> str:
        words = self.desk.words
        keys = self.desk.studio.api_keys.keys(actor)
        if not keys:
            return empty(words("keys.none"), words("keys.none_text"))
        titles = ("name", "scopes", "voices_short", "used", "until")
        head = "".join(f"<th>{esc(words(f'keys.{title}'))}</th>" for title in titles)
        rows = "".join(line(words, key, actor) for key in keys)
        return (
            f'<div class="tb-scroll"><table class="tb-table"><thead><tr>{head}<th></th></tr></thead>'
            f"<tbody>{rows}</tbody></table></div>"
        )


def line(words: Words, key: KeyView, actor: Actor) -> str:
    whose = (
        ""
        if key.account_id == actor.account_id
        else f" <small class='tb-dim'>{esc(key.account_name)}</small>"
    )
    scopes = ", ".join(words(f"scope.{Scope(scope).name.lower()}") for scope in key.scopes)
    used = words.moment(key.last_used_at) if key.last_used_at else words("keys.never")
    until = words.day(key.expires_at) if key.expires_at else words("keys.no_end")
    voices = str(len(key.voices)) if key.voices else words("keys.all")
    ended = badge(words("keys.revoked" if key.revoked_at else "keys.expired"), "bad")
    action = button("revoke", words("keys.revoke"), kind="risk", confirm=words("do.sure"), id=key.id)
    return (
        f"<tr><td>{esc(key.name)}{whose}<br><code>{esc(key.hint)}…</code></td><td>{esc(scopes)}</td><td>{esc(voices)}</td>"
        f"<td>{esc(used)}</td><td>{esc(until)}</td><td>{action if key.open else ended}</td></tr>"
    )
