"""The Privacy tab: files opened, papers added, speakers erased, the office's notice, rules and record."""

from collections.abc import Callable
from pathlib import Path

import gradio as gr
import pytest

from studio.bootstrap import Studio
from studio.errors import LANGUAGES, NotFound, NotPermitted
from studio.privacy.access import Actor, Role
from studio.privacy.retention import DEFAULTS
from studio.ui.desk import Desk
from studio.ui.header import build_header
from studio.ui.privacy.record import ACTIVITIES, COLUMNS, processing_record, record_csv
from studio.ui.privacy.tab import PrivacyTab
from studio.ui.voices.links import InviteForm
from studio.ui.words import Words
from tests.enrolling import enrol

Press = Callable[..., gr.EventData]
Visitor = Callable[..., gr.Request]


@pytest.fixture
def tab(italian: Desk) -> PrivacyTab:
    with gr.Blocks() as demo:
        return PrivacyTab(italian, build_header(italian, demo))


def test_a_file_says_who_what_where_why_and_until_when(
    studio: Studio, tab: PrivacyTab, admin: Actor, visitor: Visitor, press: Press
) -> None:
    view, asker = enrol(studio, admin, "Linda <b>"), visitor(admin, host="127.0.0.1:1")
    _, listed, detail, papers = tab.show("", "", asker)
    assert "Linda &lt;b&gt;" in listed and "<b>" not in listed.replace("<b>Linda", "") and detail == ""
    chosen, _, _, _, detail, papers = tab.act("", "", press("open", id=view.speaker_id), asker)
    assert chosen == view.speaker_id and papers.visible
    for told in ("Linda Real", "linda@x.example", "per creare la voce", "cifrati con la chiave del parlante"):
        assert told in detail
    assert f"/privacy/file/{view.speaker_id}" in detail
    assert "Linda Real" not in listed, "names are only in the file"
    assert tab.show("", "nobody", asker)[1].count("<article") == 0


def test_a_paper_is_added_and_its_upload_is_gone(
    studio: Studio, tab: PrivacyTab, admin: Actor, visitor: Visitor, tmp_path: Path
) -> None:
    view = enrol(studio, admin)
    file = tmp_path / "signed.pdf"
    file.write_bytes(b"%PDF-1.4 signed")
    _, told, *shown = tab.keep_paper(str(file), view.speaker_id, "", visitor(admin))
    assert "conservato" in told and "/privacy/document/doc_" in shown[2] and not file.exists()


def test_erasing_shows_the_receipt_and_it_can_be_opened_again(
    studio: Studio, tab: PrivacyTab, admin: Actor, visitor: Visitor, press: Press
) -> None:
    view, asker = enrol(studio, admin), visitor(admin)
    chosen, told, _, listed, detail, _ = tab.act(
        view.speaker_id, "", press("withdraw", id=view.speaker_id), asker
    )
    assert chosen == "" and "Ricevuta" in told and detail == "" and "Revocati: 1" in listed
    again = tab.act("", "", press("open", id=view.speaker_id), asker)
    assert "Ricevuta" in again[1] and again[4] == ""


def test_a_link_is_shown_once_with_the_address_of_this_studio(
    studio: Studio, tab: PrivacyTab, admin: Actor, visitor: Visitor, press: Press
) -> None:
    view, asker = enrol(studio, admin), visitor(admin, host="studio.local:7860")
    told = tab.act(view.speaker_id, "", press("link", id=view.speaker_id), asker)[1]
    token = told.split("http://studio.local:7860/consent/")[1][:43]
    assert studio.speakers.page(token, "it").phase == "granted"
    assert token not in tab.act(view.speaker_id, "", press("open", id=view.speaker_id), asker)[1]


def test_an_invitation_gives_a_link_to_a_page_that_asks(
    studio: Studio, italian: Desk, admin: Actor, visitor: Visitor
) -> None:
    with gr.Blocks():
        form = InviteForm(italian)
    asker = visitor(admin, host="h:1")
    told, *emptied, _ = form.invite("Rosa", "it", "customer", "Rosa Bianchi", "", asker)
    token = told.split("/consent/")[1][:43]
    page = studio.speakers.page(token, "it")
    assert page.phase == "invited" and page.guest.voice_name == "Rosa" and emptied == ["", "", ""]


def test_an_open_link_is_listed_without_its_address_and_opens_nothing_once_revoked(
    studio: Studio,
    italian: Desk,
    account: Callable[..., Actor],
    admin: Actor,
    visitor: Visitor,
    press: Press,
) -> None:
    with gr.Blocks():
        form = InviteForm(italian)
    rosa, bob = account("rosa"), visitor(account("bob"))
    asker = visitor(rosa, host="h:1")
    told, *_, sent = form.invite("Anna & Co", "it", "customer", "Anna Bianchi", "", asker)
    token = told.split("/consent/")[1][:43]
    (link,) = studio.speakers.links.living(rosa)
    assert "Anna &amp; Co" in sent and "non ancora aperto" in sent and token not in sent
    assert form.show(bob) == form.show(visitor(account("lea", Role.LISTENER))) == ""
    with pytest.raises(NotFound):
        form.revoke(press("revoke", id=link.id), bob)
    assert form.revoke(press("revoke", id=link.id), asker) == ""
    with pytest.raises(NotFound):
        studio.speakers.page(token, "it")
    voice = enrol(studio, rosa)  # of a speaker who has answered: the way out is theirs
    studio.speakers.link_for(rosa, voice.id)
    (theirs,) = studio.speakers.links.living(rosa)
    assert "data-act" not in form.show(asker) and "data-act" in form.show(visitor(admin))
    with pytest.raises(NotPermitted):
        form.revoke(press("revoke", id=theirs.id), asker)


def test_others_and_listeners_see_nothing(
    studio: Studio,
    tab: PrivacyTab,
    admin: Actor,
    account: Callable[..., Actor],
    visitor: Visitor,
    press: Press,
) -> None:
    view = enrol(studio, admin)
    rosa, ada = account("rosa"), account("ada", Role.LISTENER)
    assert "Linda" not in "".join(map(str, tab.show(view.speaker_id, "", visitor(rosa))))
    assert "ufficio privacy" in tab.show(view.speaker_id, "", visitor(ada))[1]
    for act in ("open", "withdraw", "link"):
        with pytest.raises(NotFound):
            tab.act("", "", press(act, id=view.speaker_id), visitor(rosa, host="h"))
    assert not tab.office.show(visitor(rosa))[0].visible


def test_the_office_publishes_a_notice_and_sets_rules(
    studio: Studio, tab: PrivacyTab, account: Callable[..., Actor], visitor: Visitor
) -> None:
    asker = visitor(account("dpo", Role.REVIEWER))
    tab.office.publish_notice(asker, "Nuova informativa. " * 20, "A new notice. " * 20)
    assert studio.consent.notice("it").text.startswith("Nuova informativa.")
    tab.office.keep_rules(asker, 10, 30, 45, None)
    assert [studio.retention.days(kind) for kind in DEFAULTS] == [10, 30, 45, None]
    assert "Nulla era oltre" in tab.office.purge(asker)[0]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_record_of_processing_is_complete_and_no_cell_is_a_formula(
    studio: Studio, admin: Actor, language: str
) -> None:
    import csv
    import io

    from studio.settings import Settings

    record = processing_record(studio, admin, Words(language))
    assert len(record.rows) == len(ACTIVITIES) and all(
        len(row) == len(COLUMNS) and all(row) for row in record.rows
    )

    class Named:
        settings = Settings(storage=studio.settings.storage, organisation="=cmd|' /C calc'!A1")
        retention, dossiers = studio.retention, studio.dossiers

    raw = record_csv(Named(), admin, language).decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(raw)))
    assert rows[0][1].startswith("'=") and len(rows) == 2 + len(ACTIVITIES)
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@"))]
