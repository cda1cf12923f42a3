"""The privacy notice: the text that comes with the studio, and the versions its office writes."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from studio.consent import statements
from studio.consent.statements import Notice, fingerprint
from studio.db.database import Database
from studio.db.tables import NoticeVersion
from studio.errors import LANGUAGES, InputRefused
from studio.privacy import audit
from studio.privacy.access import Actor, Permission

SHORTEST, LONGEST = 200, 8000  # characters


@dataclass(frozen=True)
class NoticeView:
    """A version as the office sees it."""

    notice: Notice
    created_at: str
    current: bool


class NoticeDesk:
    """Every version stays: a consent names the text it was given on by its hash."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def current(self, language: str) -> Notice:
        """What a speaker is told today."""
        with self._database.read() as session:
            return self._current(session, language)

    @staticmethod
    def _current(session: Session, language: str) -> Notice:
        query = select(NoticeVersion).where(NoticeVersion.language == language)
        row = session.scalars(query.order_by(NoticeVersion.number.desc()).limit(1)).first()
        return _notice(row) if row else statements.notice(language)

    def find(self, session: Session, notice_hash: str) -> Notice | None:
        """The text of this hash, if the studio ever showed it."""
        row = session.scalars(select(NoticeVersion).where(NoticeVersion.hash == notice_hash)).first()
        if row is not None:
            return _notice(row)
        return next((n for n in map(statements.notice, LANGUAGES) if n.hash == notice_hash), None)

    def publish(self, actor: Actor, texts: Mapping[str, str]) -> tuple[Notice, ...]:
        """A new version in every language, shown from now on; InputRefused when one is missing or too short."""
        actor.require(Permission.REVIEW)
        clean = {language: texts.get(language, "").strip() for language in LANGUAGES}
        for language, text in clean.items():
            if not SHORTEST <= len(text) <= LONGEST:
                raise InputRefused("consent.notice_length", language=language, least=SHORTEST, most=LONGEST)
        with self._database.write() as session:
            number = (session.scalar(select(func.max(NoticeVersion.number))) or 0) + 1
            rows = [
                NoticeVersion(
                    language=language, number=number, text=text, hash=fingerprint(text),
                    created_by=actor.account_id,
                )
                for language, text in clean.items()
            ]  # fmt: skip
            session.add_all(rows)
            hashes = [row.hash for row in rows]
            audit.append(session, actor.account_id, "notice.published", f"notice {number}", hashes=hashes)
            return tuple(map(_notice, rows))

    def versions(self, actor: Actor, language: str) -> list[NoticeView]:
        """All versions in a language, newest first; the one that came with the studio is the last."""
        actor.require(Permission.REVIEW)
        with self._database.read() as session:
            query = select(NoticeVersion).where(NoticeVersion.language == language)
            rows = list(session.scalars(query.order_by(NoticeVersion.number.desc())))
        written = [NoticeView(_notice(row), row.created_at, index == 0) for index, row in enumerate(rows)]
        return [*written, NoticeView(statements.notice(language), "", not rows)]


def _notice(row: NoticeVersion) -> Notice:
    return Notice(row.text, str(row.number), row.language, row.hash)
