"""What the owner of a listening test sees of it: its state, and how much of what there is."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from studio.db.tables import Listener, ListeningTest, Rating, Stimulus, System, Trial
from studio.listening.forms import Configuration, ListeningView, SystemView, same_words
from studio.listening.kinds import Kind, Role, Use
from studio.listening.making import systems_of
from studio.listening.secrets import SecretKeeper


class Viewer:
    """Reads a test into what its owner is shown, links included."""

    def __init__(self, secrets: SecretKeeper) -> None:
        self._secrets = secrets

    def link(self, session: Session, test: ListeningTest) -> str:
        """The token of the link that is open now, or was last."""
        return self._secrets.link_token(self._secrets.of(session, test), test.link_number)

    def view(self, session: Session, test: ListeningTest) -> ListeningView:
        count = _Counter(session, test.id)
        configuration = Configuration.from_json(test.settings)
        pages = count.rated_pages
        return ListeningView(
            id=test.id, name=test.name, status=test.status, configuration=configuration,
            config_hash=test.config_hash, seed=test.seed,
            systems=tuple(_system_view(row) for row in systems_of(session, test.id)), stimuli=count.stimuli,
            pages=min(pages, configuration.per_listener or pages), listeners=count.listeners(False),
            finished=count.listeners(True), ratings=count.ratings,
            link=self.link(session, test) if test.link_hash else "",
            preview=self._secrets.preview_token(self._secrets.of(session, test)),
            expires_at=test.expires_at, revoked=test.revoked_at is not None, quota=test.quota,
            for_accounts=test.for_accounts, revealed=test.revealed, created_at=test.created_at,
            closed_at=test.closed_at, held=count.held, unchecked=count.unchecked(configuration.kind),
        )  # fmt: skip


class _Counter:
    """How much a test has of what; previews are not counted."""

    def __init__(self, session: Session, test_id: str) -> None:
        self._session, self._test_id = session, test_id

    @property
    def stimuli(self) -> int:
        query = select(func.count()).select_from(Stimulus).where(Stimulus.test_id == self._test_id)
        return self._session.execute(query).scalar_one()

    @property
    def held(self) -> int:
        query = select(func.count()).select_from(Stimulus)
        where = (Stimulus.test_id == self._test_id, Stimulus.held_by_ceiling.is_(True))
        return self._session.execute(query.where(*where)).scalar_one()

    def unchecked(self, kind: Kind) -> int:
        """Brought sounds that are compared without anybody knowing their words."""
        if not same_words(kind):
            return 0
        rows = self._session.execute(
            select(System.source, System.role, Stimulus.word_errors)
            .join(Stimulus, Stimulus.system_id == System.id)
            .where(Stimulus.test_id == self._test_id)
        )
        beside = {Role.REFERENCE.value} if kind is Kind.SMOS else set()
        return sum(
            wrong is None and source.get("kind") in ("recordings", "clips") and role not in beside
            for source, role, wrong in rows
        )

    @property
    def rated_pages(self) -> int:
        where = (Trial.test_id == self._test_id, Trial.role == Use.RATED.value)
        return self._session.execute(select(func.count(Trial.page.distinct())).where(*where)).scalar_one()

    def listeners(self, finished: bool) -> int:
        where = [Listener.test_id == self._test_id, Listener.preview.is_(False)]
        if finished:
            where.append(Listener.finished_at.is_not(None))
        return self._session.execute(select(func.count()).select_from(Listener).where(*where)).scalar_one()

    @property
    def ratings(self) -> int:
        query = (
            select(func.count(Rating.id))
            .join(Trial, Trial.id == Rating.trial_id)
            .join(Listener, Listener.id == Rating.listener_id)
            .where(Trial.test_id == self._test_id, Trial.role == "rated", Listener.preview.is_(False))
        )
        return self._session.execute(query).scalar_one()


def _system_view(row: System) -> SystemView:
    source = str(row.source.get("kind", "erased"))
    return SystemView(row.id, row.name, Role(row.role), source, str(row.source.get("engine_id", "")))
