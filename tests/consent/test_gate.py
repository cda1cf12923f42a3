"""Without a consent that covers the use, nothing is cloned."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import func, select

from studio.bootstrap import Studio
from studio.consent.gate import permits
from studio.consent.purposes import Purpose
from studio.consent.statements import statement
from studio.db.tables import Asset, ConsentChallenge, ConsentRecord, Speaker, Voice
from studio.errors import AudioRefused, ConsentMissing, InputRefused, LicenceForbids, NotFound, NotPermitted
from studio.privacy.access import Actor, Role
from studio.voices.forms import VoiceForm
from tests.conftest import Home
from tests.enrolling import checked_speech, consent_form, enrol, voice_form
from tests.fakes import FakeJudges


def _rows(studio: Studio) -> int:
    with studio.database.read() as session:
        return sum(session.scalar(select(func.count()).select_from(t)) or 0 for t in (Speaker, Voice, Asset))


def _change_consent(studio: Studio, **values: object) -> None:
    with studio.database.write() as session:
        record = session.scalars(select(ConsentRecord)).one()
        for name, value in values.items():
            setattr(record, name, value)


def test_a_granted_consent_permits_what_it_names_and_nothing_else(studio: Studio, admin: Actor) -> None:
    made = enrol(studio, admin)
    assert made.usable and made.consent is not None and made.consent.status == "granted"
    with studio.database.read() as session:
        voice = session.get_one(Voice, made.id)
        assert permits(session, voice, {Purpose.ZERO_SHOT}).speaker_id == voice.speaker_id
        with pytest.raises(ConsentMissing, match="fine_tune"):
            permits(session, voice, {Purpose.ZERO_SHOT, Purpose.FINE_TUNE})


@pytest.mark.parametrize(
    ("values", "key"),
    [
        ({"status": "review"}, "consent.in_review"),
        ({"status": "refused"}, "consent.refused"),
        ({"expires_at": "2020-01-01T00:00:00.000+00:00"}, "consent.expired"),
        ({"withdrawn_at": "2026-01-01T00:00:00.000+00:00"}, "consent.withdrawn"),
    ],
)
def test_a_consent_that_is_not_in_force_permits_nothing(
    studio: Studio, admin: Actor, values: dict[str, object], key: str
) -> None:
    made = enrol(studio, admin)
    _change_consent(studio, **values)
    assert not studio.voices.view(admin, made.id).usable
    with pytest.raises(ConsentMissing) as refusal:
        studio.enrolment.start(admin, made.id, "fake")
    assert refusal.value.key == key


def test_a_licence_that_forbids_commercial_use_wins_over_consent(studio: Studio, admin: Actor) -> None:
    purposes = frozenset({Purpose.ZERO_SHOT, Purpose.COMMERCIAL_USE})
    made = enrol(studio, admin, consent=consent_form(studio, purposes))
    with studio.database.read() as session:
        voice = session.get_one(Voice, made.id)
        permits(session, voice, purposes, studio.engines.spec("fake"))
        with pytest.raises(LicenceForbids):
            permits(session, voice, purposes, studio.engines.spec("fake-nc"))


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"recording": None}, "consent.no_recording"),
        ({"attestations": frozenset({"adult"})}, "consent.attestations"),
        ({"purposes": frozenset({Purpose.INTERNAL_USE})}, "consent.no_cloning"),
        ({"purposes": frozenset({Purpose.ZERO_SHOT})}, "consent.stale_statement"),
        ({"challenge": "x" * 43}, "consent.challenge_unknown"),
    ],
)
def test_an_incomplete_consent_stores_nothing(
    studio: Studio, admin: Actor, change: dict[str, object], key: str
) -> None:
    form = voice_form(studio, admin)
    with pytest.raises((ConsentMissing, InputRefused)) as refusal:
        studio.voices.enrol(admin, replace(form, consent=replace(form.consent, **change)))  # type: ignore[arg-type]
    assert refusal.value.key == key
    assert _rows(studio) == 0


def unclear(studio: Studio, actor: Actor, judges: FakeJudges) -> VoiceForm:
    """A form whose statement is heard with two words in ten wrong: a person has to listen."""
    form = voice_form(studio, actor)
    with studio.database.read() as session:
        asked = session.scalars(select(ConsentChallenge).order_by(ConsentChallenge.created_at.desc())).first()
    assert asked is not None
    heard = asked.statement.split()
    for place in range(8, 8 + round(0.2 * len(heard))):
        heard[place] = "mumble" if heard[place].strip(",.") not in asked.words else heard[place]
    judges.hears = " ".join(heard)
    return form


def test_words_that_are_unclear_send_the_consent_to_a_person(
    studio: Studio, admin: Actor, judges: FakeJudges
) -> None:
    made = studio.voices.enrol(admin, unclear(studio, admin, judges))
    assert not made.usable
    (waiting,) = studio.consent.waiting(admin)
    assert waiting.transcript == judges.hears and waiting.voice_names == ("Linda",)
    assert waiting.doubts == ("words_unclear",)
    with pytest.raises(InputRefused):
        studio.consent.review(admin, waiting.id, True, "ok")
    studio.consent.review(admin, waiting.id, True, "I know her voice and heard the statement.")
    assert studio.voices.view(admin, made.id).usable
    with pytest.raises(NotFound):
        studio.consent.review(admin, waiting.id, False, "second thoughts")


def test_a_producer_cannot_approve_consent(
    studio: Studio, account: Callable[..., Actor], judges: FakeJudges
) -> None:
    producer = account("rosa")
    made = studio.voices.enrol(producer, unclear(studio, producer, judges))
    assert made.consent is not None
    with pytest.raises(NotPermitted):
        studio.consent.review(producer, made.consent.id, True, "trust me, it is me")
    reviewer = account("dpo", Role.REVIEWER)
    studio.consent.review(reviewer, made.consent.id, False, "no statement was spoken")
    assert not studio.voices.view(producer, made.id).usable


def test_a_consent_spoken_by_another_voice_is_refused(
    studio: Studio, admin: Actor, judges: FakeJudges
) -> None:
    form = voice_form(studio, admin)
    judges.voices[form.clips[0].clip.content_id] = 7
    with pytest.raises(AudioRefused) as refusal:
        studio.voices.enrol(admin, form)
    assert refusal.value.key == "consent.other_voice"
    assert _rows(studio) == 0


def test_one_foreign_clip_among_several_is_found(studio: Studio, admin: Actor, judges: FakeJudges) -> None:
    clips = tuple(checked_speech(studio, admin, start_s=float(s)) for s in (0, 2, 4))
    judges.voices[clips[2].clip.content_id] = 7
    with pytest.raises(AudioRefused) as refusal:
        enrol(studio, admin, clips=clips)
    assert refusal.value.key == "voices.different_speakers"
    assert _rows(studio) == 0


def test_the_statement_names_purposes_and_date_in_both_languages() -> None:
    purposes = frozenset({Purpose.ZERO_SHOT, Purpose.INTERNAL_USE})
    day, words = date(2026, 11, 23), ("luna", "sole")
    italian = statement("it", purposes, day, "Rossi Audio", words, "Piove.")
    assert "Rossi Audio può" in italian and "clonare la voce e uso interno" in italian
    assert "23 novembre 2026" in italian and "luna, sole. Piove." in italian
    english = statement("en", purposes, day, "", words, "It rains.")
    assert "this studio may" in english and "cloning the voice and internal use" in english


def test_consent_survives_a_restart(home: Home, admin: Actor) -> None:
    made = enrol(home.studio, admin)
    again = home.reopen()
    assert again.voices.view(admin, made.id).usable
    assert again.audit.verify(admin).intact
