"""The gate: no use of a voice without a consent that covers it and a licence that allows it."""

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from studio.consent.purposes import Category, Purpose
from studio.db.tables import ConsentDocument, ConsentRecord, ConsentSample, ReferenceClip, Speaker, Voice, now
from studio.engines.base import EngineSpec
from studio.errors import ConsentMissing, InputRefused, LicenceForbids, NotFound


def consent_versions(session: Session, speaker_id: str) -> list[ConsentRecord]:
    """Every version of a speaker's consent, newest first."""
    query = select(ConsentRecord).where(ConsentRecord.speaker_id == speaker_id)
    return [*session.scalars(query.order_by(ConsentRecord.version.desc()))]


def current_consent(session: Session, speaker_id: str) -> ConsentRecord | None:
    """The version that counts: a withdrawn one always, else the newest that was granted.

    A renewal that waits for a person, or was refused, takes nothing away from a consent that still holds; once
    that has ended (or where there is none), the newest version says what is wrong.
    """
    versions = consent_versions(session, speaker_id)
    withdrawn = next((one for one in versions if one.withdrawn_at is not None), None)
    granted = next((one for one in versions if one.status == "granted"), None)
    if withdrawn is not None:
        return withdrawn
    if granted is not None and granted.expires_at > now():
        return granted
    return versions[0] if versions else None


def purposes_of(session: Session, consent: ConsentRecord) -> frozenset[str]:
    """What the consent covers now: a renewal that still waits cannot add to it, but what it leaves out is out."""
    return frozenset(consent.purposes).intersection(*(one.purposes for one in _waiting(session, consent)))


def _waiting(session: Session, consent: ConsentRecord) -> list[ConsentRecord]:
    """Renewals of it that nobody has decided on yet."""
    newer = consent_versions(session, consent.speaker_id)
    return [one for one in newer if one.version > consent.version and one.status == "review"]


def standing(session: Session, speaker_id: str) -> tuple[ConsentRecord, frozenset[str]] | None:
    """The version that counts with what it covers; None where a speaker never consented."""
    consent = current_consent(session, speaker_id)
    return (consent, purposes_of(session, consent)) if consent else None


def refuse_while_renewing(session: Session, speaker_id: str) -> None:
    """InputRefused while a renewal waits for a person: a recording added now would not be bound to it."""
    if any(one.status == "review" for one in consent_versions(session, speaker_id)):
        raise InputRefused("consent.renewal_waits")


def licence_allows(engine: EngineSpec, purposes: Collection[Purpose]) -> None:
    """LicenceForbids when the engine's licence rules out a purpose."""
    if Purpose.COMMERCIAL_USE in purposes and not engine.licence.commercial:
        raise LicenceForbids("consent.licence_forbids", engine=engine.name, licence=engine.licence.name)


def permits(
    session: Session,
    voice: Voice,
    purposes: Collection[Purpose],
    engine: EngineSpec | None = None,
    language: str = "",
) -> ConsentRecord:
    """The consent that covers every one of `purposes` for this voice now; asked anew at every use.

    `engine` and `language` are what it is to speak with, and in; where they are not named they are not asked for.
    Raises NotFound for a withdrawn speaker's voice, ConsentMissing naming what is lacking,
    LicenceForbids where the engine's licence rules a purpose out.
    """
    speaker = session.get(Speaker, voice.speaker_id)
    if speaker is None or speaker.withdrawn_at is not None:
        raise NotFound("voices.unknown")
    consent = current_consent(session, voice.speaker_id)
    if consent is None:
        raise ConsentMissing("consent.none", voice=voice.name)
    _in_force(consent, voice)
    _papers(session, consent, voice)
    _bound(session, consent, voice)
    missing = sorted(set(purposes) - purposes_of(session, consent))
    if missing:
        raise ConsentMissing("consent.purpose_missing", voice=voice.name, purposes=", ".join(missing))
    for one in (consent, *_waiting(session, consent)):
        _within(one, voice, engine, language)
    if engine is not None:
        licence_allows(engine, purposes)
    return consent


def _within(consent: ConsentRecord, voice: Voice, engine: EngineSpec | None, language: str) -> None:
    """Inside the limits that the speaker set, where they set any."""
    if engine is not None and consent.engines and engine.id not in consent.engines:
        raise ConsentMissing("consent.engine_missing", voice=voice.name, engine=engine.name)
    if language and consent.languages and language not in consent.languages:
        named = ", ".join(consent.languages)
        raise ConsentMissing("consent.language_missing", voice=voice.name, language=language, named=named)


def _in_force(consent: ConsentRecord, voice: Voice) -> None:
    if consent.withdrawn_at is not None:
        raise ConsentMissing("consent.withdrawn", voice=voice.name)
    if consent.status == "review":
        raise ConsentMissing("consent.in_review", voice=voice.name)
    if consent.status != "granted":
        raise ConsentMissing("consent.refused", voice=voice.name)
    if consent.expires_at <= now():
        raise ConsentMissing("consent.expired", voice=voice.name, day=consent.expires_at[:10])


def _papers(session: Session, consent: ConsentRecord, voice: Voice) -> None:
    """An employee cannot say no as freely as others: without a signed document the voice stays silent."""
    if consent.category != Category.EMPLOYEE.value:
        return
    signed = select(ConsentDocument.id).where(ConsentDocument.speaker_id == consent.speaker_id).limit(1)
    if session.scalars(signed).first() is None:
        raise ConsentMissing("consent.document_missing", voice=voice.name)


def _bound(session: Session, consent: ConsentRecord, voice: Voice) -> None:
    """Every recording of the voice was compared with the statement of this very consent."""
    bound = select(ConsentSample.content_id).where(ConsentSample.consent_id == consent.id)
    loose = select(ReferenceClip.id).where(
        ReferenceClip.voice_id == voice.id, ReferenceClip.content_id.not_in(bound)
    )
    if session.scalars(loose.limit(1)).first() is not None:
        raise ConsentMissing("consent.unbound", voice=voice.name)
