"""Accounts and one-time links, for administrators."""

from typing import Any

import gradio as gr

from studio.privacy.access import Actor, Permission, Role
from studio.ui.desk import Desk
from studio.ui.markup import badge, board, button, esc

LINK_MINUTES = 60


class AccountsPanel:
    """Shown only to who may make accounts; the service asks again at every call."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        words = desk.words
        with gr.Column(visible=False, elem_id="accounts") as self.panel:
            gr.HTML(
                f"<h3>{esc(words('accounts.title'))}</h3><p class='tb-dim'>{esc(words('accounts.info'))}</p>"
            )
            with gr.Row():
                self.name = gr.Textbox(label=words("accounts.name"), max_length=64, elem_id="account-name")
                roles = [(words(f"role.{role}"), role.value) for role in Role]
                self.role = gr.Dropdown(roles, value=Role.PRODUCER.value, label=words("accounts.role"))
                self.add = gr.Button(
                    words("accounts.add"), variant="primary", scale=0, min_width=150, elem_id="account-add"
                )
            self.link = gr.HTML(elem_id="account-link")
            self.area = board("account-list")

    def wire(self, demo: gr.Blocks) -> None:
        on = self.desk.on
        on(demo.load, self.shown, None, [self.panel, self.area])
        on(self.add.click, self.create, [self.name, self.role], [self.name, self.link, self.area])
        on(self.area.click, self.act, None, [self.link, self.area])

    def shown(self, request: gr.Request) -> tuple[Any, str]:
        actor = self.desk.actor(request)
        if not actor.may(Permission.ACCOUNTS):
            return gr.Column(visible=False), ""
        return gr.Column(visible=True), self.listed(actor)

    def create(self, name: str, role: str, request: gr.Request) -> tuple[str, str, str]:
        actor = self.desk.actor(request)
        account = self.desk.studio.accounts.create(actor, name, role)
        return "", self._link(actor, account.id, account.name, request), self.listed(actor)

    def act(self, event: gr.EventData, request: gr.Request) -> tuple[str, str]:
        actor, asked = self.desk.actor(request), event._data
        if asked["act"] == "link":
            return self._link(actor, asked["id"], asked["name"], request), self.listed(actor)
        self.desk.studio.accounts.disable(actor, asked["id"])
        return "", self.listed(actor)

    def _link(self, actor: Actor, account_id: str, name: str, request: gr.Request) -> str:
        """A new one-time link, shown once."""
        token = self.desk.studio.accounts.sign_in_link(account_id, minutes=LINK_MINUTES, actor=actor)
        origin = str(request.headers.get("origin", ""))
        told = self.desk.words("accounts.link", name=name, minutes=LINK_MINUTES)
        return (
            f'<div class="tb-note good"><p>{esc(told)}</p><code>{esc(f"{origin}/login/{token}")}</code></div>'
        )

    def listed(self, actor: Actor) -> str:
        words = self.desk.words
        rows = []
        for account in self.desk.studio.accounts.accounts(actor):
            closed = badge(words("accounts.closed"), "bad") if account.disabled_at else ""
            actions = (
                ""
                if account.disabled_at
                else button("link", words("accounts.make_link"), id=account.id, name=account.name)
            )
            if not account.disabled_at and account.id != actor.account_id:
                actions += button(
                    "disable", words("accounts.disable"), kind="risk", confirm=words("do.sure"), id=account.id
                )
            rows.append(
                f"<tr><td>{esc(account.name)} {closed}</td><td>{esc(words(f'role.{account.role}'))}</td>"
                f"<td><div class='tb-row'>{actions}</div></td></tr>"
            )
        return f'<div class="tb-scroll"><table class="tb-table"><tbody>{"".join(rows)}</tbody></table></div>'
