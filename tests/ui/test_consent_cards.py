"""What the pages say of a consent: that it ends soon, that a renewal waits, who approved it, and who may."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import gradio as gr
import pytest
from sqlalchemy import update

from studio.bootstrap import Studio
from studio.db.tables import ConsentRecord
from studio.privacy.access import Actor, Role
from studio.terminal.common import Terminal
from studio.terminal.voices import show
from studio.ui.desk import Desk
from studio.ui.header import build_header
from studio.ui.privacy.tab import PrivacyTab
from studio.ui.voices.review import ReviewList
from studio.ui.voices.tab import VoicesTab
from tests.enrolling import consent_form, enrol

Visitor = Callable[..., gr.Request]


@pytest.fixture
def tab(italian: Desk) -> VoicesTab:
    with gr.Blocks() as demo:
        return VoicesTab(italian, build_header(italian, demo), gr.Tabs())


def ends_in(studio: Studio, days: int) -> None:
    ends = (datetime.now(UTC) + timedelta(days=days, hours=1)).isoformat(timespec="milliseconds")
    with studio.database.write() as session:
        session.execute(update(ConsentRecord).values(expires_at=ends))


def test_the_voices_tab_reminds_from_thirty_days_before(
    studio: Studio, tab: VoicesTab, admin: Actor, visitor: Visitor
) -> None:
    enrol(studio, admin, "Linda <i>")
    for days, told in ((31, False), (29, True), (-2, True)):
        ends_in(studio, days)
        cards = tab.drawn(admin, "")[0]
        assert ('id="consents-ending"' in cards) is told
        assert ("tra 29 giorni" in cards) is (days == 29)
        assert not told or ("Linda &lt;i&gt;" in cards and "non manda e-mail" in cards)


def test_the_terminals_list_reminds_too(
    studio: Studio, admin: Actor, capsys: pytest.CaptureFixture[str]
) -> None:
    import argparse

    enrol(studio, admin, "Linda")
    ends_in(studio, 12)
    terminal = Terminal(studio.settings.storage)
    terminal._opened = studio
    show(terminal, argparse.Namespace(presets=False))
    told = capsys.readouterr().out
    assert "renew: the consent for Linda ends in 12 days" in told and "granted until" in told


def test_a_reviewer_sees_whose_eyes_decide(
    studio: Studio, tab: VoicesTab, admin: Actor, account: Callable[..., Actor], visitor: Visitor
) -> None:
    view = enrol(studio, admin, consent=consent_form(studio, source="upload"))
    with gr.Blocks():
        area = ReviewList(tab.desk, tab.approved)
    alone = area.shown(visitor(admin))
    assert "nessun altro può decidere" in alone and 'data-act="approve"' in alone
    dpo = account("dpo", Role.REVIEWER)
    barred = area.shown(visitor(admin))
    assert 'data-act="approve"' not in barred and 'data-act="refuse"' in barred
    assert 'data-act="approve"' in area.shown(visitor(dpo))
    studio.accounts.disable(admin, dpo.account_id)
    assert view.consent is not None
    studio.consent.review(admin, view.consent.id, True, "Nobody else is here.")
    assert "Approvato dall&#x27;account" in tab.drawn(admin, view.id)[1]


def test_a_file_names_the_engines_and_a_card_the_renewal(
    studio: Studio, tab: VoicesTab, italian: Desk, admin: Actor, visitor: Visitor
) -> None:
    view = enrol(
        studio, admin, consent=consent_form(studio, engines=frozenset({"fake"}), languages=frozenset({"it"}))
    )
    with gr.Blocks() as demo:
        file = PrivacyTab(italian, build_header(italian, demo)).show(view.speaker_id, "", visitor(admin))[2]
    assert "<dt>Motori</dt><dd>fake</dd>" in file and "<dt>Lingue</dt><dd>Italiano</dd>" in file
    form = consent_form(studio, subject=view.speaker_id, source="upload")
    studio.voices.renew(view.speaker_id, view.speaker_id, form)
    assert "Un rinnovo aspetta la verifica" in tab.drawn(admin, view.id)[0]
