"""Consent records: written once, reviewed by a person where machines doubt, withdrawn at any time."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from studio.audio.clip import AudioClip
from studio.consent import statements
from studio.consent.evidence import Evidence, Listener, judge
from studio.consent.purposes import CONSENT_MONTHS, LAWFUL_BASIS, Category, Purpose
from studio.db.database import Database
from studio.db.tables import ConsentRecord, Speaker, Voice, now
from studio.errors import ConsentMissing, InputRefused, NotFound
from studio.privacy import audit
from studio.privacy.access import Actor, Permission

ATTESTATIONS = ("adult", "not_public_figure", "notice_read")


@dataclass(frozen=True)
class ConsentForm:
    """What the speaker ticked and read, and the recording of the statement."""

    category: Category
    purposes: frozenset[Purpose]
    attestations: frozenset[str]
    language: str
    statement: str
    recording: AudioClip | None
    source: str = "microphone"  # or "upload": then a person always listens


@dataclass(frozen=True)
class ConsentView:
    """A consent as people see it."""

    id: str
    speaker_id: str
    voice_names: tuple[str, ...]
    status: str
    purposes: tuple[str, ...]
    statement: str
    transcript: str
    statement_wer: float | None
    speaker_score: float | None
    granted_at: str
    expires_at: str


class ConsentService:
    """Asks, judges, keeps and reviews consent."""

    def __init__(self, database: Database, listener: Listener, organisation: str = "") -> None:
        self._database = database
        self._listener = listener
        self._organisation = organisation

    def notice(self, language: str) -> statements.Notice:
        return statements.notice(language)

    def statement(self, language: str, purposes: frozenset[Purpose], day: date | None = None) -> str:
        """The sentence to read aloud today; InputRefused when no purpose is ticked."""
        if not purposes:
            raise InputRefused("consent.no_purpose")
        return statements.statement(language, purposes, day or datetime.now(UTC).date(), self._organisation)

    def check(self, form: ConsentForm, clips: Sequence[AudioClip]) -> Evidence:
        """Everything that can be refused is refused here, before anything is stored."""
        missing = [name for name in ATTESTATIONS if name not in form.attestations]
        if missing:
            raise ConsentMissing("consent.attestations", missing=", ".join(missing))
        if Purpose.ZERO_SHOT not in form.purposes:
            raise ConsentMissing("consent.no_cloning")
        if form.recording is None:
            raise ConsentMissing("consent.no_recording")
        if form.statement != self.statement(form.language, form.purposes):
            raise ConsentMissing("consent.stale_statement")
        evidence = judge(self._listener, form.recording, form.statement, form.language, clips)
        if form.source == "microphone":
            return evidence
        # A file may be old or cut together: it proves less than reading today's statement here.
        return replace(evidence, status="review", reasons=(*evidence.reasons, "uploaded"))

    def add(
        self,
        session: Session,
        actor: Actor,
        speaker: Speaker,
        form: ConsentForm,
        evidence: Evidence,
        asset_id: str,
    ) -> ConsentRecord:
        """Write the next version of the speaker's consent in the caller's transaction."""
        latest = session.scalar(
            select(func.max(ConsentRecord.version)).where(ConsentRecord.speaker_id == speaker.id)
        )
        told = statements.notice(form.language)
        expires = datetime.now(UTC) + timedelta(days=CONSENT_MONTHS * 365 // 12)
        record = ConsentRecord(
            speaker_id=speaker.id,
            version=(latest or 0) + 1,
            category=form.category.value,
            purposes=sorted(p.value for p in form.purposes),
            lawful_basis=LAWFUL_BASIS,
            attestations=sorted(form.attestations),
            language=form.language,
            notice_version=told.version,
            notice_hash=told.hash,
            statement=form.statement,
            recording_asset_id=asset_id,
            transcript=evidence.transcript,
            statement_wer=evidence.statement_wer,
            speaker_score=evidence.speaker_score,
            judged_by=f"{evidence.judged_by}; {form.source}",
            status=evidence.status,
            granted_by=actor.account_id,
            granted_at=now(),
            expires_at=expires.isoformat(timespec="milliseconds"),
        )
        session.add(record)
        session.flush()
        audit.append(
            session, actor.account_id, "consent.recorded", speaker.id,
            version=record.version, purposes=record.purposes, status=record.status, source=form.source,
        )  # fmt: skip
        return record

    def waiting(self, actor: Actor) -> list[ConsentView]:
        """Consents that a person has to listen to."""
        actor.require(Permission.REVIEW)
        with self._database.read() as session:
            query = select(ConsentRecord).where(ConsentRecord.status == "review")
            return [
                self._view(session, row) for row in session.scalars(query.order_by(ConsentRecord.granted_at))
            ]

    def of_speaker(self, session: Session, speaker_id: str) -> ConsentView | None:
        query = select(ConsentRecord).where(ConsentRecord.speaker_id == speaker_id)
        row = session.scalars(query.order_by(ConsentRecord.version.desc()).limit(1)).first()
        return self._view(session, row) if row else None

    def review(self, actor: Actor, consent_id: str, approve: bool, note: str) -> None:
        """A person's decision, with the reason in writing; NotFound when nothing waits under this id."""
        actor.require(Permission.REVIEW)
        if len(note.strip()) < 5:
            raise InputRefused("consent.note_needed")
        with self._database.write() as session:
            record = session.get(ConsentRecord, consent_id)
            if record is None or record.status != "review":
                raise NotFound("consent.not_waiting")
            record.status = "granted" if approve else "refused"
            record.reviewer_id, record.review_note = actor.account_id, note.strip()
            action = "consent.approved" if approve else "consent.refused"
            audit.append(session, actor.account_id, action, record.speaker_id, version=record.version)

    @staticmethod
    def _view(session: Session, row: ConsentRecord) -> ConsentView:
        names = session.scalars(select(Voice.name).where(Voice.speaker_id == row.speaker_id))
        return ConsentView(
            row.id, row.speaker_id, tuple(names), row.status, tuple(row.purposes), row.statement, row.transcript,
            row.statement_wer, row.speaker_score, row.granted_at, row.expires_at,
        )  # fmt: skip
