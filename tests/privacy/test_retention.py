"""What is over its time goes, and nothing else: takes, speakers whose consent has ended, links."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import IntegrityError

from studio.bootstrap import Studio
from studio.consent.purposes import Category
from studio.db.tables import Asset, AuditEntry, ConsentLink, ConsentRecord, Speaker, Synthesis
from studio.errors import InputRefused, NotFound, NotPermitted
from studio.privacy.access import Actor, Role
from studio.privacy.retention import ENDED, LINK, TAKE, WAITING
from studio.synthesis.requests import SynthesisRequest, VoiceChoice
from studio.voices.speakers import Invitation
from tests.enrolling import consent_form, enrol


def ago(days: float) -> str:
    return (datetime.now(UTC) - timedelta(days=days)).isoformat(timespec="milliseconds")


def take(studio: Studio, actor: Actor, words: str, days: float = 0) -> str:
    request = SynthesisRequest(VoiceChoice("", "fake", "tone"), words, "en", "fake", score=False)
    made = studio.synthesis.preview(actor, request).take()
    with studio.database.write() as session:
        session.execute(update(Synthesis).where(Synthesis.id == made.id).values(created_at=ago(days)))
    return made.id


def test_takes_over_their_days_are_deleted_with_their_sound(studio: Studio, admin: Actor) -> None:
    old, young = take(studio, admin, "An old one.", 8), take(studio, admin, "A young one.", 6)
    assert studio.retention.purge() == {}, "without a rule nothing goes"
    studio.retention.set(admin, TAKE, 7)
    (rule,) = [rule for rule in studio.retention.rules(admin) if rule.kind == TAKE]
    assert rule.days == 7 and rule.due == 1
    assert studio.retention.run(admin) == {TAKE: 1}
    with pytest.raises(NotFound):
        studio.synthesis.takes.find(admin, old)
    assert studio.synthesis.takes.find(admin, young).text == "A young one."
    with studio.database.read() as session:
        assert len([*session.scalars(select(Asset).where(Asset.kind == "take"))]) == 1
        kept = [*session.scalars(select(AuditEntry.body))]
    assert any("retention.purged" in body for body in kept) and studio.audit.verify(admin).intact


def test_a_speaker_goes_a_month_after_the_consent_has_ended_and_not_before(
    studio: Studio, admin: Actor
) -> None:
    gone, kept = enrol(studio, admin, "Gone"), enrol(studio, admin, "Kept")
    for view, days in ((gone, 31), (kept, 29)):
        with studio.database.write() as session:
            ended = update(ConsentRecord).where(ConsentRecord.speaker_id == view.speaker_id)
            session.execute(ended.values(expires_at=ago(days)))
    assert {v.speaker_id for v in studio.consent.expiring(admin)} == {gone.speaker_id, kept.speaker_id}
    assert studio.retention.purge() == {ENDED: 1}
    assert [v.id for v in studio.voices.browse(admin)] == [kept.id]
    assert studio.erasure.receipt_of(admin, gone.speaker_id) is not None
    assert studio.retention.purge() == {}


def test_an_invitation_nobody_answered_is_forgotten(studio: Studio, admin: Actor) -> None:
    studio.speakers.invite(admin, Invitation("Silent", "en", Category.CUSTOMER, "Sil Ent"))
    with studio.database.write() as session:
        session.execute(update(Speaker).values(created_at=ago(60)))
    assert studio.retention.purge() == {}, "the link still lives"
    with studio.database.write() as session:
        session.execute(update(ConsentLink).values(expires_at=ago(31)))
    assert studio.retention.purge() == {ENDED: 1}
    studio.retention.set(admin, LINK, 30)
    assert studio.retention.purge() == {}, "it shows the receipt for a month"
    with studio.database.write() as session:
        session.execute(update(ConsentLink).values(expires_at=ago(31)))
    assert studio.retention.purge() == {LINK: 1}


@pytest.mark.parametrize(("kind", "days"), [("audit", 1), (TAKE, -1), (TAKE, 5000)])
def test_a_rule_that_cannot_be_is_refused(studio: Studio, admin: Actor, kind: str, days: int) -> None:
    with pytest.raises(InputRefused):
        studio.retention.set(admin, kind, days)


def test_only_the_office_sets_rules(studio: Studio, account: Callable[..., Actor]) -> None:
    rosa, reviewer = account("rosa"), account("dpo", Role.REVIEWER)
    for attempt in (
        lambda: studio.retention.rules(rosa),
        lambda: studio.retention.run(rosa),
        lambda: studio.retention.set(rosa, TAKE, 1),
    ):
        with pytest.raises(NotPermitted):
            attempt()
    studio.retention.set(reviewer, TAKE, 1)
    assert studio.retention.days(TAKE) == 1


def in_review(studio: Studio, actor: Actor, name: str, days: float) -> str:
    """A speaker whose consent waits for a person since so many days; the speaker's id."""
    form = consent_form(studio, subject=actor.account_id, source="upload")
    view = enrol(studio, actor, name, consent=form)
    assert studio.consent.waiting(actor)
    with studio.database.write() as session:
        # Records are written once: the trigger is set aside to make one of another day.
        session.execute(text("drop trigger consent_record_immutable"))
        mine = update(ConsentRecord).where(ConsentRecord.speaker_id == view.speaker_id)
        session.execute(mine.values(granted_at=ago(days)))
    return view.speaker_id


def consent_of(studio: Studio, speaker_id: str) -> ConsentRecord:
    with studio.database.read() as session:
        return session.scalars(select(ConsentRecord).where(ConsentRecord.speaker_id == speaker_id)).one()


def test_a_refused_consent_is_kept_for_days_from_the_decision_not_for_a_year(
    studio: Studio, admin: Actor
) -> None:
    speaker_id = in_review(studio, admin, "Refused", 0)
    studio.consent.review(admin, consent_of(studio, speaker_id).id, False, "not the same voice")
    assert studio.retention.purge() == {}
    refused = consent_of(studio, speaker_id)
    assert refused.decided_at and refused.expires_at > ago(-300)
    with studio.database.write() as session, pytest.raises(IntegrityError, match="decided on once"):
        session.execute(update(ConsentRecord).values(decided_at=ago(31)))
    with studio.database.write() as session:
        session.execute(text("drop trigger consent_record_decided_once"))
        session.execute(update(ConsentRecord).values(decided_at=ago(31)))
    assert studio.retention.purge() == {ENDED: 1}
    assert studio.erasure.receipt_of(admin, speaker_id) is not None


def test_a_consent_nobody_decides_on_is_not_kept_for_a_year(studio: Studio, admin: Actor) -> None:
    speaker_id = in_review(studio, admin, "Waiting", 59)
    assert studio.retention.purge() == {}
    with studio.database.write() as session:
        session.execute(update(ConsentRecord).values(granted_at=ago(61)))
    due = {rule.kind: rule.due for rule in studio.retention.rules(admin)}
    assert due == {TAKE: 0, ENDED: 0, WAITING: 1, LINK: 0}
    assert studio.retention.purge() == {WAITING: 1}
    assert studio.erasure.receipt_of(admin, speaker_id) is not None


def test_a_renewal_that_waits_leaves_a_consent_in_force_alone(studio: Studio, admin: Actor) -> None:
    voice = enrol(studio, admin, "Renewing")
    form = consent_form(studio, subject=admin.account_id, source="upload")
    studio.voices.renew(admin.account_id, voice.speaker_id, form)
    with studio.database.write() as session:
        session.execute(text("drop trigger consent_record_immutable"))
        session.execute(update(ConsentRecord).values(granted_at=ago(90)))
    assert studio.retention.purge() == {}
