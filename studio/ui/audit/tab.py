"""The Log tab: search, filter, verify, export. Shown to who may read the audit log; the service asks again."""

from typing import Any
from urllib.parse import urlencode

import gradio as gr

from studio.privacy.access import Actor, Permission
from studio.privacy.audit import AuditQuery, AuditVerdict
from studio.privacy.audit_events import AuditEvent
from studio.ui.desk import Desk
from studio.ui.markup import board, button, empty, esc
from studio.ui.words import Words

PAGE = 50


def build_audit_tab(desk: Desk, demo: gr.Blocks, tab: gr.Tab) -> None:
    """`tab` is made hidden, and shown to auditors when the page is loaded."""
    AuditTab(desk, tab).wire(demo)


class AuditTab:
    """Layout, then wiring."""

    def __init__(self, desk: Desk, tab: gr.Tab) -> None:
        self.desk, self.tab = desk, tab
        words = desk.words
        gr.HTML(f"<h2>{esc(words('audit.title'))}</h2><p class='tb-dim'>{esc(words('audit.info'))}</p>")
        with gr.Row(elem_id="audit-state"):
            self.check = gr.Button(words("audit.verify"), elem_id="audit-verify", scale=0, min_width=220)
            self.verdict = gr.HTML(elem_id="audit-verdict")
        with gr.Row(elem_id="audit-filter"):
            self.text = gr.Textbox(label=words("audit.text"), max_length=100, elem_id="audit-text")
            self.actor = gr.Dropdown([], label=words("audit.actor"), elem_id="audit-actor")
            self.action = gr.Dropdown([], label=words("audit.action"), elem_id="audit-action")
            day = words("audit.day_form")
            self.since = gr.Textbox(
                label=words("audit.since"), placeholder=day, max_length=10, elem_id="audit-since"
            )
            self.until = gr.Textbox(
                label=words("audit.until"), placeholder=day, max_length=10, elem_id="audit-until"
            )
        self.area = board("audit-list")
        self.shown_of = gr.State(PAGE)

    @property
    def filters(self) -> list[Any]:
        return [self.text, self.actor, self.action, self.since, self.until]

    def wire(self, demo: gr.Blocks) -> None:
        on = self.desk.on
        found = [self.area, self.shown_of]
        on(demo.load, self.arrive, None, [self.tab])
        on(self.tab.select, self.opened, self.filters, [self.actor, self.action, *found])
        for field in self.filters:
            changed = field.submit if isinstance(field, gr.Textbox) else field.input
            on(changed, self.searched, self.filters, found)
        on(self.area.click, self.older, [*self.filters, self.shown_of], found)
        on(self.check.click, self.verified, None, [self.verdict], progress="minimal")

    # Handlers

    def arrive(self, request: gr.Request) -> Any:
        return gr.Tab(visible=self.desk.actor(request).may(Permission.AUDIT))

    def opened(
        self, text: str, who: str, action: str, since: str, until: str, request: gr.Request
    ) -> tuple[Any, Any, str, int]:
        """Lists filled from the log, and its newest entries."""
        actor, words, log = self.desk.actor(request), self.desk.words, self.desk.studio.audit
        everybody = [(words("audit.everybody"), ""), *_labels(words, log.actors(actor))]
        actions = [(words("audit.everything"), ""), *((name, name) for name in log.actions(actor))]
        query = _query(text, who, action, since, until)
        return (
            gr.Dropdown(choices=everybody, value=who or ""), gr.Dropdown(choices=actions, value=action or ""),
            self.drawn(actor, query, PAGE), PAGE,
        )  # fmt: skip

    def searched(
        self, text: str, who: str, action: str, since: str, until: str, request: gr.Request
    ) -> tuple[str, int]:
        return self.drawn(self.desk.actor(request), _query(text, who, action, since, until), PAGE), PAGE

    def older(
        self, text: str, who: str, action: str, since: str, until: str, shown: int, request: gr.Request
    ) -> tuple[str, int]:
        """As many again below those that are shown."""
        query = _query(text, who, action, since, until)
        return self.drawn(self.desk.actor(request), query, shown + PAGE), shown + PAGE

    def verified(self, request: gr.Request) -> str:
        return told(self.desk.words, self.desk.studio.audit.verify(self.desk.actor(request)))

    def drawn(self, actor: Actor, query: AuditQuery, limit: int) -> str:
        """The entries that fit, as a table with its exports."""
        words, log = self.desk.words, self.desk.studio.audit
        total = log.count(actor, query)
        if not total:
            return empty(words("audit.none"), words("audit.none_text"))
        names = log.actors(actor)
        rows = "".join(row(words, event, names) for event in log.search(actor, query, limit))
        head = "".join(
            f"<th>{esc(words(f'audit.{name}'))}</th>" for name in ("at", "who", "what", "about", "facts")
        )
        more = button("older", words("audit.older")) if total > limit else ""
        return (
            f'<div class="tb-row"><span class="tb-dim">{esc(words("audit.found", n=total))}</span>'
            f"{_exports(words, query)}</div>"
            f'<div class="tb-scroll"><table class="tb-table"><thead><tr><th>#</th>{head}</tr></thead>'
            f"<tbody>{rows}</tbody></table></div><p>{more}</p>"
        )


def _query(text: str, who: str, action: str, since: str, until: str) -> AuditQuery:
    return AuditQuery(text or "", who or "", action or "", since or "", until or "")


def _labels(words: Words, actors: dict[str, str]) -> list[tuple[str, str]]:
    return [
        (f"{name} · {pseudonym[:12]}" if name else pseudonym, pseudonym) for pseudonym, name in actors.items()
    ]


def _exports(words: Words, query: AuditQuery) -> str:
    asked = urlencode({name: value for name, value in vars(query).items() if value})
    return "".join(
        f'<a class="tb-btn" href="{esc(f"/audit/log.{ending}?{asked}")}" download>{esc(words("audit.export"))} '
        f"{ending.upper()}</a>"
        for ending in ("csv", "json")
    )


def row(words: Words, event: AuditEvent, names: dict[str, str]) -> str:
    """An entry: its pseudonyms in full, for they are what an auditor searches by."""
    facts = " ".join(f"{name}={value}" for name, value in event.facts.items())
    who = names.get(event.actor, "")
    actor = f"{esc(who)} <small class='tb-dim'>{esc(event.actor)}</small>" if who else esc(event.actor)
    return (
        f"<tr><td>{event.seq}</td><td>{esc(words.moment(event.at))}</td><td>{actor}</td><td>{esc(event.action)}</td>"
        f"<td>{esc(event.subject)}</td><td class='tb-dim'>{esc(facts)}</td></tr>"
    )


def told(words: Words, verdict: AuditVerdict) -> str:
    """The verdict as a note."""
    key, tone = ("intact", "good") if verdict.intact else (f"broken_{verdict.reason}", "bad")
    text = words(f"audit.{key}", entries=verdict.entries, at=verdict.broken_at, head=verdict.head[:16])
    if verdict.lost_after is not None:
        text, tone = f"{text} {words('audit.lost', at=verdict.lost_after)}", "warn"
    return f'<p class="tb-note {tone}" role="status">{esc(text)}</p>'
