"""Datasets that go: whole, half-made, or cut short by a crash; and what they were made of, left in the open."""

import shutil

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from studio.datasets.bundles import ImportRoot
from studio.datasets.rows import assets_of
from studio.db.database import Database
from studio.db.tables import Dataset, DatasetSource, DatasetUtterance
from studio.errors import NotFound, StorageTrouble
from studio.privacy import audit
from studio.privacy.access import Actor, Permission
from studio.privacy.vault import Vault

BUILDING = "building"
INTERRUPTED = "interrupted"


def remove(session: Session, vault: Vault, dataset: Dataset) -> None:
    """Delete a dataset's rows and files in the caller's transaction."""
    assets = [*assets_of(session, dataset.id)]
    session.delete(dataset)
    session.flush()
    for asset_id in assets:
        vault.delete(session, asset_id)


def discard(database: Database, vault: Vault, dataset_id: str) -> None:
    """Remove a dataset that was not finished; nothing happens when its speaker's withdrawal was quicker."""
    with database.write() as session:
        dataset = session.get(Dataset, dataset_id)
        if dataset is not None and dataset.state == BUILDING:
            remove(session, vault, dataset)
    database.checkpoint()


def sweep_unfinished(database: Database, vault: Vault) -> int:
    """Remove what a crash left half-made of datasets; returns how many. Called at start by whoever is alone.

    Their names stay until their owner has read that nothing came of them.
    """
    with database.read() as session:
        unfinished = [*session.scalars(select(Dataset.id).where(Dataset.state == BUILDING))]
    for dataset_id in unfinished:
        with database.write() as session:
            _emptied(session, vault, session.get_one(Dataset, dataset_id))
        database.checkpoint()
    return len(unfinished)


def _emptied(session: Session, vault: Vault, dataset: Dataset) -> None:
    assets = [*assets_of(session, dataset.id)]
    for table in (DatasetUtterance, DatasetSource):
        session.execute(delete(table).where(table.dataset_id == dataset.id))
    for asset_id in assets:
        vault.delete(session, asset_id)
    dataset.state = INTERRUPTED
    audit.append(session, dataset.owner_id, "dataset.interrupted", dataset.id)


class Leftovers:
    """What its owner has to be told of: a dataset that a restart ended, a folder of plaintext after its import."""

    def __init__(self, database: Database, root: ImportRoot) -> None:
        self._database, self._root = database, root

    def interrupted(self, actor: Actor) -> list[tuple[str, str]]:
        """Ids and names of the actor's own datasets that a restart of the studio ended, oldest first."""
        query = select(Dataset.id, Dataset.name).where(
            Dataset.state == INTERRUPTED, Dataset.owner_id == actor.account_id
        )
        with self._database.read() as session:
            return [(row.id, row.name) for row in session.execute(query.order_by(Dataset.created_at))]

    def dismiss(self, actor: Actor, dataset_id: str) -> None:
        """It was read: the name goes, too."""
        with self._database.write() as session:
            dataset = session.get(Dataset, dataset_id)
            if dataset is None or dataset.state != INTERRUPTED or dataset.owner_id != actor.account_id:
                raise NotFound("datasets.unknown")
            session.delete(dataset)

    def may_remove(self, actor: Actor) -> bool:
        """Whoever runs the server put the folder there: a producer only asks for it to be removed."""
        return actor.may(Permission.SETTINGS)

    def remove_folder(self, actor: Actor, name: str) -> None:
        """Delete one folder or zip directly below the import root. Links in it go, what they lead to stays.

        NotPermitted without the right to the studio's settings, NotFound for anything else than such an entry.
        """
        actor.require(Permission.SETTINGS)
        path = self._root.path(name)
        if path.is_symlink():
            raise NotFound("datasets.no_folder", folder=name, root=self._root.folder.name)
        try:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        except OSError as error:
            raise StorageTrouble("datasets.not_removed", folder=path.name) from error
        with self._database.write() as session:
            audit.append(session, actor.account_id, "import_folder.removed", path.name)
