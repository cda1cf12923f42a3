"""The first part of a speaker's file: identity, consent, links, voices, recordings, takes."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from studio.db.tables import (
    Asset,
    ConsentChallenge,
    ConsentDocument,
    ConsentLink,
    ConsentRecord,
    ConsentSample,
    EncodedVoice,
    ReferenceClip,
    SpeakerIdentity,
    Synthesis,
    Voice,
)
from studio.privacy.telling import FILES, Held, Teller, all_told, counted, told
from studio.privacy.vault import Vault


class VaultTeller(Teller):
    """What lies in the vault, and the rows that name it."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def held(self, session: Session, speaker_id: str) -> Iterator[Held]:
        counts: Counter[str] = Counter()
        sizes: Counter[str] = Counter()
        for asset in assets_of(session, speaker_id):
            counts[asset.kind] += 1
            sizes[asset.kind] += asset.size_bytes
        yield from (Held(kind, counts[kind], sizes[kind], FILES) for kind in sorted(counts))
        for kind, query in (
            ("voice", select(Voice.id).where(Voice.speaker_id == speaker_id)),
            ("identity", select(SpeakerIdentity.speaker_id).where(SpeakerIdentity.speaker_id == speaker_id)),
            ("consent", select(ConsentRecord.id).where(ConsentRecord.speaker_id == speaker_id)),
            ("challenge", select(ConsentChallenge.subject).where(ConsentChallenge.subject == speaker_id)),
            ("text", select(Synthesis.id).where(Synthesis.voice_id.in_(_voices(speaker_id)))),
            ("link", select(ConsentLink.id).where(ConsentLink.speaker_id == speaker_id)),
        ):
            yield from counted(session, query, kind)

    def data(self, session: Session, speaker_id: str) -> dict[str, Any]:
        voices = _voices(speaker_id)
        consents = session.scalars(select(ConsentRecord).where(ConsentRecord.speaker_id == speaker_id))
        mine: dict[str, Select[Any]] = {
            "voices": select(Voice).where(Voice.speaker_id == speaker_id),
            "recordings": select(ReferenceClip).where(ReferenceClip.voice_id.in_(voices)),
            "encodings": select(EncodedVoice).where(EncodedVoice.voice_id.in_(voices)),
            "documents": select(ConsentDocument).where(ConsentDocument.speaker_id == speaker_id),
            "links": select(ConsentLink).where(ConsentLink.speaker_id == speaker_id),
            "challenges": select(ConsentChallenge).where(ConsentChallenge.subject == speaker_id),
            "takes": select(Synthesis).where(Synthesis.voice_id.in_(voices)),
        }
        rows = {name: all_told(session, query, ["token_hash"]) for name, query in mine.items()}
        return {"consents": [told(one) | {"samples": _samples(session, one)} for one in consents]} | rows

    def identity(self, session: Session, speaker_id: str) -> dict[str, Any]:
        """Name and contact, opened; empty where none was given."""
        row = session.get(SpeakerIdentity, speaker_id)
        if row is None:
            return {}
        opened = self._vault.keyring.find(session, speaker_id).open(row.sealed, f"identity|{speaker_id}")
        found: dict[str, Any] = json.loads(opened)
        return found


def assets_of(session: Session, speaker_id: str) -> Iterable[Asset]:
    query = select(Asset).where(Asset.keyset_id == speaker_id)
    return session.scalars(query.order_by(Asset.created_at, Asset.id))


def _voices(speaker_id: str):  # type: ignore[no-untyped-def]
    return select(Voice.id).where(Voice.speaker_id == speaker_id)


def _samples(session: Session, consent: ConsentRecord) -> list[dict[str, Any]]:
    return all_told(session, select(ConsentSample).where(ConsentSample.consent_id == consent.id))
