"""Utterances whose words are known, for the recogniser's floor (studio.voices.floor)."""

from collections.abc import Callable, Iterable

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from studio.audio.clip import AudioClip
from studio.datasets.forms import READY, RECORDINGS, Basis
from studio.datasets.rows import open_texts
from studio.db.tables import Dataset, DatasetUtterance, Voice
from studio.privacy.vault import Vault
from studio.voices.floor import MOST, Reading, Source
from studio.voices.service import decode_own

KIND = "dataset"
SHORTEST_S, LONGEST_S = 1.0, 25.0


def readings(vault: Vault) -> Source:
    """The speaker's own kept utterances, some of them, always the same: the order is that of their content.

    A text that the recogniser wrote itself proves nothing about it, so cuts of long recordings count only where
    somebody has corrected them.
    """

    def told(session: Session, voice: Voice, language: str) -> Iterable[Reading]:
        u = DatasetUtterance
        query = (
            select(u)
            .join(Dataset, Dataset.id == u.dataset_id)
            .where(Dataset.voice_id == voice.id, Dataset.state == READY)
            .where(Dataset.basis == Basis.CONSENT.value, u.speaker == "", u.kept, u.language == language)
            .where(or_(Dataset.format != RECORDINGS, u.edited), u.duration_s.between(SHORTEST_S, LONGEST_S))
        )
        keyset = vault.keyring.find(session, voice.speaker_id)
        for row in session.scalars(query.order_by(u.content_id, u.id).limit(MOST)):
            yield Reading(KIND, open_texts(keyset, row).text, row.content_id, _opener(vault, session, row))

    return told


def _opener(vault: Vault, session: Session, row: DatasetUtterance) -> Callable[[], AudioClip]:
    def opened() -> AudioClip:
        return decode_own(vault.read(session, row.asset_id))

    return opened
