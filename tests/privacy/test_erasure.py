"""Erasure: finished after a crash, safe to repeat, and rooms that plug in are asked."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from studio.bootstrap import Studio
from studio.db.tables import Asset, Speaker, now
from studio.privacy.access import Actor
from studio.privacy.erasure import Erased
from tests.conftest import Home
from tests.enrolling import enrol


def assets_of(studio: Studio, speaker_id: str) -> list[str]:
    with studio.database.read() as session:
        return [*session.scalars(select(Asset.id).where(Asset.keyset_id == speaker_id))]


def test_an_erasure_cut_short_is_finished_at_the_next_start(home: Home, admin: Actor) -> None:
    view = enrol(home.studio, admin)
    with home.studio.database.write() as session:  # what the first step leaves behind
        session.get_one(Speaker, view.speaker_id).withdrawn_at = now()
    assert assets_of(home.studio, view.speaker_id)
    again = home.reopen()
    assert assets_of(again, view.speaker_id) == [] and again.voices.browse(admin) == []
    receipt = again.erasure.receipt_of(admin, view.speaker_id)
    assert receipt is not None and receipt.erased["reference_clip"] == 1


def test_erasing_again_adds_nothing_and_keeps_the_receipt(studio: Studio, admin: Actor) -> None:
    view = enrol(studio, admin)
    first = studio.erasure.withdraw(admin, view.speaker_id)
    assert studio.erasure.withdraw(admin, view.speaker_id) == first
    assert studio.erasure.resume() == 0


def test_rooms_that_plug_in_are_stopped_first_and_counted(studio: Studio, admin: Actor) -> None:
    view = enrol(studio, admin)
    order: list[str] = []

    def stop(speaker_id: str) -> None:
        with studio.database.read() as session:
            assert session.get_one(Speaker, speaker_id).withdrawn_at, "the gate is shut by now"
        order.append("stop")

    def erase(session: Session, speaker_id: str) -> Erased:
        order.append("erase")
        return Erased({"thing": 3})

    studio.erasure.stops(stop)
    studio.erasure.erases(erase)
    receipt = studio.erasure.withdraw(admin, view.speaker_id)
    assert order == ["stop", "erase"] and receipt.erased["thing"] == 3
