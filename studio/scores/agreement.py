"""Does predicted MOS go with listeners, over everything that was rated in this studio?"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from studio.db.database import Database
from studio.db.tables import Synthesis
from studio.errors import StudioError
from studio.evaluation.correlation import Correlation, correlation
from studio.evaluation.judges import Judges
from studio.privacy.access import Actor
from studio.scores.requests import ListenerScores
from studio.synthesis.takes import TakeStore

MOST_PREDICTED = 200  # takes at the end of one run: a minute or two


@dataclass(frozen=True)
class Agreement:
    """The correlation over `correlation.n` sounds and their ratings; `unpredicted` rated sounds are still to be heard
    by the model.
    """

    correlation: Correlation
    ratings: int
    unpredicted: int = 0


@dataclass(frozen=True)
class RatedTake:
    """A sound that listeners rated; a recipe that was spoken several times is one sound."""

    take_id: str
    predicted: float | None
    mean: float
    ratings: int


class AgreementDesk:
    """Reads every rated take of an account."""

    def __init__(
        self, database: Database, takes: TakeStore, judges: Judges, listeners: ListenerScores
    ) -> None:
        self._database, self._takes, self._judges = database, takes, judges
        self.listeners = listeners

    def of(self, actor: Actor) -> Agreement:
        """Predicted MOS against listeners' means over all rated sounds of the actor."""
        rated = self._rated(actor)
        both = [(one.predicted, one.mean) for one in rated if one.predicted is not None]
        found = correlation([predicted for predicted, _ in both], [mean for _, mean in both])
        ratings = sum(one.ratings for one in rated if one.predicted is not None)
        return Agreement(found, ratings, len(rated) - len(both))

    def predict(self, actor: Actor) -> None:
        """Let the model hear rated takes that it has not heard: those of listening tests were made without scores."""
        unheard = [one.take_id for one in self._rated(actor) if one.predicted is None]
        for take_id in unheard[:MOST_PREDICTED]:
            try:
                value = self._judges.mos.predict(self._takes.clip(actor, take_id)).value
            except StudioError:  # withdrawn, or no judge here: it stays among the unpredicted
                continue
            with self._database.write() as session:
                if (row := session.get(Synthesis, take_id)) is not None:
                    row.predicted_mos = value

    def _rated(self, actor: Actor) -> Sequence[RatedTake]:
        query = select(Synthesis.id, Synthesis.phrase_key, Synthesis.predicted_mos)
        with self._database.read() as session:
            rows = list(session.execute(query.where(Synthesis.owner_id == actor.account_id)))
        means = self.listeners.by_take([row.id for row in rows])
        found: dict[str, RatedTake] = {}
        for row in rows:
            if row.id in means and (row.phrase_key not in found or found[row.phrase_key].predicted is None):
                mean = means[row.id]
                found[row.phrase_key] = RatedTake(row.id, row.predicted_mos, mean.mean, mean.n)
        return list(found.values())
