"""Inviting a speaker: a link to read, record and agree on their own phone."""

from typing import Any

import gradio as gr

from studio.consent.links import LinkView
from studio.consent.purposes import Category
from studio.errors import LANGUAGES, InputRefused
from studio.privacy.access import Actor, Permission
from studio.ui.desk import Desk
from studio.ui.markup import badge, board, button, esc
from studio.ui.privacy.cards import link_card
from studio.ui.words import Words
from studio.voices.speakers import Invitation


def address_of(desk: Desk, request: gr.Request) -> str:
    """What stands before /consent in a link to send."""
    public = desk.studio.settings.public_hosts
    return f"https://{public[0]}" if public else f"http://{request.headers['host']}"


class InviteForm:
    """Stands under the new voice's form: for speakers who are not here."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        words = desk.words
        with gr.Accordion(words("invite.title"), open=False, elem_id="invite"):
            gr.HTML(f'<p class="tb-dim">{esc(words("invite.info"))}</p>')
            with gr.Row():
                self.name = gr.Textbox(label=words("enrol.name"), max_length=60, elem_id="invite-name")
                languages = [(words.language_name(code), code) for code in LANGUAGES]
                self.language = gr.Dropdown(languages, value=words.language, label=words("enrol.language"))
                categories = [(words(f"category.{c}"), c.value) for c in Category]
                self.category = gr.Radio(
                    categories, value=Category.CUSTOMER.value, label=words("enrol.category")
                )
            with gr.Row():
                self.real_name = gr.Textbox(
                    label=words("enrol.real_name"), info=words("enrol.sealed"), max_length=200
                )
                self.contact = gr.Textbox(
                    label=words("enrol.contact"), info=words("enrol.sealed"), max_length=200
                )
            self.make = gr.Button(words("invite.make"), elem_id="invite-make", scale=0, min_width=220)
            self.told = gr.HTML(elem_id="invite-told")
            self.sent = board("invite-sent")

    def wire(self, demo: gr.Blocks) -> None:
        given = [self.name, self.language, self.category, self.real_name, self.contact]
        shown = [self.told, self.name, self.real_name, self.contact, self.sent]
        self.desk.on(self.make.click, self.invite, given, shown, progress="minimal")
        self.desk.on(demo.load, self.show, None, [self.sent])
        self.desk.on(self.sent.click, self.revoke, None, [self.sent])

    def show(self, request: gr.Request) -> str:
        return self.drawn(self.desk.actor(request))

    def drawn(self, actor: Actor) -> str:
        """The links that still open something; nothing for who makes no voices."""
        if not actor.may(Permission.VOICES):
            return ""
        return links_table(self.desk.words, self.desk.studio.speakers.links.living(actor), actor)

    def revoke(self, event: gr.EventData, request: gr.Request) -> str:
        """End a link; what is left is shown."""
        actor = self.desk.actor(request)
        self.desk.studio.speakers.links.revoke(actor, str(event._data["id"]))
        return self.drawn(actor)

    def invite(
        self, name: str, language: str, category: str, real_name: str, contact: str, request: gr.Request
    ) -> tuple[Any, ...]:
        """The link, shown once; the form is emptied."""
        if language not in LANGUAGES or category not in set(Category):
            raise InputRefused("voices.no_name")
        invitation = Invitation(name or "", language, Category(category), real_name or "", contact or "")
        actor = self.desk.actor(request)
        token = self.desk.studio.speakers.invite(actor, invitation)
        told = link_card(self.desk.words, f"{address_of(self.desk, request)}/consent/{token}")
        return told, "", "", "", self.drawn(actor)


def links_table(words: Words, links: list[LinkView], actor: Actor) -> str:
    """Open links, one a row. An answered one is the speaker's way out: only the privacy office ends it."""
    if not links:
        return ""
    rows = "".join(_link_row(words, link, actor) for link in links)
    heads = "".join(
        f"<th scope='col'>{esc(words(f'invite.{name}'))}</th>" for name in ("voice", "state", "until")
    )
    return (
        f'<h4>{esc(words("invite.sent"))}</h4><p class="tb-dim">{esc(words("invite.sent_info"))}</p>'
        f'<div class="tb-scroll"><table class="tb-table"><thead><tr>{heads}<th></th></tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )


def _link_row(words: Words, link: LinkView, actor: Actor) -> str:
    state = "answered" if link.answered else "opened" if link.opened_at else "waiting"
    end = button("revoke", words("invite.revoke"), kind="risk", confirm=words("do.sure"), id=link.id)
    if link.answered and not actor.may(Permission.REVIEW):
        end = f'<span class="tb-dim">{esc(words("invite.theirs"))}</span>'
    mark = badge(words(f"invite.{state}"), "good" if link.answered else "")
    return (
        f"<tr><td>{esc(link.voice_name)}</td><td>{mark}</td>"
        f"<td>{esc(words.day(link.expires_at))}</td><td>{end}</td></tr>"
    )
