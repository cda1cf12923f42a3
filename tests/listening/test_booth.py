"""Whose chair it is on a shared browser, the same answer twice at once, and who has finished when sounds go."""

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select, update

from studio.bootstrap import Studio
from studio.consent.purposes import Purpose
from studio.db.tables import ConsentRecord, Listener, Rating, Stimulus
from studio.errors import NotFound
from studio.listening.answers import Ballot
from studio.listening.doorway import MOST_COOKIES
from studio.listening.forms import ListeningView, SpokenBy, SystemForm
from studio.listening.hearing import FetchLog
from studio.listening.seats import BoothState, Visitor
from studio.listening.tokens import fingerprint, same
from studio.privacy.access import Actor
from tests.enrolling import PURPOSES, consent_form, enrol
from tests.listening.taking_part import Clock, Guest, form, guest, opened, patient, spoken

LISTENING = PURPOSES | {Purpose.LISTENING_TEST}


def old_cookies(count: int) -> tuple[str, ...]:
    """Of tests that were taken part in before."""
    return tuple(f"{number:043d}" for number in range(count))


def test_the_newest_of_many_cookies_is_the_one_that_counts(studio: Studio, admin: Actor) -> None:
    clock, view = patient(studio), opened(studio, admin, form(), quota=1)
    one = guest(studio, view, clock)
    one.join()
    for before in (25, MOST_COOKIES * 2):  # browsers send the newest last
        crowded = Visitor(view.link, (*old_cookies(before), one.cookie))
        assert studio.listening.booth.state(crowded).phase == "trial"
        assert studio.listening.booth.join(crowded, "it", agreed=True) == ""  # no further place is taken
    assert studio.listening.view(admin, view.id).listeners == 1


def test_accounts_and_previews_need_no_cookie(
    studio: Studio, admin: Actor, account: Callable[..., Actor]
) -> None:
    rosa = account("rosa")
    clock, view = patient(studio), opened(studio, admin, form())
    one = guest(studio, view, clock, rosa)
    one.join()
    seen = guest(studio, view, clock, admin)
    seen.token = view.preview
    seen.join()
    assert (one.cookie, seen.cookie) == ("", "")
    assert one.state().phase == seen.state().phase == "trial"


def test_on_a_shared_browser_nobody_sits_down_on_an_accounts_chair(
    studio: Studio, admin: Actor, account: Callable[..., Actor]
) -> None:
    rosa, ada = account("rosa"), account("ada")
    clock, view = patient(studio), opened(studio, admin, form())
    nobody = guest(studio, view, clock)
    nobody.join()
    with studio.database.write() as session:  # as the studio left it when accounts were given cookies, too
        session.scalars(select(Listener)).one().account_id = rosa.account_id
    for actor, phase in ((rosa, "trial"), (ada, "welcome"), (None, "welcome")):
        shared = Visitor(view.link, (nobody.cookie,), actor)
        assert studio.listening.booth.state(shared).phase == phase, actor
    other = guest(studio, view, clock)
    other.join()
    taken = Visitor(view.link, (other.cookie,), ada)  # begun without an account, by whoever signs in now
    assert studio.listening.booth.state(taken).phase == "trial"


class Overtaken(FetchLog):
    """The first to ask waits until another's answer is stored and its fetches are forgotten."""

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__(clock)
        self.asked, self.forgotten = threading.Event(), threading.Event()

    def heard(self, listener_id: str, page: int, durations_s: Mapping[int, float]) -> bool:
        if not self.asked.is_set():
            self.asked.set()
            assert self.forgotten.wait(30)
        return super().heard(listener_id, page, durations_s)

    def forget(self, listener_id: str, page: int) -> None:
        super().forget(listener_id, page)
        self.forgotten.set()


def test_the_slower_of_two_alike_answers_is_told_the_state_and_not_that_nothing_was_heard(
    studio: Studio, admin: Actor
) -> None:
    clock, view = patient(studio), opened(studio, admin, form())
    log = studio.listening.booth._fetched = Overtaken(clock)
    one = guest(studio, view, clock)
    state = one.join()
    one.hear(state)
    with ThreadPoolExecutor(2) as pool:
        slow = pool.submit(one.rate, state, 4.0)
        assert log.asked.wait(30)
        first = one.rate(state, 4.0)
        assert slow.result() == first and first.done == 1


def test_many_alike_answers_at_once_are_one_rating(studio: Studio, admin: Actor) -> None:
    clock, view = patient(studio), opened(studio, admin, form())
    one = guest(studio, view, clock)
    state = one.join()
    for _ in range(3):
        one.hear(state)
        together, asked = threading.Barrier(8), state

        def send(
            score: float, asked: BoothState = asked, together: threading.Barrier = together
        ) -> BoothState:
            together.wait(30)
            return one.rate(asked, score)

        with ThreadPoolExecutor(8) as pool:
            answers = [*pool.map(send, [1.0, 2.0, 3.0, 4.0, 5.0, 1.0, 2.0, 3.0])]
        assert all(answer == answers[0] for answer in answers)
        state = answers[0]
    with studio.database.read() as session:
        assert len([*session.scalars(select(Rating))]) == 3 == state.done


def _half_done(studio: Studio, admin: Actor) -> tuple[str, Guest]:
    """A listener whose open pages are all of one enrolled voice; its id."""
    voice = enrol(studio, admin, "Rosa", consent=consent_form(studio, LISTENING))
    clock = patient(studio)
    systems = (SystemForm("Rosa", SpokenBy(f"voice:{voice.id}", "fake")), spoken("other"))
    view = opened(studio, admin, form(systems=systems))
    hers = next(system.id for system in view.systems if system.name == "Rosa")
    one = _ending_with(studio, view, clock, hers)
    state = one.state()
    while any(_system_of(studio, page) != hers for page in _open_pages(studio, one)):
        one.hear(state)
        state = one.rate(state, 3.0)
    assert state.phase == "trial"
    return voice.id, one


def _ending_with(studio: Studio, view: ListeningView, clock: Clock, system_id: str) -> Guest:
    """A listener whose last page is of a system: orders change from one to the next."""
    for _ in range(6):
        one = guest(studio, view, clock)
        one.join()
        if _system_of(studio, _open_pages(studio, one)[-1]) == system_id:
            return one
    raise AssertionError


def _open_pages(studio: Studio, one: Guest) -> list[str]:
    with studio.database.read() as session:
        seat = studio.listening.booth._seated(session, one.visitor)
    return [seat.plan.stimuli(page)[0] for page in seat.open_pages]


def _system_of(studio: Studio, stimulus_id: str) -> str | None:
    with studio.database.read() as session:
        return session.get_one(Stimulus, stimulus_id).system_id


def _finished(studio: Studio, one: Guest) -> bool:
    query = select(Listener.finished_at).where(Listener.cookie_hash == fingerprint(one.cookie))
    with studio.database.read() as session:
        return session.scalars(query).one() is not None


def test_a_withdrawal_that_takes_the_last_sounds_leaves_nobody_unfinished(
    studio: Studio, admin: Actor
) -> None:
    voice_id, one = _half_done(studio, admin)
    assert not _finished(studio, one)
    studio.voices.withdraw(admin, voice_id)
    assert _finished(studio, one)  # although this listener never comes back
    assert one.state().phase == "done"


def test_coming_back_to_a_test_without_sounds_left_is_the_end(studio: Studio, admin: Actor) -> None:
    _, one = _half_done(studio, admin)
    with studio.database.write() as session:
        session.execute(update(ConsentRecord).values(expires_at="2020-01-01T00:00:00.000+00:00"))
    studio.listening.booth._consents.asked.clear()
    assert one.state().phase == "done" and _finished(studio, one)


def test_half_a_surrogate_is_no_page(studio: Studio, admin: Actor) -> None:
    clock, view = patient(studio), opened(studio, admin, form())
    one = guest(studio, view, clock)
    one.join()
    with pytest.raises(NotFound):
        studio.listening.booth.rate(one.visitor, Ballot("\ud800", (3.0,), heard=True))
    assert not same("\ud800", "x") and same("\ud800", "\ud800")
