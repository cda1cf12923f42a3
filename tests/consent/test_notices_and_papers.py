"""Notices are versions that stay; signed documents are sealed, downloaded and never shown; employees need one."""

from collections.abc import Callable

import pytest
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from studio.bootstrap import Studio
from studio.consent.documents import MOST_BYTES
from studio.consent.purposes import Category
from studio.db.tables import NoticeVersion
from studio.errors import ConsentMissing, InputRefused, NotFound, NotPermitted
from studio.privacy.access import Actor, Role
from tests.enrolling import PURPOSES, consent_form, enrol

PDF = b"%PDF-1.7\nSigned by hand.\n"
TEXTS = {"it": "Informativa nuova. " * 20, "en": "A new notice. " * 20}


def test_a_new_notice_is_shown_and_an_old_consent_keeps_its_text(studio: Studio, admin: Actor) -> None:
    first = studio.consent.notice("en")
    old = enrol(studio, admin)
    studio.consent.notices.publish(admin, TEXTS)
    second = studio.consent.notice("en")
    assert second.text == TEXTS["en"].strip() and second.hash != first.hash and second.version == "1"
    with studio.database.read() as session:
        assert studio.consent.notices.find(session, first.hash) == first
        assert studio.consent.notices.find(session, second.hash) == second
    assert old.usable
    with pytest.raises(ConsentMissing) as refusal:
        studio.consent.challenge(admin.account_id, "en", PURPOSES, first.hash)
    assert refusal.value.key == "consent.notice_changed"
    shown = studio.consent.notices.versions(admin, "en")
    assert [(one.notice.version, one.current) for one in shown] == [("1", True), (first.version, False)]


def test_a_notice_needs_both_languages_and_the_office(
    studio: Studio, admin: Actor, account: Callable[..., Actor]
) -> None:
    with pytest.raises(InputRefused):
        studio.consent.notices.publish(admin, {"it": TEXTS["it"]})
    with pytest.raises(NotPermitted):
        studio.consent.notices.publish(account("rosa"), TEXTS)
    studio.consent.notices.publish(account("dpo", Role.REVIEWER), TEXTS)
    with pytest.raises(IntegrityError, match="never changed"), studio.database.write() as session:
        session.execute(update(NoticeVersion).values(text="rewritten"))


def test_an_employees_voice_is_silent_without_a_signed_document(studio: Studio, admin: Actor) -> None:
    view = enrol(studio, admin, consent=consent_form(studio, category=Category.EMPLOYEE))
    assert not view.usable
    with pytest.raises(ConsentMissing) as refusal:
        studio.enrolment.start(admin, view.id, "fake")
    assert refusal.value.key == "consent.document_missing"
    studio.consent.documents.upload(admin, view.speaker_id, PDF)
    assert studio.voices.view(admin, view.id).usable


@pytest.mark.parametrize(
    "data", [b"", b"<svg onload=alert(1)>", b"<html>", b"MZ\x90", b"PK\x03\x04", PDF + bytes(MOST_BYTES)]
)
def test_what_is_no_document_or_too_big_is_refused(studio: Studio, admin: Actor, data: bytes) -> None:
    view = enrol(studio, admin)
    with pytest.raises(InputRefused):
        studio.consent.documents.upload(admin, view.speaker_id, data)
    assert studio.consent.documents.of_speaker(admin, view.speaker_id) == []


def test_a_document_lies_sealed_and_is_its_owners_and_the_offices(
    studio: Studio, admin: Actor, account: Callable[..., Actor]
) -> None:
    rosa, ugo, dpo = account("rosa"), account("ugo"), account("dpo", Role.REVIEWER)
    view = enrol(studio, rosa)
    kept = studio.consent.documents.upload(rosa, view.speaker_id, PDF)
    stored = b"".join(p.read_bytes() for p in studio.settings.storage.rglob("*") if p.is_file())
    assert PDF not in stored
    assert studio.consent.documents.open(dpo, kept.id)[0] == PDF
    for attempt in (
        lambda: studio.consent.documents.open(ugo, kept.id),
        lambda: studio.consent.documents.of_speaker(ugo, view.speaker_id),
        lambda: studio.consent.documents.upload(ugo, view.speaker_id, PDF),
        lambda: studio.consent.versions(ugo, view.speaker_id),
        lambda: studio.dossiers.open(ugo, view.speaker_id),
        lambda: studio.dossiers.export(ugo, view.speaker_id),
        lambda: studio.erasure.withdraw(ugo, view.speaker_id),
        lambda: studio.erasure.receipt_of(ugo, view.speaker_id),
        lambda: studio.speakers.link_to(ugo, view.speaker_id),
    ):
        with pytest.raises(NotFound):
            attempt()
    assert ugo not in studio.consent.newest(ugo) and studio.dossiers.speakers(ugo) == []
