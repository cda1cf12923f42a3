"""The gate: no use of a voice without a consent that covers it and a licence that allows it."""

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from studio.consent.purposes import Category, Purpose
from studio.db.tables import ConsentDocument, ConsentRecord, ConsentSample, ReferenceClip, Speaker, Voice, now
from studio.engines.base import EngineSpec
from studio.errors import ConsentMissing, LicenceForbids, NotFound


def current_consent(session: Session, speaker_id: str) -> ConsentRecord | None:
    """The newest version of a speaker's consent, whatever its state."""
    query = select(ConsentRecord).where(ConsentRecord.speaker_id == speaker_id)
    return session.scalars(query.order_by(ConsentRecord.version.desc()).limit(1)).first()


def licence_allows(engine: EngineSpec, purposes: Collection[Purpose]) -> None:
    """LicenceForbids when the engine's licence rules out a purpose."""
    if Purpose.COMMERCIAL_USE in purposes and not engine.licence.commercial:
        raise LicenceForbids("consent.licence_forbids", engine=engine.name, licence=engine.licence.name)


def permits(
    session: Session, voice: Voice, purposes: Collection[Purpose], engine: EngineSpec | None = None
) -> ConsentRecord:
    """The consent that covers every one of `purposes` for this voice now; asked anew at every use.

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
    missing = sorted(p.value for p in purposes if p.value not in consent.purposes)
    if missing:
        raise ConsentMissing("consent.purpose_missing", voice=voice.name, purposes=", ".join(missing))
    if engine is not None:
        licence_allows(engine, purposes)
    return consent


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
