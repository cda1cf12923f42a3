"""Inviting a speaker: a link to read, record and agree on their own phone."""

from typing import Any

import gradio as gr

from studio.consent.purposes import Category
from studio.errors import LANGUAGES, InputRefused
from studio.ui.desk import Desk
from studio.ui.markup import esc
from studio.ui.privacy.cards import link_card
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

    def wire(self) -> None:
        given = [self.name, self.language, self.category, self.real_name, self.contact]
        shown = [self.told, self.name, self.real_name, self.contact]
        self.desk.on(self.make.click, self.invite, given, shown, progress="minimal")

    def invite(
        self, name: str, language: str, category: str, real_name: str, contact: str, request: gr.Request
    ) -> tuple[Any, ...]:
        """The link, shown once; the form is emptied."""
        if language not in LANGUAGES or category not in set(Category):
            raise InputRefused("voices.no_name")
        invitation = Invitation(name or "", language, Category(category), real_name or "", contact or "")
        token = self.desk.studio.speakers.invite(self.desk.actor(request), invitation)
        return link_card(self.desk.words, f"{address_of(self.desk, request)}/consent/{token}"), "", "", ""
