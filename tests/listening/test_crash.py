"""kill -9 in the middle of a burst of ratings: whatever was acknowledged is there."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from sqlalchemy import select

from studio.db.tables import Rating
from studio.privacy.access import Actor
from tests.conftest import Home
from tests.listening.taking_part import form, opened, spoken

ROOT = Path(__file__).parent.parent.parent
CHILD = """
import sys, threading
from pathlib import Path
from studio.settings import Settings
from tests.conftest import open_home
from tests.fakes import FakeJudges
from tests.listening.taking_part import Clock, Guest, patient

storage, token = sys.argv[1:]
studio = open_home(Settings(storage=Path(storage), device="cpu"), FakeJudges())
clock, pen = patient(studio), threading.Lock()

def listen():
    one = Guest(studio, token, clock)
    state = one.join()
    while state.phase == "trial":
        one.hear(state)
        page, score = state.asking.page, float(1 + state.done % 5)
        with studio.database.read() as session:
            seat = studio.listening.booth._seated(session, one.visitor)
        trial = seat.open_pages[0].trials[0]
        state = one.rate(state, score)
        with pen:  # acknowledged
            print(seat.listener.id, trial, score, flush=True)

threads = [threading.Thread(target=listen) for _ in range(6)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""


def test_every_acknowledged_rating_survives_kill_9(home: Home, admin: Actor) -> None:
    sentences = tuple(f"Frase numero {number}." for number in range(30))
    systems = (spoken("a"), spoken("b", 1.2))
    view = opened(home.studio, admin, form(systems=systems, sentences=sentences))
    home.studio.close()
    arguments = [sys.executable, "-c", CHILD, str(home.settings.storage), view.link]
    child = subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert child.stdout is not None
    acknowledged = [child.stdout.readline().split() for _ in range(60)]
    os.killpg(child.pid, signal.SIGKILL)
    rest, _ = child.communicate()
    acknowledged += [line.split() for line in rest.splitlines() if len(line.split()) == 3]
    assert len(acknowledged) < 360, "it was killed too late to mean anything"
    with home.reopen().database.read() as session:
        stored = {(row.listener_id, row.trial_id): row.score for row in session.scalars(select(Rating))}
    missing = [line for line in acknowledged if stored.get((line[0], line[1])) != float(line[2])]
    assert len(acknowledged) >= 60 and missing == []
    assert len(stored) <= len(acknowledged) + 6  # at most one a listener was stored and not told yet
