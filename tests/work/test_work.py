"""Live work is watched by many and outlives its page; turns are first come, first served."""

import threading
import time

import pytest

from studio.errors import Cancelled, NotFound
from studio.work.live import Live, LiveBoard
from studio.work.turns import Turns


def test_every_reader_sees_every_event_also_a_late_one() -> None:
    def work(live: Live[int]) -> None:
        for number in range(5):
            live.publish(number)
            time.sleep(0.005)

    live: Live[int] = Live("acc_a").start(work, "count")
    early = list(live.events())
    assert early == list(live.events()) == [0, 1, 2, 3, 4]


def test_what_ends_the_work_reaches_the_reader_after_the_events() -> None:
    def work(live: Live[int]) -> None:
        live.publish(1)
        raise Cancelled("engines.cancelled", task="x")

    live: Live[int] = Live("acc_a").start(work, "fail")
    seen = []
    with pytest.raises(Cancelled):
        for event in live.events():
            seen.append(event)
    assert seen == [1] and live.finished


def test_a_board_hides_the_work_of_others() -> None:
    board: LiveBoard[int] = LiveBoard()
    live = board.add(Live("acc_a"))
    assert board.find("acc_a", live.token) is live
    for owner, token in (("acc_b", live.token), ("acc_a", "nonsense")):
        with pytest.raises(NotFound):
            board.find(owner, token)


def test_turns_are_taken_in_the_order_they_were_asked_for() -> None:
    turns, order, started, all_wait = Turns(), [], threading.Barrier(2), threading.Event()
    queued = [threading.Event() for _ in range(10)]

    def wait(number: int) -> None:
        with turns.turn(on_position=lambda ahead: queued[number].set()):
            order.append(number)

    def hold() -> None:
        with turns.turn():
            started.wait()
            all_wait.wait()

    holder = threading.Thread(target=hold)
    holder.start()
    started.wait()
    waiting = [threading.Thread(target=wait, args=(number,)) for number in range(10)]
    for thread in waiting:
        thread.start()
        queued[waiting.index(thread)].wait()
    all_wait.set()
    for thread in (holder, *waiting):
        thread.join()
    assert order == list(range(10))


def test_cancel_while_waiting_gives_the_place_away() -> None:
    turns, positions = Turns(), []
    with turns.turn(), pytest.raises(Cancelled), turns.turn(lambda: True, positions.append):
        pytest.fail("the turn was not free")
    with turns.turn():
        pass  # the queue is empty again
