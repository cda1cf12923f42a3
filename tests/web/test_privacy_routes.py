"""Speakers' files, signed documents and the record of processing by their address: for whom they are, as downloads."""

import io
import zipfile

import pytest

from studio.bootstrap import Studio
from studio.privacy.access import Actor
from studio.voices.forms import VoiceView
from tests.enrolling import enrol
from tests.web.conftest import Served
from tests.web.visitor import Visitor

PDF = b"%PDF-1.7 <script>alert(1)</script>"


@pytest.fixture
def studio(served: Served) -> Studio:
    return served.studio.studio


def voice_of(studio: Studio, visitor: Visitor) -> tuple[Actor, VoiceView]:
    actor = studio.accounts.actor_of(visitor.account_id)
    return actor, enrol(studio, actor, "Ada's")


def test_a_file_is_its_producers_and_nobody_elses(
    served: Served, studio: Studio, ada: Visitor, bob: Visitor
) -> None:
    _, view = voice_of(studio, ada)
    address = f"/privacy/file/{view.speaker_id}"
    mine = ada.client.get(address)
    assert mine.status_code == 200 and "attachment" in mine.headers["content-disposition"]
    with zipfile.ZipFile(io.BytesIO(mine.content)) as archive:
        assert b"Linda Real" in archive.read("file.json") and archive.testzip() is None
    theirs, missing = bob.client.get(address), bob.client.get("/privacy/file/spk_none")
    assert theirs.status_code == missing.status_code == 404 and theirs.text == missing.text
    assert served.anonymous().get(address).status_code == 401
    assert any(entry.action == "privacy.file_exported" for entry in studio.audit.read(_admin(studio)))


def test_a_document_is_never_shown_in_the_page(
    served: Served, studio: Studio, ada: Visitor, bob: Visitor
) -> None:
    actor, view = voice_of(studio, ada)
    kept = studio.consent.documents.upload(actor, view.speaker_id, PDF)
    answer = ada.client.get(f"/privacy/document/{kept.id}")
    assert answer.content == PDF and answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert bob.client.get(f"/privacy/document/{kept.id}").status_code == 404
    assert served.anonymous().get(f"/privacy/document/{kept.id}").status_code == 401


def test_the_record_of_processing_is_the_offices(served: Served, ada: Visitor) -> None:
    assert ada.client.get("/privacy/record.csv").status_code == 403
    dpo = served.visitor("dpo", "reviewer")
    answer = dpo.client.get("/privacy/record.csv", params={"language": "it"})
    assert answer.status_code == 200 and "Titolare" in answer.text and answer.text.count("\n") > 6


def _admin(studio: Studio) -> Actor:
    return studio.accounts.actor_of(studio.accounts.ensure_administrator().id)
