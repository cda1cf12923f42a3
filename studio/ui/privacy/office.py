"""What only the privacy office sees: the notice, how long things are kept, the record of processing."""

from typing import Any

import gradio as gr

from studio.errors import LANGUAGES, InputRefused
from studio.privacy.access import Permission
from studio.privacy.retention import DEFAULTS
from studio.ui.desk import Desk
from studio.ui.markup import badge, esc
from studio.ui.privacy.cards import rule_text
from studio.ui.privacy.record import processing_record, record_table


class Office:
    """Layout, then wiring; hidden from those who may not review."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        words = desk.words
        with gr.Column(visible=False, elem_id="privacy-office") as self.panel:
            with gr.Accordion(words("notice.title"), open=False, elem_id="privacy-notice"):
                self._notice()
            with gr.Accordion(words("retention.title"), open=False, elem_id="privacy-retention"):
                self._retention()
            with gr.Accordion(words("record.title"), open=False, elem_id="privacy-record"):
                gr.HTML(f'<p class="tb-dim">{esc(words("record.info"))}</p>')
                self.record = gr.HTML()

    def _notice(self) -> None:
        words = self.desk.words
        gr.HTML(f'<p class="tb-dim">{esc(words("notice.info"))}</p>')
        with gr.Row():
            self.texts = [
                gr.Textbox(
                    label=words.language_name(language), lines=12, max_lines=30, max_length=8000,
                    elem_id=f"notice-{language}",
                )
                for language in LANGUAGES
            ]  # fmt: skip
        self.publish = gr.Button(
            words("notice.publish"), variant="primary", scale=0, min_width=240, elem_id="notice-publish"
        )
        self.versions = gr.HTML()

    def _retention(self) -> None:
        words = self.desk.words
        gr.HTML(f'<p class="tb-dim">{esc(words("retention.info"))}</p>')
        self.days: list[gr.Number] = []
        self.told: list[gr.HTML] = []
        with gr.Row():
            for kind in DEFAULTS:
                with gr.Column(min_width=240):
                    label = words(f"retention.{kind}")
                    self.days.append(
                        gr.Number(label=label, precision=0, minimum=0, elem_id=f"retention-{kind}")
                    )
                    self.told.append(gr.HTML())
        with gr.Row():
            self.keep = gr.Button(words("retention.save"), elem_id="retention-save", scale=0, min_width=200)
            self.run = gr.Button(words("retention.run"), elem_id="retention-run", scale=0, min_width=200)
        self.outcome = gr.HTML()

    @property
    def shown(self) -> list[Any]:
        return [self.panel, *self.texts, self.versions, *self.days, *self.told, self.record]

    def wire(self, demo: gr.Blocks) -> None:
        on = self.desk.on
        on(demo.load, self.show, None, self.shown)
        on(self.publish.click, self.publish_notice, self.texts, self.shown, progress="minimal")
        on(self.keep.click, self.keep_rules, self.days, self.shown, progress="minimal")
        on(self.run.click, self.purge, None, [self.outcome, *self.shown], progress="minimal")

    # Handlers

    def show(self, request: gr.Request) -> tuple[Any, ...]:
        actor, studio, words = self.desk.actor(request), self.desk.studio, self.desk.words
        if not actor.may(Permission.REVIEW):
            return (gr.Column(visible=False), *(gr.skip(),) * (len(self.shown) - 1))
        rules = {rule.kind: rule for rule in studio.retention.rules(actor)}
        return (
            gr.Column(visible=True), *(studio.consent.notice(language).text for language in LANGUAGES),
            self._versions(request), *(rules[kind].days for kind in DEFAULTS),
            *(rule_text(words, kind, rules[kind].due) for kind in DEFAULTS),
            record_table(words, processing_record(studio, actor, words)),
        )  # fmt: skip

    def _versions(self, request: gr.Request) -> str:
        words = self.desk.words
        found = self.desk.studio.consent.notices.versions(self.desk.actor(request), words.language)
        rows = "".join(
            f"<details><summary>{esc(words('notice.version', n=one.notice.version))} "
            f"{badge(words('notice.current'), 'good') if one.current else ''}</summary>"
            f'<p class="tb-dim"><code>SHA-256 {esc(one.notice.hash)}</code></p><p>{esc(one.notice.text)}</p></details>'
            for one in found
        )
        return f"<h4>{esc(words('notice.versions'))}</h4>{rows}"

    def publish_notice(self, request: gr.Request, *texts: str | None) -> tuple[Any, ...]:
        given = {language: text or "" for language, text in zip(LANGUAGES, texts, strict=True)}
        self.desk.studio.consent.notices.publish(self.desk.actor(request), given)
        gr.Info(self.desk.words("notice.published"))
        return self.show(request)

    def keep_rules(self, request: gr.Request, *days: float | None) -> tuple[Any, ...]:
        actor = self.desk.actor(request)
        for kind, kept in zip(DEFAULTS, days, strict=True):
            if kept is not None and kept != int(kept):
                raise InputRefused("privacy.retention", most=3650)
            wanted = None if kept is None else int(kept)
            if self.desk.studio.retention.days(kind) != wanted:
                self.desk.studio.retention.set(actor, kind, wanted)
        gr.Info(self.desk.words("retention.saved"))
        return self.show(request)

    def purge(self, request: gr.Request) -> tuple[Any, ...]:
        words = self.desk.words
        gone = self.desk.studio.retention.run(self.desk.actor(request))
        listed = ", ".join(f"{words(f'retention.{kind}')}: {count}" for kind, count in gone.items())
        note = f'<p class="tb-note good" role="status">{esc(listed or words("retention.nothing"))}</p>'
        return note, *self.show(request)
