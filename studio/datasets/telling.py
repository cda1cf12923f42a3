"""A speaker's datasets, for the speaker's own file."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from studio.datasets.rows import open_texts, rows_of
from studio.db.tables import Dataset, DatasetSource, DatasetUtterance, Voice
from studio.privacy.keyring import Keyset
from studio.privacy.telling import Held, Teller, all_told, counted, told
from studio.privacy.vault import Vault


class DatasetTeller(Teller):
    """Datasets with their utterances: what each says and what was heard, opened."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def held(self, session: Session, speaker_id: str) -> Iterator[Held]:
        mine = _datasets(speaker_id)
        texts = select(DatasetUtterance.id).where(DatasetUtterance.dataset_id.in_(mine))
        yield from counted(session, mine, "dataset")
        yield from counted(session, texts, "utterance_text")

    def data(self, session: Session, speaker_id: str) -> dict[str, Any]:
        rows = [*session.scalars(select(Dataset).where(Dataset.id.in_(_datasets(speaker_id))))]
        if not rows:
            return {"datasets": []}
        keyset = self._vault.keyring.find(session, speaker_id)
        return {"datasets": [_dataset(session, row, keyset) for row in rows]}


def _datasets(speaker_id: str):  # type: ignore[no-untyped-def]
    return select(Dataset.id).join(Voice).where(Voice.speaker_id == speaker_id)


def _dataset(session: Session, row: Dataset, keyset: Keyset) -> dict[str, Any]:
    windows = select(DatasetSource).where(DatasetSource.dataset_id == row.id)
    utterances = [_utterance(one, keyset) for one in rows_of(session, row.id)]
    return told(row) | {"windows": all_told(session, windows), "utterances": utterances}


def _utterance(row: DatasetUtterance, keyset: Keyset) -> dict[str, Any]:
    texts = open_texts(keyset, row)
    return told(row, "sealed") | {"text": texts.text, "heard": texts.heard}
