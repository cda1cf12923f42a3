"""The gate: no use of a voice without a consent that covers it and a licence that allows it."""

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from studio.consent.purposes import Purpose
from studio.db.tables import ConsentRecord, Speaker, Voice, now
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
