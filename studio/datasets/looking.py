"""The review table: rows by suspicion, one page at a time, and the sound around a clip."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from studio.audio.clip import AudioClip
from studio.audio.encode import AudioFormat, encode
from studio.datasets.building import Rooms
from studio.datasets.edges import part
from studio.datasets.forms import ReviewPage, ReviewQuery, UtteranceView
from studio.datasets.recordings import StoredRecording
from studio.datasets.rows import open_texts
from studio.datasets.service import DatasetService
from studio.db.tables import DatasetSource, DatasetUtterance
from studio.privacy.access import Actor
from studio.privacy.keyring import Keyset
from studio.voices.service import decode_own

ROOM_S = 4.0  # what is offered before and behind a clip when it is cut anew
DOUBTFUL = 0.3


class Looking:
    """Reads the table, for the dataset's owner and while the gate permits training."""

    def __init__(self, datasets: DatasetService, rooms: Rooms) -> None:
        self._datasets = datasets
        self._rooms = rooms

    def page(self, actor: Actor, dataset_id: str, query: ReviewQuery) -> ReviewPage:
        """Rows of the table, most suspicious first."""
        with self._rooms.database.read() as session:
            dataset = self._datasets.find(session, actor, dataset_id)
            voice, _ = self._datasets.permitted(session, actor, dataset)
            keyset = self._rooms.vault.keyring.find(session, voice.speaker_id)
            u = DatasetUtterance
            wanted = select(u).where(u.dataset_id == dataset.id, *shown(query))
            ordered = wanted.order_by(u.suspicion.desc(), u.position, u.id)
            if query.search.strip() or query.reason:
                found = self.searched([*session.scalars(ordered)], keyset, query)
                total, rows = len(found), found[query.page * query.per_page :][: query.per_page]
            else:
                total = session.scalar(select(func.count()).select_from(wanted.subquery())) or 0
                rows = [*session.scalars(ordered.offset(query.page * query.per_page).limit(query.per_page))]
            views = tuple(self.seen(session, row, keyset) for row in rows)
        return ReviewPage(views, total, query.page, max(1, -(-total // query.per_page)))

    @staticmethod
    def searched(
        rows: Sequence[DatasetUtterance], keyset: Keyset, query: ReviewQuery
    ) -> list[DatasetUtterance]:
        """Sealed texts can only be searched once they are opened."""
        wanted = query.search.strip().casefold()
        found = [row for row in rows if query.reason in ("", row.reason, *row.doubts)]
        return [row for row in found if not wanted or wanted in open_texts(keyset, row).text.casefold()]

    def one(self, actor: Actor, utterance_id: str) -> UtteranceView:
        with self._rooms.database.read() as session:
            row = self._datasets.utterance(session, actor, utterance_id)
            dataset = self._datasets.find(session, actor, row.dataset_id)
            voice, _ = self._datasets.permitted(session, actor, dataset)
            return self.seen(session, row, self._rooms.vault.keyring.find(session, voice.speaker_id))

    def seen(self, session: Session, row: DatasetUtterance, keyset: Keyset) -> UtteranceView:
        texts = open_texts(keyset, row)
        return UtteranceView(
            row.id, row.dataset_id, row.position, texts.text, texts.heard, row.speaker, row.language,
            row.recording, row.start_s, row.end_s, row.duration_s, row.confidence, row.cer, row.likeness,
            row.chars_per_s, row.tail_db, row.suspicion, tuple(row.doubts), row.kept, row.reason, row.by_person,
            row.edited, row.split, self._room(session, row), row.spoken_language,
        )  # fmt: skip

    @staticmethod
    def _room(session: Session, row: DatasetUtterance) -> tuple[float, float]:
        """What can be cut anew: a few seconds around a clip that was cut, a whole clip that came by itself."""
        if row.recording is None:
            return 0.0, row.duration_s
        s = DatasetSource
        ends = select(func.max(s.end_s)).where(s.dataset_id == row.dataset_id, s.recording == row.recording)
        return max(0.0, row.start_s - ROOM_S), min(session.scalar(ends) or row.end_s, row.end_s + ROOM_S)

    def passage_audio(self, actor: Actor, utterance_id: str) -> tuple[bytes, str, str]:
        """The clip with what is around it, as (bytes, media type, file name)."""
        view = self.one(actor, utterance_id)
        assert view.room_s is not None
        with self._rooms.database.read() as session:
            row = self._datasets.utterance(session, actor, utterance_id)
            clip = self.sound(session, row, *view.room_s)
        return encode(clip, AudioFormat.WAV), AudioFormat.WAV.media_type, f"{utterance_id}.wav"

    def sound(self, session: Session, row: DatasetUtterance, start_s: float, end_s: float) -> AudioClip:
        if row.recording is None:
            return part(decode_own(self._rooms.vault.read(session, row.asset_id)), start_s, end_s)
        source = StoredRecording(self._rooms.database, self._rooms.vault, row.dataset_id, row.recording)
        return source.read(start_s, end_s)


def shown(query: ReviewQuery) -> list[ColumnElement[bool]]:
    """The conditions of a query that the database can judge."""
    u = DatasetUtterance
    conditions: dict[str, list[ColumnElement[bool]]] = {
        "kept": [u.kept.is_(True)],
        "dropped": [u.kept.is_(False)],
        "doubtful": [u.kept.is_(True), u.suspicion >= DOUBTFUL],
        "held_out": [u.split == "held_out"],
    }
    return conditions.get(query.show, [])
