"""Withdrawal: everything of a speaker goes, the key first; a tombstone and a receipt stay."""

import logging
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from studio.db.database import Database
from studio.db.tables import (
    Asset,
    ConsentChallenge,
    ConsentDocument,
    ConsentLink,
    ConsentRecord,
    EncodedVoice,
    ErasureReceipt,
    ReferenceClip,
    Speaker,
    SpeakerIdentity,
    Synthesis,
    Voice,
    now,
)
from studio.errors import NotFound
from studio.privacy import audit, portable
from studio.privacy.access import Actor, Permission
from studio.privacy.vault import Vault

log = logging.getLogger(__name__)
SYSTEM = "studio"  # the actor in the audit log when a start finishes what a crash cut short
# Tables whose rows the receipt counts under another name: with the asset each of them holds, or by the room.
COUNTED_OTHERWISE = {
    *("reference_clip", "encoded_voice", "synthesis", "dataset_source", "dataset_utterance", "adapter"),
    *("consent_document", "listening_stimulus"),
    *("voice", "consent_record", "speaker_identity", "dataset", "training_job"),
    *("consent_link", "erasure_receipt"),  # they outlive the erasure
}
RECEIPT_DAYS = 30  # for so long the speaker's own link shows the receipt


def _in_days(days: int) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).isoformat(timespec="milliseconds")


@dataclass(frozen=True)
class Erased:
    """What one room removed: how many of each kind."""

    counts: Mapping[str, int]


# Removes a speaker's rows and files from one room, in the erasure's transaction; called again, it finds nothing.
Eraser = Callable[[Session, str], Erased]
# Ends a speaker's running work and forgets what is held in memory; called once the gate is shut.
Stopper = Callable[[str], object]


@dataclass(frozen=True)
class Receipt:
    """What was erased: how many of each kind, and when."""

    speaker_id: str
    erased_at: str
    erased: dict[str, int]


class Erasure:
    """Erases speakers; safe to call again, and finished at the next start if a crash cuts it short.

    Rooms that hold more of a speaker than the vault plug in: `stops(stopper)` and `erases(eraser)`.
    """

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault
        self._stoppers: list[Stopper] = []
        self._erasers: list[Eraser] = []

    def stops(self, stopper: Stopper) -> None:
        self._stoppers.append(stopper)

    def erases(self, eraser: Eraser) -> None:
        self._erasers.append(eraser)

    def withdraw(self, actor: Actor, speaker_id: str) -> Receipt:
        """For a speaker's producer or the privacy office; NotFound for a speaker that is not theirs to see."""
        with self._database.read() as session:
            self._find(session, actor, speaker_id)
        return self.erase(actor.account_id, speaker_id)

    def receipt_of(self, actor: Actor, speaker_id: str) -> Receipt | None:
        """The receipt, for whoever may see the speaker; None while nothing was erased."""
        with self._database.read() as session:
            return self.receipt(session, self._find(session, actor, speaker_id).id)

    @staticmethod
    def _find(session: Session, actor: Actor, speaker_id: str) -> Speaker:
        speaker = session.get(Speaker, speaker_id)
        may = actor.may(Permission.VOICES) or actor.may(Permission.REVIEW)
        if speaker is None or not may or not actor.owns(speaker.owner_id):
            raise NotFound("voices.unknown")
        return speaker

    def erase(self, by: str, speaker_id: str) -> Receipt:
        """Block, stop, shred the key, delete rows and files, empty the -wal; NotFound for an unknown speaker.

        The row is blocked in a transaction of its own, so that work in flight finds the gate shut.
        """
        with self._database.write() as session:
            speaker = session.get(Speaker, speaker_id)
            if speaker is None:
                raise NotFound("voices.unknown")
            speaker.withdrawn_at = speaker.withdrawn_at or now()
        for stopper in self._stoppers:
            stopper(speaker_id)
        with self._database.write() as session:
            receipt = self._shred(session, by, speaker_id)
        if not self._database.checkpoint():
            log.warning("a reader kept the -wal file from being emptied; the next start empties it")
        return receipt

    def resume(self) -> int:
        """Finish the erasures that a crash cut short; returns how many."""
        done = select(ErasureReceipt.speaker_id)
        with self._database.read() as session:
            begun = select(Speaker.id).where(Speaker.withdrawn_at.is_not(None), Speaker.id.not_in(done))
            cut_short = list(session.scalars(begun))
        for speaker_id in cut_short:
            self.erase(SYSTEM, speaker_id)
        return len(cut_short)

    def receipt(self, session: Session, speaker_id: str) -> Receipt | None:
        """The receipt of a speaker that was erased."""
        row = session.get(ErasureReceipt, speaker_id)
        return Receipt(row.speaker_id, row.erased_at, dict(row.erased)) if row else None

    def _shred(self, session: Session, by: str, speaker_id: str) -> Receipt:
        counts = _cascading(session, speaker_id)
        for eraser in self._erasers:
            counts.update(eraser(session, speaker_id).counts)
        counts.update(self._rows(session, speaker_id))
        assets = [*session.scalars(select(Asset).where(Asset.keyset_id == speaker_id))]
        counts.update(asset.kind for asset in assets)
        for asset in assets:
            self._vault.delete(session, asset.id)
        session.flush()
        counts["key"] += self._vault.keyring.destroy(session, speaker_id)
        return self._written(session, by, speaker_id, +counts)

    @staticmethod
    def _rows(session: Session, speaker_id: str) -> Counter[str]:
        """Delete the rows that name the speaker's voices; those of assets are counted with the assets."""
        voices = select(Voice.id).where(Voice.speaker_id == speaker_id)
        for table, column in (
            (Synthesis, Synthesis.voice_id),
            (EncodedVoice, EncodedVoice.voice_id),
            (ReferenceClip, ReferenceClip.voice_id),
        ):
            session.execute(delete(table).where(column.in_(voices)))
        counts: Counter[str] = Counter()
        for kind, statement in (
            ("voice", delete(Voice).where(Voice.speaker_id == speaker_id)),
            ("document_entry", delete(ConsentDocument).where(ConsentDocument.speaker_id == speaker_id)),
            ("consent", delete(ConsentRecord).where(ConsentRecord.speaker_id == speaker_id)),
            ("identity", delete(SpeakerIdentity).where(SpeakerIdentity.speaker_id == speaker_id)),
            ("challenge", delete(ConsentChallenge).where(ConsentChallenge.subject == speaker_id)),
        ):
            counts[kind] += session.execute(statement).rowcount  # type: ignore[attr-defined]
        del counts["document_entry"]  # the document itself is counted as an asset
        for link in session.scalars(select(ConsentLink).where(ConsentLink.speaker_id == speaker_id)):
            link.voice_name = ""
            link.expires_at = max(link.expires_at, _in_days(RECEIPT_DAYS))
        return counts

    @staticmethod
    def _written(session: Session, by: str, speaker_id: str, counts: Counter[str]) -> Receipt:
        row = session.get(ErasureReceipt, speaker_id)
        if row is None:
            row = ErasureReceipt(speaker_id=speaker_id, erased=dict(counts), erased_by=by, erased_at=now())
            session.add(row)
        else:  # called again: what it found meanwhile is added
            row.erased = dict(Counter(row.erased) + counts)
        facts = {f"erased_{kind}": count for kind, count in sorted(counts.items())}
        audit.append(session, by, "speaker.erased", speaker_id, **facts)
        return Receipt(speaker_id, row.erased_at, dict(row.erased))


def _cascading(session: Session, speaker_id: str) -> Counter[str]:
    """Rows that go with others by the database's own rules, or forget the speaker by them; by table."""
    session.flush()
    raw = session.connection().connection.dbapi_connection
    assert raw is not None
    found = portable.belongings(raw, speaker_id)  # type: ignore[arg-type]
    tables = (found.own.keys() | found.touched.keys()) - COUNTED_OTHERWISE
    return Counter({name: len(found.own.get(name, {}) | found.touched.get(name, {})) for name in tables})
