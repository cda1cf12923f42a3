"""Consents as people see them."""

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from studio.consent.documents import documents_of
from studio.consent.eyes import self_approved
from studio.db.tables import ConsentRecord, ConsentSample, Voice

REMIND_DAYS = 30  # before a consent ends


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
    version: int
    category: str
    doubts: tuple[str, ...]
    documents: tuple[str, ...]  # ids
    samples: int  # recordings it is bound to
    engines: tuple[str, ...]  # ids; empty: any whose licence allows the purposes
    languages: tuple[str, ...]  # that the voice may be made to speak; empty: any
    self_approved: bool  # by the account that recorded it: nobody else could
    renewal: str = ""  # "review" or "refused": a newer version that does not count (yet)
    eyes: str = ""  # for a reviewer: "own" has to be left to somebody else, "alone" nobody else is there

    @property
    def days_left(self) -> int:
        """Whole days until it ends; negative once it has."""
        return (datetime.fromisoformat(self.expires_at) - datetime.now(UTC)).days


def view(session: Session, row: ConsentRecord) -> ConsentView:
    """A record as people see it."""
    names = session.scalars(select(Voice.name).where(Voice.speaker_id == row.speaker_id))
    papers = tuple(document.id for document in documents_of(session, row.speaker_id))
    bound = select(func.count()).select_from(ConsentSample).where(ConsentSample.consent_id == row.id)
    return ConsentView(
        row.id, row.speaker_id, tuple(names), row.status, tuple(row.purposes), row.statement, row.transcript,
        row.statement_wer, row.speaker_score, row.granted_at, row.expires_at, row.version, row.category,
        tuple(row.doubts), papers, session.scalar(bound) or 0, tuple(row.engines), tuple(row.languages),
        self_approved(session, row),
    )  # fmt: skip
