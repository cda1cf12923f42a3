"""My sign-in: the account's own password, its open sign-ins, its tie to a provider."""

from typing import Any

import gradio as gr

from studio.privacy.sign_in import SessionView
from studio.ui.desk import Desk
from studio.ui.markup import badge, board, button, esc
from studio.ui.words import Words

COOKIES = ("timbro_session", "__Host-timbro_session")


def session_token(request: gr.Request) -> str:
    """The cookie this page came with, to tell one's own sign-in from the others."""
    cookies = dict(getattr(request, "cookies", None) or {})
    return next((str(cookies[name]) for name in COOKIES if cookies.get(name)), "")


class AccessPanel:
    """Everybody sees their own."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        words = desk.words
        gr.HTML(f"<h3>{esc(words('mine.title'))}</h3><p class='tb-dim'>{esc(words('mine.info'))}</p>")
        self.area = board("sign-ins")
        with gr.Accordion(words("mine.password"), open=False, elem_id="password-box"):
            self.note = gr.HTML()
            with gr.Row():
                kinds = {"type": "password", "max_length": 256}
                self.present = gr.Textbox(label=words("mine.present"), elem_id="password-present", **kinds)
                self.new = gr.Textbox(label=words("mine.new"), elem_id="password-new", **kinds)
                self.again = gr.Textbox(label=words("mine.again"), elem_id="password-again", **kinds)
            self.save = gr.Button(words("do.save"), elem_id="password-save", scale=0, min_width=150)

    def wire(self, demo: gr.Blocks) -> None:
        on, fields = self.desk.on, [self.present, self.new, self.again]
        on(demo.load, self.shown, None, [self.area, self.note])
        on(self.area.click, self.act, None, [self.area])
        on(self.save.click, self.keep, fields, [*fields, self.area, self.note])

    def shown(self, request: gr.Request) -> tuple[str, str]:
        actor, words = self.desk.actor(request), self.desk.words
        ways = self.desk.studio.accounts.sign_ins
        has = "mine.has_password" if ways.has_password(actor) else "mine.no_password"
        return self.listed(request), f"<p class='tb-dim'>{esc(words(has))}</p>"

    def act(self, event: gr.EventData, request: gr.Request) -> str:
        actor, asked = self.desk.actor(request), event._data
        ways = self.desk.studio.accounts.sign_ins
        if asked["act"] == "end":
            ways.end(actor, asked["id"])
        elif asked["act"] == "end-others":
            ways.end_all(actor, keep_token=session_token(request))
        elif asked["act"] == "untie":
            ways.untie(actor)
        return self.listed(request)

    def keep(self, present: str, new: str, again: str, request: gr.Request) -> tuple[Any, ...]:
        ways = self.desk.studio.accounts.sign_ins
        ways.set_password(self.desk.actor(request), new, again, present, session_token(request))
        gr.Info(self.desk.words("mine.password_kept"))
        return "", "", "", *self.shown(request)

    def listed(self, request: gr.Request) -> str:
        actor, words, studio = self.desk.actor(request), self.desk.words, self.desk.studio
        open_now = studio.accounts.sign_ins.sessions(actor, session_token(request))
        rows = "".join(line(words, one) for one in open_now)
        actions = button("end-others", words("mine.end_others"), kind="risk", confirm=words("do.sure"))
        if studio.settings.oidc_issuer:
            actions += self._tie(studio.accounts.sign_ins.is_tied(actor))
        return (
            f'<div class="tb-scroll"><table class="tb-table"><tbody>{rows}</tbody></table></div>'
            f'<div class="tb-row">{actions}</div>'
        )

    def _tie(self, tied: bool) -> str:
        words = self.desk.words
        name = self.desk.studio.settings.oidc_name or "OpenID"
        if tied:
            return button("untie", words("mine.untie", provider=name), kind="risk", confirm=words("do.sure"))
        return f'<a class="tb-btn" href="/oidc/start?tie=1">{esc(words("mine.tie", provider=name))}</a>'


def line(words: Words, one: SessionView) -> str:
    here = badge(words("mine.this"), "good") if one.current else ""
    end = "" if one.current else button("end", words("mine.end"), id=one.id)
    return (
        f"<tr><td>{esc(one.browser or words('mine.some_browser'))} {here}</td>"
        f"<td>{esc(words(f'mine.by_{one.way}'))}</td><td>{esc(words.moment(one.created_at))}</td><td>{end}</td></tr>"
    )
