"""The audit log: verified by a button, its newest entries listed."""

from typing import Any

import gradio as gr

from studio.privacy.access import Permission
from studio.ui.desk import Desk
from studio.ui.markup import esc

NEWEST = 20


class LogPanel:
    """Shown to who may read the log."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        words = desk.words
        with gr.Column(visible=False, elem_id="audit") as self.panel:
            gr.HTML(f"<h3>{esc(words('audit.title'))}</h3><p class='tb-dim'>{esc(words('audit.info'))}</p>")
            with gr.Row():
                self.check = gr.Button(words("audit.verify"), elem_id="audit-verify", scale=0, min_width=220)
            self.verdict = gr.HTML(elem_id="audit-verdict")
            self.area = gr.HTML()

    def wire(self, demo: gr.Blocks) -> None:
        self.desk.on(demo.load, self.shown, None, [self.panel])
        self.desk.on(self.check.click, self.verify, None, [self.verdict, self.area], progress="minimal")

    def shown(self, request: gr.Request) -> Any:
        return gr.Column(visible=self.desk.actor(request).may(Permission.AUDIT))

    def verify(self, request: gr.Request) -> tuple[str, str]:
        actor, words = self.desk.actor(request), self.desk.words
        verdict = self.desk.studio.audit.verify(actor)
        key, tone = ("audit.intact", "good") if verdict.intact else ("audit.broken", "bad")
        told = words(key, entries=verdict.entries, at=verdict.broken_at, head=verdict.head[:16])
        rows = "".join(
            f"<tr><td>{entry.seq}</td><td>{esc(words.moment(entry.at))}</td><td>{esc(entry.action)}</td>"
            f"<td>{esc(entry.subject[:16])}</td><td>{esc(entry.actor[:16])}</td></tr>"
            for entry in self.desk.studio.audit.read(actor, NEWEST)
        )
        table = f'<div class="tb-scroll"><table class="tb-table"><tbody>{rows}</tbody></table></div>'
        return f'<p class="tb-note {tone}" role="status">{esc(told)}</p>', table
