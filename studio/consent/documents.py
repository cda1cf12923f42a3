"""Signed documents: PDF or picture, sealed, handed out as a download and never shown in a page."""

import hashlib
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from studio.db.database import Database
from studio.db.tables import ConsentDocument, Speaker
from studio.errors import InputRefused, NotFound
from studio.privacy import audit
from studio.privacy.access import Actor, Permission
from studio.privacy.vault import Vault

MOST_BYTES = 10 * 2**20
MOST_DOCUMENTS = 20  # of one speaker
KINDS = {b"%PDF-": "application/pdf", b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg"}
SUFFIX = {"application/pdf": ".pdf", "image/png": ".png", "image/jpeg": ".jpg"}


@dataclass(frozen=True)
class SignedDocument:
    """A document that may be stored: its kind is told by its first bytes, whatever its name says."""

    data: bytes
    media_type: str

    @classmethod
    def read(cls, data: bytes) -> "SignedDocument":
        """InputRefused for a file that is too big or neither PDF, PNG nor JPEG."""
        if len(data) > MOST_BYTES:
            raise InputRefused("consent.document_size", limit_mb=MOST_BYTES // 2**20)
        kind = next((kind for start, kind in KINDS.items() if data.startswith(start)), None)
        if kind is None:
            raise InputRefused("consent.document_kind")
        return cls(data, kind)


@dataclass(frozen=True)
class DocumentView:
    """A stored document."""

    id: str
    media_type: str
    sha256: str
    size_bytes: int
    created_at: str


def documents_of(session: Session, speaker_id: str) -> list[ConsentDocument]:
    """A speaker's documents, oldest first."""
    query = select(ConsentDocument).where(ConsentDocument.speaker_id == speaker_id)
    return [*session.scalars(query.order_by(ConsentDocument.created_at, ConsentDocument.id))]


class DocumentDesk:
    """Stores and hands out signed documents."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

    def add(self, session: Session, by: str, speaker_id: str, document: SignedDocument) -> ConsentDocument:
        """Seal and store in the caller's transaction; InputRefused beyond MOST_DOCUMENTS."""
        if len(documents_of(session, speaker_id)) >= MOST_DOCUMENTS:
            raise InputRefused("consent.document_count", most=MOST_DOCUMENTS)
        row = ConsentDocument(
            speaker_id=speaker_id,
            asset_id=self._vault.write(session, speaker_id, "consent_document", document.data),
            media_type=document.media_type,
            sha256=hashlib.sha256(document.data).hexdigest(),
            size_bytes=len(document.data),
            uploaded_by=by,
        )
        session.add(row)
        session.flush()
        audit.append(session, by, "consent.document_added", speaker_id, sha256=row.sha256)
        return row

    def upload(self, actor: Actor, speaker_id: str, data: bytes) -> DocumentView:
        """Add a document to a speaker of the actor's; NotFound for another's."""
        document = SignedDocument.read(data)
        with self._database.write() as session:
            speaker = session.get(Speaker, speaker_id)
            if speaker is None or speaker.withdrawn_at is not None or not may_see(actor, speaker):
                raise NotFound("voices.unknown")
            return view(self.add(session, actor.account_id, speaker_id, document))

    def of_speaker(self, actor: Actor, speaker_id: str) -> list[DocumentView]:
        """A speaker's documents; NotFound for another's speaker."""
        with self._database.read() as session:
            speaker = session.get(Speaker, speaker_id)
            if speaker is None or not may_see(actor, speaker):
                raise NotFound("voices.unknown")
            return [view(row) for row in documents_of(session, speaker_id)]

    def open(self, actor: Actor, document_id: str) -> tuple[bytes, str, str]:
        """A document as (bytes, media type, file name), for the speaker's owner and reviewers."""
        with self._database.read() as session:
            row = session.get(ConsentDocument, document_id)
            speaker = session.get(Speaker, row.speaker_id) if row else None
            if row is None or speaker is None or not may_see(actor, speaker):
                raise NotFound("consent.document_unknown")
            data = self._vault.read(session, row.asset_id)
        return data, row.media_type, f"{row.id}{SUFFIX[row.media_type]}"


def view(row: ConsentDocument) -> DocumentView:
    return DocumentView(row.id, row.media_type, row.sha256, row.size_bytes, row.created_at)


def may_see(actor: Actor, speaker: Speaker) -> bool:
    """The speaker's owner while producing voices, and those who review or see all voices."""
    own = speaker.owner_id == actor.account_id and actor.may(Permission.VOICES)
    return own or actor.may(Permission.ALL_VOICES) or actor.may(Permission.REVIEW)
