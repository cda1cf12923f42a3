"""Versions of a consent: which one counts, who lets one pass, and what can no longer be changed."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from studio.bootstrap import Studio
from studio.consent.gate import permits
from studio.consent.purposes import Purpose
from studio.db.tables import ConsentRecord, Voice
from studio.errors import ConsentMissing, InputRefused, NotPermitted, StudioError
from studio.privacy.access import Actor, Role
from studio.privacy.audit import AuditQuery
from studio.synthesis.requests import SynthesisRequest, VoiceChoice
from studio.voices.forms import VoiceView
from tests.enrolling import checked_speech, consent_form, enrol

WIDE = frozenset({Purpose.ZERO_SHOT, Purpose.INTERNAL_USE, Purpose.LISTENING_TEST})
NOTE = "I listened to the statement."


def renew(
    studio: Studio,
    view: VoiceView,
    purposes: frozenset[Purpose] = WIDE,
    source: str = "upload",
    **more: object,
) -> ConsentRecord:
    """A further version; brought as a file it waits for a person."""
    form = consent_form(studio, purposes, subject=view.speaker_id, source=source, **more)
    studio.voices.renew(view.speaker_id, view.speaker_id, form)
    with studio.database.read() as session:
        query = select(ConsentRecord).where(ConsentRecord.speaker_id == view.speaker_id)
        newest = session.scalars(query.order_by(ConsentRecord.version.desc())).first()
    assert newest is not None and newest.version > 1
    return newest


def allowed(
    studio: Studio,
    view: VoiceView,
    purpose: Purpose = Purpose.ZERO_SHOT,
    engine: str = "fake",
    language: str = "",
) -> str:
    """ "" when the gate opens, else the key of its refusal."""
    with studio.database.read() as session:
        try:
            voice = session.get_one(Voice, view.id)
            permits(session, voice, {purpose}, studio.engines.spec(engine), language)
        except StudioError as refusal:
            return refusal.key
    return ""


def write(studio: Studio, record: ConsentRecord, **values: object) -> None:
    with studio.database.write() as session:
        session.execute(update(ConsentRecord).where(ConsentRecord.id == record.id).values(**values))


# -- which version counts ------------------------------------------------------------------------------


def test_a_renewal_takes_nothing_away_while_it_waits_or_when_it_is_refused(
    studio: Studio, admin: Actor
) -> None:
    view = enrol(studio, admin, consent=consent_form(studio))
    renewed = renew(studio, view)
    assert allowed(studio, view) == "" and studio.voices.view(admin, view.id).usable
    assert allowed(studio, view, Purpose.LISTENING_TEST) == "consent.purpose_missing"
    shown = studio.voices.view(admin, view.id).consent
    assert shown is not None and (shown.version, shown.status, shown.renewal) == (1, "granted", "review")
    studio.consent.review(admin, renewed.id, False, "Another voice is heard.")
    assert allowed(studio, view) == ""
    shown = studio.voices.view(admin, view.id).consent
    assert shown is not None and (shown.version, shown.renewal) == (1, "refused")


def test_an_approved_renewal_counts_from_then_on(studio: Studio, admin: Actor) -> None:
    view = enrol(studio, admin, consent=consent_form(studio))
    studio.consent.review(admin, renew(studio, view).id, True, NOTE)
    assert allowed(studio, view, Purpose.LISTENING_TEST) == ""


def test_the_speakers_file_tells_of_the_consent_that_counts(studio: Studio, admin: Actor) -> None:
    view = enrol(studio, admin, consent=consent_form(studio))
    before = studio.dossiers.open(admin, view.speaker_id)
    renew(studio, view, WIDE)
    waiting = studio.dossiers.open(admin, view.speaker_id)
    assert waiting.until == before.until
    assert set(waiting.purposes) == {purpose.value for purpose in WIDE} & set(before.purposes) != set()


def test_what_a_renewal_leaves_out_is_out_at_once(studio: Studio, admin: Actor) -> None:
    view = enrol(studio, admin, consent=consent_form(studio, WIDE))
    renew(studio, view, frozenset({Purpose.ZERO_SHOT, Purpose.EVALUATION}))
    assert allowed(studio, view) == ""
    assert allowed(studio, view, Purpose.LISTENING_TEST) == "consent.purpose_missing"
    assert allowed(studio, view, Purpose.EVALUATION) == "consent.purpose_missing", "nothing is added yet"
    shown = studio.voices.view(admin, view.id).consent
    assert shown is not None and shown.purposes == ("zero_shot",)


@pytest.mark.parametrize("version", [1, 2])
def test_a_withdrawn_version_always_wins(studio: Studio, admin: Actor, version: int) -> None:
    view = enrol(studio, admin, consent=consent_form(studio))
    renewed = renew(studio, view, source="microphone")
    assert renewed.status == "granted"
    with studio.database.write() as session:
        mine = update(ConsentRecord).where(ConsentRecord.version == version)
        session.execute(mine.values(withdrawn_at="2026-01-01T00:00:00.000+00:00"))
    assert allowed(studio, view) == "consent.withdrawn"


def test_an_older_version_does_not_revive_when_the_newer_one_ends(studio: Studio, admin: Actor) -> None:
    view = enrol(studio, admin, consent=consent_form(studio))
    renewed = renew(studio, view, source="microphone")
    ended = (datetime.now(UTC) - timedelta(days=1)).isoformat(timespec="milliseconds")
    write(studio, renewed, expires_at=ended)
    assert allowed(studio, view) == "consent.expired"


def test_nothing_is_added_to_a_voice_while_a_renewal_waits(studio: Studio, admin: Actor) -> None:
    """It would be bound to the old version alone, and fall silent with the new one's approval."""
    view = enrol(studio, admin, consent=consent_form(studio))
    renewed = renew(studio, view)
    clip = checked_speech(studio, admin, start_s=9.0)
    with pytest.raises(InputRefused) as refusal:
        studio.voices.add_clip(admin, view.id, clip)
    assert refusal.value.key == "consent.renewal_waits"
    studio.consent.review(admin, renewed.id, True, NOTE)
    assert len(studio.voices.add_clip(admin, view.id, clip).clips) == 2


# -- limits --------------------------------------------------------------------------------------------


def test_a_consent_that_names_engines_covers_no_other_and_neither_does_its_renewal(
    studio: Studio, admin: Actor
) -> None:
    view = enrol(studio, admin, consent=consent_form(studio, engines=frozenset({"fake"})))
    assert allowed(studio, view) == "" and allowed(studio, view, engine="fake-nc") == "consent.engine_missing"
    with pytest.raises(ConsentMissing):
        studio.enrolment.start(admin, view.id, "fake-nc")
    assert renew(studio, view, source="microphone").engines == ["fake"]
    assert allowed(studio, view, engine="fake-nc") == "consent.engine_missing"
    other = enrol(studio, admin, "Any", consent=consent_form(studio))
    assert allowed(studio, other, engine="fake-nc") == "", "none named: any whose licence allows"


def test_a_consent_that_names_languages_lets_the_voice_speak_no_other(studio: Studio, admin: Actor) -> None:
    view = enrol(studio, admin, consent=consent_form(studio, WIDE, languages=frozenset({"it"})))
    studio.enrolment.start(admin, view.id, "fake").wait()
    asked = SynthesisRequest(VoiceChoice(voice_id=view.id), "Buongiorno a tutti.", "it", "fake")
    take = studio.synthesis.preview(admin, asked).take()
    assert take.language == "it"
    with pytest.raises(ConsentMissing) as refusal:
        studio.synthesis.preview(admin, replace(asked, text="Good morning.", language="en"))
    assert refusal.value.key == "consent.language_missing" and "it" in refusal.value.text("it")
    assert renew(studio, view, source="microphone").languages == ["it"], "a renewal that says nothing of it"
    assert allowed(studio, view, language="en") == "consent.language_missing"
    assert renew(studio, view, source="microphone", languages=frozenset()).languages == []
    assert allowed(studio, view, language="en") == "", "the speaker took the limit away"


def test_a_limit_that_waits_for_a_person_holds_at_once_and_a_wider_one_does_not(
    studio: Studio, admin: Actor
) -> None:
    view = enrol(studio, admin, consent=consent_form(studio, languages=frozenset({"it", "en"})))
    renew(studio, view, languages=frozenset({"it"}), engines=frozenset({"fake"}))
    assert allowed(studio, view, language="en") == "consent.language_missing"
    assert allowed(studio, view, engine="fake-nc") == "consent.engine_missing"
    assert allowed(studio, view, language="it") == ""
    other = enrol(studio, admin, "Narrow", consent=consent_form(studio, languages=frozenset({"it"})))
    renew(studio, other, languages=frozenset())
    assert allowed(studio, other, language="en") == "consent.language_missing"


@pytest.mark.parametrize("limit", [{"engines": frozenset({"nobody"})}, {"languages": frozenset({"xx"})}])
def test_a_limit_that_was_not_offered_is_refused(
    studio: Studio, admin: Actor, limit: dict[str, frozenset[str]]
) -> None:
    with pytest.raises(InputRefused):
        enrol(studio, admin, consent=consent_form(studio, **limit))


# -- four eyes -----------------------------------------------------------------------------------------


def waiting(studio: Studio, actor: Actor) -> VoiceView:
    form = consent_form(studio, subject=actor.account_id, source="upload")
    return enrol(studio, actor, consent=form)


def test_who_recorded_a_consent_does_not_approve_it_while_others_could(
    studio: Studio, admin: Actor, account: Callable[..., Actor]
) -> None:
    dpo = account("dpo", Role.REVIEWER)
    view = waiting(studio, admin)
    assert view.consent is not None
    (asked,) = studio.consent.waiting(admin)
    assert asked.eyes == "own"
    with pytest.raises(NotPermitted) as refusal:
        studio.consent.review(admin, view.consent.id, True, NOTE)
    assert refusal.value.key == "consent.four_eyes" and not studio.voices.view(admin, view.id).usable
    (asked,) = studio.consent.waiting(dpo)
    assert asked.eyes == ""
    studio.consent.review(dpo, view.consent.id, True, NOTE)
    consent = studio.voices.view(admin, view.id).consent
    assert consent is not None and consent.status == "granted" and not consent.self_approved


def test_the_owner_of_an_invited_speaker_does_not_approve_either(
    studio: Studio, admin: Actor, account: Callable[..., Actor]
) -> None:
    """The speaker's link recorded it, but the voice is the owner's: two owners' eyes are not four."""
    account("dpo", Role.REVIEWER)
    view = enrol(studio, admin, consent=consent_form(studio))
    renewed = renew(studio, view)
    assert renewed.granted_by == view.speaker_id
    with pytest.raises(NotPermitted):
        studio.consent.review(admin, renewed.id, True, NOTE)
    studio.consent.review(admin, renewed.id, False, "They told me they had changed their mind.")


def test_alone_in_the_studio_one_may_and_it_is_written_down(
    studio: Studio, admin: Actor, account: Callable[..., Actor]
) -> None:
    account("rosa")  # a producer reviews nothing
    gone = account("gone", Role.REVIEWER)
    studio.accounts.disable(admin, gone.account_id)
    view = waiting(studio, admin)
    assert view.consent is not None
    (asked,) = studio.consent.waiting(admin)
    assert asked.eyes == "alone"
    studio.consent.review(admin, view.consent.id, True, NOTE)
    consent = studio.voices.view(admin, view.id).consent
    assert consent is not None and consent.self_approved
    (entry, *_) = studio.audit.search(admin, AuditQuery(action="consent.approved"))
    assert entry.facts["self_approved"] is True


# -- what stays ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["review", "granted"])
def test_the_database_lets_nothing_out_of_refused(studio: Studio, admin: Actor, status: str) -> None:
    view = waiting(studio, admin)
    assert view.consent is not None
    studio.consent.review(admin, view.consent.id, False, "Not the same voice.")
    with pytest.raises(IntegrityError, match="stays so"), studio.database.write() as session:
        session.execute(update(ConsentRecord).values(status=status))


def test_the_database_lets_nothing_out_of_withdrawn(studio: Studio, admin: Actor) -> None:
    enrol(studio, admin, consent=consent_form(studio))
    with studio.database.write() as session:
        session.execute(update(ConsentRecord).values(withdrawn_at="2026-01-01T00:00:00.000+00:00"))
    for change in (
        {"status": "review"},
        {"withdrawn_at": None},
        {"engines": ["fake"]},
        {"languages": ["it"]},
    ):
        with pytest.raises(IntegrityError), studio.database.write() as session:
            session.execute(update(ConsentRecord).values(**change))
