"""Who accepted which model's licence, and when."""

from sqlalchemy import Select, select

from studio.db.database import Database
from studio.db.tables import LicenceAcceptance
from studio.privacy import audit
from studio.privacy.access import Actor, Permission


class LicenceAcceptances:
    """Records acceptances; the model store asks here before it fetches."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def accepted(self, model_id: str, licence: str) -> bool:
        with self._database.read() as session:
            return session.scalars(self._query(model_id, licence)).first() is not None

    def accept(self, actor: Actor, model_id: str, licence: str) -> None:
        """Record that `actor` accepts; NotPermitted without the models permission. Accepting twice is once."""
        actor.require(Permission.MODELS)
        with self._database.write() as session:
            if session.scalars(self._query(model_id, licence)).first() is None:
                session.add(
                    LicenceAcceptance(model_id=model_id, licence=licence, accepted_by=actor.account_id)
                )
                audit.append(session, actor.account_id, "licence.accepted", model_id, licence=licence)

    @staticmethod
    def _query(model_id: str, licence: str) -> Select[tuple[LicenceAcceptance]]:
        return select(LicenceAcceptance).where(
            LicenceAcceptance.model_id == model_id, LicenceAcceptance.licence == licence
        )
