"""Four eyes on a licence that somebody attested: whoever brought the recordings does not approve them alone."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from studio.datasets.forms import READY
from studio.datasets.removal import remove
from studio.datasets.rights import Rights
from studio.db.database import Database
from studio.db.tables import Account, Dataset, now
from studio.errors import NotFound, NotPermitted
from studio.privacy import audit
from studio.privacy.access import MATRIX, Actor, Permission
from studio.privacy.vault import Vault


def refuse_unapproved(dataset: Dataset) -> None:
    """NotPermitted while nobody has looked at the licence that was attested."""
    if dataset.rights == Rights.AWAITING.value:
        raise NotPermitted("datasets.awaiting", dataset=dataset.name, licence=dataset.licence)


def approve(session: Session, actor: Actor, dataset: Dataset) -> None:
    """Let an attested licence count. NotPermitted for whoever attested it while another account could look."""
    own = actor.account_id in (dataset.attested_by, dataset.owner_id)
    if own and _others_may(session, {dataset.attested_by or "", dataset.owner_id}):
        raise NotPermitted("datasets.four_eyes")
    dataset.rights, dataset.approved_by, dataset.approved_at = Rights.APPROVED.value, actor.account_id, now()
    audit.append(
        session, actor.account_id, "dataset.licence_approved", dataset.id, licence=dataset.licence,
        attested_by=dataset.attested_by or "", self_approved=own,
    )  # fmt: skip


def _others_may(session: Session, concerned: set[str]) -> bool:
    reviewing = [role.value for role, held in MATRIX.items() if Permission.REVIEW in held]
    others = select(Account.id).where(
        Account.role.in_(reviewing), Account.disabled_at.is_(None), Account.id.not_in(concerned)
    )
    return session.scalars(others.limit(1)).first() is not None


class LicenceDesk:
    """Attested licences, looked at by whoever may review."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database, self._vault = database, vault

    def approve(self, actor: Actor, dataset_id: str) -> None:
        """See `approve`."""
        actor.require(Permission.REVIEW)
        with self._database.write() as session:
            approve(session, actor, self._waiting(session, dataset_id))

    def refuse(self, actor: Actor, dataset_id: str) -> None:
        """The licence does not hold: the dataset goes with all its sounds and texts."""
        actor.require(Permission.REVIEW)
        with self._database.write() as session:
            dataset = self._waiting(session, dataset_id)
            facts = {"licence": dataset.licence, "attested_by": dataset.attested_by or ""}
            remove(session, self._vault, dataset)
            audit.append(session, actor.account_id, "dataset.licence_refused", dataset_id, **facts)
        self._database.checkpoint()

    @staticmethod
    def _waiting(session: Session, dataset_id: str) -> Dataset:
        dataset = session.get(Dataset, dataset_id)
        if dataset is None or dataset.rights != Rights.AWAITING.value or dataset.state != READY:
            raise NotFound("datasets.not_waiting")
        return dataset
