"""Withdrawal: everything of a speaker goes, the key first; a tombstone and a receipt stay."""

from collections import Counter
from dataclasses import dataclass

from sqlalchemy import delete, select

from studio.db.database import Database
from studio.db.tables import (
    Asset,
    ConsentRecord,
    EncodedVoice,
    ReferenceClip,
    Speaker,
    SpeakerIdentity,
    Synthesis,
    Voice,
    now,
)
from studio.errors import NotFound
from studio.privacy import audit
from studio.privacy.access import Actor
from studio.privacy.vault import Vault


@dataclass(frozen=True)
class Receipt:
    """What was erased: how many assets of each kind, and when."""

    speaker_id: str
    erased_at: str
    erased: dict[str, int]


class Eraser:
    """Erases a speaker; safe to call again."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

    def erase_speaker(self, actor: Actor, speaker_id: str, reason: str) -> Receipt:
        """Block, shred the key, delete rows and files, empty the -wal; NotFound for an unknown speaker.

        The row is blocked in a transaction of its own, so that work in flight finds the gate shut.
        """
        with self._database.write() as session:
            speaker = session.get(Speaker, speaker_id)
            if speaker is None or not actor.owns(speaker.owner_id):
                raise NotFound("voices.unknown")
            speaker.withdrawn_at = speaker.withdrawn_at or now()
            erased_at = speaker.withdrawn_at
        erased = self._shred(actor, speaker_id, reason)
        self._database.checkpoint()
        return Receipt(speaker_id, erased_at, erased)

    def _shred(self, actor: Actor, speaker_id: str, reason: str) -> dict[str, int]:
        with self._database.write() as session:
            voices = select(Voice.id).where(Voice.speaker_id == speaker_id)
            assets = [*session.scalars(select(Asset).where(Asset.keyset_id == speaker_id))]
            erased = dict(Counter(asset.kind for asset in assets))
            for table, column in (
                (Synthesis, Synthesis.voice_id),
                (EncodedVoice, EncodedVoice.voice_id),
                (ReferenceClip, ReferenceClip.voice_id),
            ):
                session.execute(delete(table).where(column.in_(voices)))
            session.execute(delete(Voice).where(Voice.speaker_id == speaker_id))
            session.execute(delete(ConsentRecord).where(ConsentRecord.speaker_id == speaker_id))
            session.execute(delete(SpeakerIdentity).where(SpeakerIdentity.speaker_id == speaker_id))
            for asset in assets:
                self._vault.delete(session, asset.id)
            session.flush()
            self._vault.keyring.destroy(session, speaker_id)
            facts = {f"erased_{kind}": count for kind, count in sorted(erased.items())}
            audit.append(
                session, actor.account_id, "speaker.erased", speaker_id, reason_given=bool(reason), **facts
            )
            return erased
