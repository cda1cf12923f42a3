"""Datasets as people see them."""

from sqlalchemy.orm import Session

from studio.consent.gate import permits
from studio.datasets.approval import refuse_unapproved
from studio.datasets.forms import DatasetView
from studio.datasets.rights import PURPOSES
from studio.datasets.rows import counts
from studio.db.tables import Dataset, Voice
from studio.errors import NotFound, NotPermitted


def view(session: Session, dataset: Dataset) -> DatasetView:
    """A dataset with its counts, and whether it may be trained on now."""
    count = counts(session, dataset)
    voice = session.get_one(Voice, dataset.voice_id)
    return DatasetView(
        dataset.id, dataset.name, voice.id, voice.name, dataset.language, dataset.format, dataset.basis,
        dataset.source, dataset.licence, dataset.seed, dataset.held_out_share, dataset.created_at,
        dataset.content_hash, count.kept, count.kept_s, count.train, count.held_out, count.dropped,
        count.dropped_by_reason, _usable(session, dataset, voice), dataset.owner_id, dataset.rights,
    )  # fmt: skip


def _usable(session: Session, dataset: Dataset, voice: Voice) -> bool:
    try:
        permits(session, voice, PURPOSES, language=dataset.language)
        refuse_unapproved(dataset)
    except (NotPermitted, NotFound):
        return False
    return True
