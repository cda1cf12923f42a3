"""Whose a dataset's recordings are, asked again before training: the review may have left anything."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from studio.datasets.forms import Basis
from studio.datasets.rights import Crowd, refuse_unlike, sampled
from studio.db.tables import Dataset, DatasetUtterance, Voice
from studio.evaluation.judges import Judges
from studio.privacy.vault import Vault
from studio.voices.service import decode_own


class Owners:
    """Refuses what is kept where it is not whose it should be."""

    def __init__(self, vault: Vault, judges: Judges) -> None:
        self._vault = vault
        self._judges = judges
        self._crowds: set[str] = set()  # hashes of what was found to be many people's

    def refuse_others(
        self, session: Session, dataset: Dataset, voice: Voice, kept: Sequence[DatasetUtterance]
    ) -> None:
        """InputRefused unless it is the voice's own speaker's (by consent) or many people's (by licence)."""
        if dataset.basis == Basis.CONSENT.value:
            refuse_unlike([row.likeness for row in kept])
        elif dataset.content_hash not in self._crowds:
            crowd = Crowd(self._judges.embed)
            for row in sampled(kept):
                crowd.hear(decode_own(self._vault.read(session, row.asset_id)))
            crowd.refuse_one_voice(voice.name)
            self._crowds.add(dataset.content_hash)
