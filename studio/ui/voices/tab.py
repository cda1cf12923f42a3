"""The Voices tab: the list, the chosen voice, a new voice, enrolments, consents to review."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import gradio as gr

from studio.errors import StudioError
from studio.privacy.access import Actor
from studio.synthesis.requests import VoiceChoice
from studio.ui.desk import Desk
from studio.ui.header import Header
from studio.ui.markup import board, button, empty, esc
from studio.ui.privacy.cards import link_card
from studio.ui.voices.adding import AddRecording
from studio.ui.voices.cards import ending_note, receipt_card, voice_cards, voice_detail
from studio.ui.voices.enrol import EnrolForm
from studio.ui.voices.links import InviteForm, address_of
from studio.ui.voices.progress import EnrolmentWatch, Watched
from studio.ui.voices.report import refusal
from studio.ui.voices.review import build_review
from studio.ui.words import Words
from studio.voices.forms import VoiceView


def build_voices_tab(desk: Desk, demo: gr.Blocks, header: Header, tabs: gr.Tabs) -> None:
    VoicesTab(desk, header, tabs).wire(demo)


def chosen_voice(key: str | None) -> str:
    """The id of the enrolled voice in the selector; "" for a preset or nothing."""
    return VoiceChoice.parse(key).voice_id if key else ""


def first_paint(words: Words) -> str:
    """What stands there until the page knows who looks: nobody's voices, and the way to a first one."""
    start = button("new", words("voices.first"), kind="go")
    return empty(words("voices.arriving_title"), words("voices.empty_text"), start)


class VoicesTab:
    """Layout, then wiring; handlers ask the voices room and format."""

    def __init__(self, desk: Desk, header: Header, tabs: gr.Tabs) -> None:
        self.desk, self.header, self.tabs = desk, header, tabs
        words = desk.words
        with gr.Row(elem_classes="tb-row"):
            gr.HTML(f"<h2>{esc(words('tab.voices'))}</h2>")
            self.new = gr.Button(
                words("voices.new"), variant="primary", scale=0, min_width=160, elem_id="voice-new"
            )
        self.watch = EnrolmentWatch(desk)
        self.form = EnrolForm(desk)
        self.invite = InviteForm(desk)
        self.cards = board("voice-cards", first_paint(words))
        self.detail = board("voice-detail")
        self.adding = AddRecording(desk)
        self.receipt = gr.HTML(elem_id="receipt")

    def wire(self, demo: gr.Blocks) -> None:
        desk, voice = self.desk, self.header.voice
        shown = [self.cards, self.detail]
        self.form.wire()
        self.invite.wire(demo)
        told = [self.form.notice_area, self.form.notice_hash]
        for opened in (demo.load, self.new.click):
            desk.on(opened, self.form.show_notice, None, told)
        self.watch.wire(self.header, self._redraw)
        self.adding.wire(self._redraw)
        for event in (demo.load, voice.change):
            self._redraw(event)
            self.adding.follow_on(event, voice)
        desk.on(self.new.click, self.open, None, [self.form.panel, self.receipt])
        changes = [voice, self.form.panel, self.receipt, self.tabs, *shown, *self.watch.outputs]
        for area in (self.cards, self.detail):
            desk.on(area.click, self.act, [voice], changes)
        saving = [self.form.told, self.form.save, voice, *shown, *self.watch.outputs, *self.form.everything]
        desk.on(self.form.save.click, self.save, self.form.answers, saving, watches=True)
        build_review(desk, demo, self._after_review, self.approved)

    def _redraw(self, event: Any) -> Any:
        """After `event`, the cards, the chosen voice and the enrolments as they are now."""
        shown = [self.cards, self.detail, *self.watch.outputs]
        return self.desk.on(event, self.show, [self.header.voice, self.watch.seen], shown)

    def _after_review(self, decided: Any) -> None:
        refreshed = self._redraw(decided.then)
        self.header.refresh(refreshed.then)
        self.adding.follow_on(refreshed.then, self.header.voice)

    # Handlers

    def show(self, key: str | None, seen: list[Watched], request: gr.Request) -> tuple[Any, ...]:
        actor = self.desk.actor(request)
        return self.all_drawn(actor, chosen_voice(key), seen)

    def all_drawn(self, actor: Actor, chosen: str, seen: list[Watched]) -> tuple[Any, ...]:
        """Cards, detail and enrolments.

        The enrolments are looked at first: one that ends in between is drawn as done, where the other way
        round it would be drawn as running and no clock would tell of its end.
        """
        watched = self.watch.show(actor, seen)
        return *self.drawn(actor, chosen), *watched

    def drawn(self, actor: Actor, chosen: str) -> tuple[str, str]:
        """The cards, and the chosen voice in detail."""
        studio, words = self.desk.studio, self.desk.words
        views = [self._as_it_is(actor, view) for view in studio.voices.browse(actor)]
        engines = studio.choices.engines(words.language, cloning=True)
        cards = ending_note(words, studio.consent.expiring(actor))
        cards += voice_cards(words, views, chosen, {engine.id: engine.name for engine in engines})
        view = next((one for one in views if one.id == chosen), None)
        if view is None:
            return cards, ""
        running = [engine.id for engine in engines if studio.enrolment.running(view.id, engine.id)]
        return cards, voice_detail(words, view, studio.enrolment.encoded(actor, view.id), engines, running)

    def _as_it_is(self, actor: Actor, view: VoiceView) -> VoiceView:
        """The voice with the engines that know its present recordings; older encodings do not count."""
        encoded = self.desk.studio.enrolment.encoded(actor, view.id)
        return replace(view, engines_ready=tuple(one.engine_id for one in encoded if one.current))

    def open(self) -> tuple[Any, str]:
        return gr.Column(visible=True), ""

    def save(self, request: gr.Request, *values: Any) -> Iterator[tuple[Any, ...]]:
        """Store the voice, then begin to enrol it for the recommended engine."""
        words = self.desk.words
        actor = self.desk.actor(request)
        answers = self.form.read(*values)
        rest = len(self.form.everything)
        waiting = f'<p class="tb-note" role="status">{esc(words("enrol.checking"))}</p>'
        yield waiting, gr.Button(interactive=False), *(gr.skip(),) * (6 + rest)
        try:
            view = self.form.store(actor, answers)
        except StudioError as trouble:
            yield refusal(trouble, words.language), gr.Button(interactive=True), *(gr.skip(),) * (6 + rest)
            raise
        self.begin(actor, view)
        key = VoiceChoice(voice_id=view.id).key
        told = words("enrol.saved" if view.usable else "enrol.saved_review", voice=view.name)
        note = f'<p class="tb-note good" role="status">{esc(told)}</p>'
        gr.Info(esc(told))
        yield (
            note, gr.Button(interactive=True), self.header.choices(actor, key),
            *self.all_drawn(actor, view.id, []), *self.form.emptied(),
        )  # fmt: skip

    def begin(self, actor: Actor, view: VoiceView) -> None:
        """Start the enrolment for the first engine that is ready and speaks the voice's language."""
        choices = self.desk.studio.choices
        engine = choices.cloner(view.language) or choices.cloner()
        if view.usable and engine is not None:
            self.desk.studio.enrolment.start(actor, view.id, engine.id)

    def approved(self, actor: Actor, speaker_id: str) -> None:
        """A consent holds now: prepare the approver's own voices of this speaker; others' wait for their owner."""
        for view in self.desk.studio.voices.browse(actor):
            if view.speaker_id == speaker_id and view.owner_id == actor.account_id:
                self.begin(actor, view)

    def act(self, key: str | None, event: gr.EventData, request: gr.Request) -> tuple[Any, ...]:
        """A button of a card or of the detail was pressed."""
        actor, asked = self.desk.actor(request), event._data
        chosen, receipt, panel, tabs = key, gr.skip(), gr.skip(), gr.skip()
        match asked["act"]:
            case "new":
                panel = gr.Column(visible=True)
            case "choose":
                chosen = VoiceChoice(voice_id=asked["id"]).key
            case "speak":
                chosen, tabs = VoiceChoice(voice_id=asked["id"]).key, gr.Tabs(selected="clone")
            case "models":
                tabs = gr.Tabs(selected="models")
            case "encode" | "encode_again":
                again = asked["act"] == "encode_again"
                self.desk.studio.enrolment.start(actor, asked["id"], asked["engine"], again=again)
            case "link":
                token = self.desk.studio.speakers.link_for(actor, asked["id"])
                receipt = link_card(self.desk.words, f"{address_of(self.desk, request)}/consent/{token}")
            case "rename":
                self.desk.studio.voices.rename(actor, asked["id"], str(asked["form"].get("name", "")))
            case "remove_clip":
                self.desk.studio.voices.remove_clip(actor, asked["id"])
            case "withdraw":
                erased = self.desk.studio.voices.withdraw(actor, asked["id"])
                receipt = receipt_card(self.desk.words, erased)
        return (
            self.header.choices(actor, chosen), panel, receipt, tabs,
            *self.all_drawn(actor, chosen_voice(chosen), []),
        )  # fmt: skip
