"""Long recordings in the vault: written window by window, and read back a few seconds at a time."""

import itertools
from dataclasses import dataclass

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from studio.audio.clip import AudioClip
from studio.audio.encode import AudioFormat, encode
from studio.datasets.edges import part
from studio.db.database import Database
from studio.db.tables import DatasetSource
from studio.errors import NotFound
from studio.privacy.vault import Vault
from studio.voices.service import decode_own

WINDOW_KIND = "dataset_source"
KEPT_WINDOWS = 3  # a block of 28 s touches two windows of 30 s, now and then three


@dataclass(frozen=True)
class _Place:
    start_s: float
    end_s: float
    asset_id: str


def store_window(
    session: Session,
    keyset_id: str,
    vault: Vault,
    dataset_id: str,
    recording: int,
    start_s: float,
    window: AudioClip,
) -> None:
    """Seal one window of a recording in the caller's transaction, which has asked the gate."""
    asset_id = vault.write(session, keyset_id, WINDOW_KIND, encode(window, AudioFormat.FLAC))
    session.add(
        DatasetSource(
            dataset_id=dataset_id, recording=recording, start_s=start_s, end_s=start_s + window.duration_s,
            sample_rate_hz=window.sample_rate_hz, asset_id=asset_id,
        )
    )  # fmt: skip


class StoredRecording:
    """One recording of a dataset as a segmentation Source: at most three windows are in memory."""

    def __init__(self, database: Database, vault: Vault, dataset_id: str, recording: int) -> None:
        self._database, self._vault = database, vault
        query = select(DatasetSource).where(
            DatasetSource.dataset_id == dataset_id, DatasetSource.recording == recording
        )
        with database.read() as session:
            rows = [*session.scalars(query.order_by(DatasetSource.start_s))]
        if not rows:
            raise NotFound("datasets.no_source")
        self._places = [_Place(row.start_s, row.end_s, row.asset_id) for row in rows]
        self._rate = rows[0].sample_rate_hz
        self._open: dict[str, AudioClip] = {}

    @property
    def duration_s(self) -> float:
        return self._places[-1].end_s

    def read(self, start_s: float, end_s: float) -> AudioClip:
        """The sound between two moments, as far as the recording reaches."""
        touched = [p for p in self._places if p.start_s < end_s and p.end_s > start_s]
        pieces = [part(self._window(p), start_s - p.start_s, end_s - p.start_s).samples for p in touched]
        joined = np.concatenate(pieces) if pieces else np.zeros(0, np.float32)
        return AudioClip(joined, self._rate)

    def _window(self, place: _Place) -> AudioClip:
        if place.asset_id not in self._open:
            with self._database.read() as session:
                clip = decode_own(self._vault.read(session, place.asset_id))
            self._open[place.asset_id] = clip
            for old in [*itertools.islice(self._open, max(0, len(self._open) - KEPT_WINDOWS))]:
                del self._open[old]
        return self._open[place.asset_id]
