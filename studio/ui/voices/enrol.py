"""The form that makes a voice: who, recordings, consent, save."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr

from studio.consent.challenge import MINUTES, Challenge
from studio.consent.documents import MOST_BYTES, SignedDocument
from studio.consent.forms import ATTESTATIONS, ConsentForm
from studio.consent.purposes import Category, Purpose
from studio.errors import InputRefused
from studio.privacy.access import Actor
from studio.ui.desk import Desk
from studio.ui.markup import badge, board, button, esc
from studio.ui.uploads import take_in
from studio.ui.voices.clips import FILE_TYPES, ClipPicker, Clips, clip_card, clip_list, examine
from studio.voices.forms import CheckedClip, VoiceForm, VoiceView

SPOKEN = ("it", "en", "es", "fr", "de", "pt", "nl", "pl")


@dataclass(frozen=True)
class Answers:
    """The form as it was filled in."""

    name: str
    language: str
    category: str
    real_name: str
    contact: str
    clips: Clips
    recording: CheckedClip | None
    challenge: str
    document: SignedDocument | None
    languages: frozenset[str]
    engines: frozenset[str]
    ticks: tuple[bool, ...]  # the purposes, then the attestations

    @property
    def purposes(self) -> frozenset[Purpose]:
        return frozenset(p for p, ticked in zip(Purpose, self.ticks, strict=False) if ticked)

    @property
    def attestations(self) -> frozenset[str]:
        ticks = self.ticks[len(Purpose) :]
        return frozenset(name for name, ticked in zip(ATTESTATIONS, ticks, strict=True) if ticked)

    def form(self) -> VoiceForm:
        """What the service takes; InputRefused for a language or category that was not offered."""
        if self.language not in SPOKEN or self.category not in set(Category):
            raise InputRefused("voices.no_name")
        consent = ConsentForm(
            category=Category(self.category), purposes=self.purposes, attestations=self.attestations,
            challenge=self.challenge, recording=self.recording.clip if self.recording else None,
            source=self.recording.source if self.recording else "microphone", document=self.document,
            engines=self.engines, languages=self.languages,
        )  # fmt: skip
        return VoiceForm(self.name, self.language, tuple(self.clips), consent, self.real_name, self.contact)


class EnrolForm:
    """Widgets and handlers of the form; hidden until somebody asks for a new voice."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        words = desk.words
        with gr.Column(visible=False, elem_id="enrol") as self.panel:
            self.recording = gr.State(None)
            self.challenge = gr.State("")
            self.notice_hash = gr.State("")
            self.document = gr.State(None)
            gr.HTML(f"<h2>{esc(words('enrol.title'))}</h2>")
            self._who()
            self._recordings()
            self._consent()
            with gr.Row():
                self.save = gr.Button(words("enrol.save"), variant="primary", elem_id="enrol-save")
                self.close = gr.Button(words("do.cancel"))
            self.told = gr.HTML(elem_id="enrol-told")

    def _step(self, number: int, key: str) -> None:
        gr.HTML(f'<p class="tb-step"><b>{number}</b>{esc(self.desk.words(key))}</p>')

    def _who(self) -> None:
        words = self.desk.words
        self._step(1, "enrol.who")
        with gr.Row():
            self.name = gr.Textbox(
                label=words("enrol.name"), info=words("enrol.name_info"), max_length=60, elem_id="enrol-name"
            )
            languages = [(words.language_name(code), code) for code in SPOKEN]
            self.language = gr.Dropdown(
                languages,
                value=words.language,
                label=words("enrol.language"),
                info=words("enrol.language_info"),
            )
            categories = [(words(f"category.{c}"), c.value) for c in Category]
            self.category = gr.Radio(categories, value=Category.SELF.value, label=words("enrol.category"))
        with gr.Row():
            self.real_name = gr.Textbox(
                label=words("enrol.real_name"), info=words("enrol.sealed"), max_length=200
            )
            self.contact = gr.Textbox(
                label=words("enrol.contact"), info=words("enrol.sealed"), max_length=200
            )

    def _recordings(self) -> None:
        words = self.desk.words
        self._step(2, "enrol.recordings")
        gr.HTML(f'<p class="tb-dim">{esc(words("enrol.recordings_info"))}</p>')
        self.picker = ClipPicker(self.desk, "enrol")
        self.clips, self.clip_area = self.picker.clips, self.picker.area

    def _consent(self) -> None:
        words = self.desk.words
        self._step(3, "enrol.consent")
        self.notice_area = gr.HTML(elem_id="enrol-notice")
        gr.HTML(f'<p class="tb-dim">{esc(words("enrol.purposes_info"))}</p>')
        with gr.Row(elem_id="enrol-purposes"):
            self.purposes = [
                gr.Checkbox(label=words(f"purpose.{p}"), elem_id=f"purpose-{p}", min_width=220)
                for p in Purpose
            ]
        self.attestations = [
            gr.Checkbox(label=words(f"attest.{name}"), elem_id=f"attest-{name}") for name in ATTESTATIONS
        ]
        self._limits()
        self._document()
        self._step(4, "enrol.read")
        self.ask = gr.Button(words("enrol.ask"), elem_id="enrol-ask", scale=0, min_width=260)
        self.statement_area = gr.HTML(self._statement_card(None), elem_id="enrol-statement")
        with gr.Row():
            self.consent_microphone = gr.Audio(
                sources=["microphone"], type="filepath", label=words("enrol.statement_microphone"), editable=False,
                elem_id="consent-microphone",
            )  # fmt: skip
            self.consent_file = gr.File(
                file_types=FILE_TYPES, label=words("enrol.statement_file"), height=150, elem_id="consent-file"
            )
        self.recording_area = board("enrol-recording")

    def _limits(self) -> None:
        """What the speaker may narrow the consent to."""
        words, offer = self.desk.words, self.desk.studio.consent.offer()
        with gr.Accordion(words("enrol.limits"), open=False, elem_id="enrol-limits"):
            gr.HTML(f'<p class="tb-dim">{esc(words("enrol.limits_info"))}</p>')
            self.languages = gr.CheckboxGroup(
                [(words.language_name(code), code) for code in offer.languages],
                label=words("enrol.limit_languages"), elem_id="enrol-limit-languages",
            )  # fmt: skip
            self.engines = gr.CheckboxGroup(
                [(name, engine_id) for engine_id, name in offer.engines.items()],
                label=words("enrol.limit_engines"), elem_id="enrol-limit-engines",
            )  # fmt: skip

    def _document(self) -> None:
        """The signed paper; employees need one."""
        words = self.desk.words
        with gr.Accordion(words("enrol.document"), open=False, elem_id="enrol-document"):
            gr.HTML(f'<p class="tb-dim">{esc(words("enrol.document_info"))}</p>')
            self.paper = gr.File(
                file_types=[".pdf", ".png", ".jpg", ".jpeg"], label=words("enrol.document_file"), height=120,
                elem_id="enrol-paper",
            )  # fmt: skip
            self.paper_area = board("enrol-paper-kept")

    def _statement_card(self, asked: Challenge | None) -> str:
        words = self.desk.words
        if asked is None:
            return f'<p class="tb-note">{esc(words("enrol.no_statement"))}</p>'
        until = words(
            "enrol.until", minutes=MINUTES, time=words.moment(asked.expires_at), tries=asked.tries_left
        )
        return (
            f'<blockquote class="tb-statement">{esc(asked.statement)}</blockquote>'
            f'<p class="tb-dim">{esc(until)}</p>'
        )

    # Handlers

    def wire(self) -> None:
        on, ticks = self.desk.on, self.purposes
        self.picker.wire()
        for tick in ticks:
            on(tick.change, self.unask, [self.challenge], [self.challenge, self.statement_area])
        asked = [self.notice_hash, *ticks]
        on(self.ask.click, self.reword, asked, [self.challenge, self.statement_area], progress="minimal")
        papers = [self.paper, self.document, self.paper_area]
        on(self.paper.upload, self.keep_paper, [self.paper], papers, progress="minimal", empties=self.paper)
        on(self.paper_area.click, lambda: (None, None, ""), None, papers)
        kept = [self.recording, self.recording_area]
        for source, widget, event in (
            ("upload", self.consent_file, self.consent_file.upload),
            ("microphone", self.consent_microphone, self.consent_microphone.stop_recording),
        ):
            keep = self._keeper(source)
            on(event, keep, [widget], [widget, *kept], progress="minimal", empties=widget)
        on(self.recording_area.click, self.change_recording, [self.recording], kept)
        on(self.close.click, lambda: self.emptied(), None, self.everything)

    def _keeper(self, source: str) -> Any:
        def keep(path: str | None, request: gr.Request) -> tuple[None, CheckedClip | None, str]:
            if not path:
                return None, None, ""
            checked = examine(self.desk, self.desk.actor(request), [path], source)[0]
            checked = replace(checked, name=self.desk.words("enrol.recorded"))
            return None, checked, self._recording_card(checked)

        return keep

    def _recording_card(self, checked: CheckedClip) -> str:
        words = self.desk.words
        note = (
            f'<p class="tb-note warn">{esc(words("enrol.uploaded_statement"))}</p>'
            if checked.source == "upload"
            else ""
        )
        return note + clip_card(words, 0, checked, consent=True)

    def change_recording(
        self, recording: CheckedClip | None, event: gr.EventData, request: gr.Request
    ) -> tuple[CheckedClip | None, str]:
        if recording is None or event._data["act"] == "consent_remove":
            return None, ""
        recording = self.desk.studio.voices.fix(self.desk.actor(request), recording)
        return recording, self._recording_card(recording)

    def show_notice(self) -> tuple[str, str]:
        """The notice of today, and its hash: a statement is only given to whoever was shown this text."""
        words = self.desk.words
        notice = self.desk.studio.consent.notice(words.language)
        text = "".join(f"<p>{esc(part)}</p>" for part in notice.text.split("\n") if part.strip())
        note = f'<div class="tb-note"><h4>{esc(words("enrol.notice"))}</h4>{text}</div>'
        return note, notice.hash

    def keep_paper(self, path: str | None, request: gr.Request) -> tuple[None, SignedDocument | None, str]:
        """Read a signed document into memory; what it is, its first bytes say."""
        if not path:
            return None, None, ""
        self.desk.actor(request)
        upload = take_in(path, "upload", MOST_BYTES // 2**20)
        document, words = SignedDocument.read(upload.data), self.desk.words
        told = f"{document.media_type} · {words.megabytes(len(document.data))}"
        remove = button("remove_paper", words("do.remove"), kind="risk")
        kept = badge(words("enrol.document_kept"), "good")
        return None, document, f'<div class="tb-row">{kept}<span>{esc(told)}</span>{remove}</div>'

    def unask(self, before: str) -> tuple[str, str]:
        """Other purposes: what was shown is not what would be agreed to."""
        return "", self._statement_card(None)

    def reword(self, request: gr.Request, notice_hash: str, *ticks: bool) -> tuple[str, str]:
        """A fresh statement for the purposes ticked now; the one before it no longer counts."""
        words, purposes = self.desk.words, self._ticked(ticks)
        account = self.desk.actor(request).account_id
        asked = self.desk.studio.consent.challenge(account, words.language, purposes, notice_hash)
        return asked.token, self._statement_card(asked)

    @staticmethod
    def _ticked(ticks: Sequence[bool]) -> frozenset[Purpose]:
        return frozenset(p for p, ticked in zip(Purpose, ticks, strict=True) if ticked)

    @property
    def answers(self) -> list[Any]:
        """The inputs of saving, in the order of `read`."""
        return [
            self.name, self.language, self.category, self.real_name, self.contact, self.clips, self.recording,
            self.challenge, self.document, self.languages, self.engines, *self.purposes, *self.attestations,
        ]  # fmt: skip

    @staticmethod
    def read(*values: Any) -> Answers:
        name, language, category, real_name, contact, clips, recording, challenge, document = values[:9]
        who = (name or "", language, category, real_name or "", contact or "")
        limits = frozenset(values[9] or ()), frozenset(values[10] or ())
        return Answers(*who, clips, recording, challenge, document, *limits, tuple(map(bool, values[11:])))

    def store(self, actor: Actor, answers: Answers) -> VoiceView:
        """Save the voice; whatever is missing is refused by the service, in words."""
        return self.desk.studio.voices.enrol(actor, answers.form())

    @property
    def everything(self) -> list[Any]:
        return [
            self.panel, self.name, self.real_name, self.contact, self.clips, self.recording, self.challenge,
            self.document, self.paper_area, self.clip_area, self.recording_area, self.statement_area,
            self.languages, self.engines, *self.purposes, *self.attestations,
        ]  # fmt: skip

    def emptied(self) -> tuple[Any, ...]:
        """The form closed and blank: nothing of a person stays in the page."""
        ticks = (False,) * (len(self.purposes) + len(self.attestations))
        cards = (clip_list(self.desk.words, []), "", self._statement_card(None))
        return gr.Column(visible=False), "", "", "", [], None, "", None, "", *cards, [], [], *ticks
