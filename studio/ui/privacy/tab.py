"""The Privacy tab: speakers' files, what ends soon, rights carried out; for the office also notice and retention."""

from typing import Any

import gradio as gr

from studio.consent.documents import MOST_BYTES
from studio.errors import InputRefused
from studio.privacy.access import Actor, Permission
from studio.privacy.retention import ENDED, TAKE
from studio.privacy.uncovered import outside
from studio.ui.desk import Desk
from studio.ui.header import Header
from studio.ui.markup import board, esc
from studio.ui.privacy.cards import Keeping, link_card, reminders, speaker_file, speaker_list
from studio.ui.privacy.office import Office
from studio.ui.uploads import take_in
from studio.ui.voices.cards import receipt_card
from studio.ui.voices.links import address_of


def build_privacy_tab(desk: Desk, demo: gr.Blocks, header: Header) -> None:
    PrivacyTab(desk, header).wire(demo)


class PrivacyTab:
    """Layout, then wiring; handlers ask the privacy room and format."""

    def __init__(self, desk: Desk, header: Header) -> None:
        self.desk, self.header = desk, header
        words = desk.words
        gr.HTML(f"<h2>{esc(words('tab.privacy'))}</h2><p class='tb-dim'>{esc(words('privacy.info'))}</p>")
        self.chosen = gr.State("")
        self.due = board("privacy-due")
        self.search = gr.Textbox(
            label=words("privacy.search"), max_lines=1, elem_id="privacy-search", max_length=80
        )
        self.speakers = board("privacy-speakers")
        self.told = gr.HTML(elem_id="privacy-told")
        self.file = board("privacy-detail")
        with gr.Accordion(
            words("privacy.add_paper"), open=False, visible=False, elem_id="privacy-paper"
        ) as self.papers:
            self.paper = gr.File(
                file_types=[".pdf", ".png", ".jpg", ".jpeg"], label=words("enrol.document_file"), height=120
            )
        self.office = Office(desk)

    @property
    def shown(self) -> list[Any]:
        return [self.due, self.speakers, self.file, self.papers]

    def wire(self, demo: gr.Blocks) -> None:
        on, held = self.desk.on, [self.chosen, self.search]
        on(demo.load, self.show, held, self.shown)
        on(self.header.voice.change, self.show, held, self.shown)
        on(self.search.change, self.show, held, self.shown)
        for area in (self.due, self.speakers, self.file):
            acted = on(area.click, self.act, held, [self.chosen, self.told, *self.shown], progress="minimal")
            self.header.refresh(acted.then)
        keep = [self.paper, self.told, *self.shown]
        paper = [self.paper, *held]
        on(self.paper.upload, self.keep_paper, paper, keep, progress="minimal", empties=self.paper)
        self.office.wire(demo)

    # Handlers

    def show(self, chosen: str, search: str, request: gr.Request) -> tuple[Any, ...]:
        """Reminders, speakers, the chosen file, and whether papers can be added to it."""
        actor, studio, words = self.desk.actor(request), self.desk.studio, self.desk.words
        if not (actor.may(Permission.VOICES) or actor.may(Permission.REVIEW)):
            return (
                "",
                f'<p class="tb-note">{esc(words("privacy.not_yours"))}</p>',
                "",
                gr.Accordion(visible=False),
            )
        due = reminders(words, studio.consent.expiring(actor), studio.retention.days(ENDED))
        newest = studio.consent.newest(actor)
        rows = [(one, newest.get(one.speaker_id)) for one in studio.dossiers.speakers(actor)]
        wanted = (search or "").strip().casefold()
        found = [row for row in rows if wanted in f"{' '.join(row[0].voices)} {row[0].speaker_id}".casefold()]
        listed = speaker_list(words, found, chosen)
        living = chosen in {one.speaker_id for one, _ in rows if one.withdrawn_at is None}
        detail = self._detail(actor, chosen) if living else ""
        return due, listed, detail, gr.Accordion(visible=living)

    def _detail(self, actor: Actor, speaker_id: str) -> str:
        studio = self.desk.studio
        dossier = studio.dossiers.open(actor, speaker_id)
        consents = studio.consent.versions(actor, speaker_id)
        papers = studio.consent.documents.of_speaker(actor, speaker_id)
        return speaker_file(self.desk.words, dossier, consents, papers, self._keeping(speaker_id))

    def _keeping(self, speaker_id: str) -> Keeping:
        retention, folder = self.desk.studio.retention, self.desk.studio.settings.import_folder
        return Keeping(retention.until(speaker_id), retention.days(TAKE), folder.name, len(outside(folder)))

    def act(self, chosen: str, search: str, event: gr.EventData, request: gr.Request) -> tuple[Any, ...]:
        """A button of a list or of the file was pressed."""
        actor, studio, words = self.desk.actor(request), self.desk.studio, self.desk.words
        asked, told = event._data, ""
        speaker_id = str(asked.get("id", ""))
        match asked["act"]:
            case "open":
                chosen, told = speaker_id, self._receipt(actor, speaker_id)
            case "link":
                token = studio.speakers.link_to(actor, speaker_id)
                told = link_card(words, f"{address_of(self.desk, request)}/consent/{token}")
            case "withdraw":
                told = receipt_card(words, studio.erasure.withdraw(actor, speaker_id))
                chosen = ""
        return chosen, told, *self.show(chosen, search, request)

    def _receipt(self, actor: Actor, speaker_id: str) -> str:
        receipt = self.desk.studio.erasure.receipt_of(actor, speaker_id)
        return receipt_card(self.desk.words, receipt) if receipt else ""

    def keep_paper(self, path: str | None, chosen: str, search: str, request: gr.Request) -> tuple[Any, ...]:
        """Store a signed document with the chosen speaker."""
        if not path or not chosen:
            raise InputRefused("consent.document_kind")
        upload = take_in(path, "upload", MOST_BYTES // 2**20)
        self.desk.studio.consent.documents.upload(self.desk.actor(request), chosen, upload.data)
        note = f'<p class="tb-note good" role="status">{esc(self.desk.words("privacy.paper_kept"))}</p>'
        return None, note, *self.show(chosen, search, request)
