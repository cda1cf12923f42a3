"""The listening tests in which a speaker's voice is heard, for the speaker's own file."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from studio.db.tables import Asset, ListeningTest, Stimulus, Synthesis, System, Voice
from studio.privacy.telling import Held, Teller, counted, told


class ListeningTeller(Teller):
    """Systems that speak with the voices, and sounds of theirs that listeners hear. Ratings are of nobody."""

    def held(self, session: Session, speaker_id: str) -> Iterator[Held]:
        yield from counted(session, _systems(speaker_id), "listening_system")

    def data(self, session: Session, speaker_id: str) -> dict[str, Any]:
        systems = [told(row) | _test(session, row.test_id) for row in session.scalars(_systems(speaker_id))]
        sounds = [told(row) for row in session.scalars(_sounds(speaker_id))]
        return {"listening_systems": systems, "listening_sounds": sounds}


def _test(session: Session, test_id: str) -> dict[str, Any]:
    test = session.get_one(ListeningTest, test_id)
    return {"test_kind": test.kind, "test_status": test.status, "test_created_at": test.created_at}


def _systems(speaker_id: str):  # type: ignore[no-untyped-def]
    return select(System).join(Voice).where(Voice.speaker_id == speaker_id)


def _sounds(speaker_id: str):  # type: ignore[no-untyped-def]
    assets = select(Asset.id).where(Asset.keyset_id == speaker_id)
    takes = select(Synthesis.id).join(Voice).where(Voice.speaker_id == speaker_id)
    return select(Stimulus).where(or_(Stimulus.asset_id.in_(assets), Stimulus.synthesis_id.in_(takes)))
