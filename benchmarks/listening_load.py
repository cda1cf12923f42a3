"""Two hundred listeners at once, twenty questions each, against the served app from another process.

    python -m benchmarks.listening_load [--listeners 200] [--trials 20]

Twice: at the pace of people (the clip plays to its end, then a pause to decide), and as a closed loop in which
every listener answers the moment the server takes an answer. In both, one answer in ten is sent twice, and
afterwards the database is read: every acknowledged score is there once, in its place, and nothing else is.
Bar: 95 % of ratings are answered within 300 ms at the pace of people.
"""

import argparse
import asyncio
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import numpy as np

from studio.listening.tokens import fingerprint
from studio.settings import Settings

BAR_MS = 300.0
SYSTEMS = 4
PEOPLE_S, HURRIED_S = (2.5, 4.5), (0.25, 0.35)  # shortest and longest clip
NAMES = ("at the pace of people", HURRIED := "closed loop, no pause")
ARRIVE_WITHIN_S = 10.0
DECIDE_S, DECIDE_SPREAD = 2.0, 0.5  # median and spread (log-normal) of the pause before an answer
TWICE = 0.1
TRIES = 5
KEPT = httpx.Limits(keepalive_expiry=60)  # browsers keep their connections, httpx would drop them after 5 s


@dataclass
class Person:
    """A listener's cookie, what was sent, and how long each answer took."""

    cookie: str = ""
    scores: list[int] = field(default_factory=list)
    ratings_ms: list[float] = field(default_factory=list)
    sounds_ms: list[float] = field(default_factory=list)
    joined_ms: float = 0.0


@dataclass(frozen=True)
class Pace:
    """How somebody listens. `hurried`: no pause, and no more of the clip than the server insists on."""

    name: str
    hurried: bool
    link: str

    async def wait(self, dice: random.Random, wav: bytes) -> None:
        heard_s = (len(wav) - 44) / 2 / int.from_bytes(wav[24:28], "little")
        pause_s = 0.0 if self.hurried else dice.lognormvariate(np.log(DECIDE_S), DECIDE_SPREAD)
        await asyncio.sleep(heard_s + pause_s)


# The served side: a process of its own


def clips(count: int, span_s: tuple[float, float], seed: int) -> tuple[object, ...]:
    """Sounds like a voice in length and level: noise whose loudness swells four times a second."""
    from studio.audio.clip import AudioClip

    generator, rate_hz = np.random.default_rng(seed), 24_000
    made = []
    for duration_s in generator.uniform(*span_s, count):
        at = np.arange(int(duration_s * rate_hz)) / rate_hz
        sound = generator.normal(0, 0.1, len(at)) * (1 + np.sin(2 * np.pi * 4 * at)) / 2
        made.append(AudioClip(sound.astype(np.float32), rate_hz))
    return tuple(made)


def serve_tests(folder: Path, trials: int) -> None:
    """Serve a studio with two open tests; the first line printed is its address and their links."""
    from studio.bootstrap import build_studio
    from studio.listening.forms import LinkForm, ListeningForm, SystemForm, Uploaded
    from studio.listening.kinds import Kind
    from studio.ui.shell import build_ui
    from studio.ui.theme import build_look
    from studio.web.server import build_app, prepare, serve

    studio = build_studio(Settings(storage=folder, port=0, device="cpu"))
    actor = studio.accounts.actor_of(studio.accounts.ensure_administrator().id)
    links = []
    for name, span_s in (("people", PEOPLE_S), ("hurried", HURRIED_S)):
        systems = tuple(
            SystemForm(f"System {n}", Uploaded(clips(trials // SYSTEMS, span_s, n)))  # type: ignore[arg-type]
            for n in range(SYSTEMS)
        )
        live = studio.listening.create(
            actor, ListeningForm(name, Kind.MOS, systems, attested=True, training=0, seed=1)
        )
        live.wait()
        view = studio.listening.open(actor, studio.listening.made_by(live), LinkForm(quota=10_000))
        links.append(view.link)
    prepare(studio)

    def announce(link: str) -> None:
        sys.stdout.write(" ".join([link.partition("/login/")[0], *links]) + "\n")
        sys.stdout.flush()

    serve(studio, build_app(studio, build_ui(studio), build_look()), False, announce)


# The listeners' side


async def timed(
    client: httpx.AsyncClient, method: str, path: str, **more: object
) -> tuple[httpx.Response, float]:
    """The answer, and the milliseconds from sending to its last byte; a broken connection is tried again, as
    the page does, and its time counts.
    """
    began = time.perf_counter()
    for attempt in range(TRIES):
        try:
            answer = await client.request(method, path, **more)  # type: ignore[arg-type]
            break
        except httpx.TransportError:
            if attempt == TRIES - 1:
                raise
            await asyncio.sleep(0.5 * 2**attempt)
    taken = (time.perf_counter() - began) * 1000
    if answer.status_code != 200:
        raise RuntimeError(f"{method} {path.rpartition('/')[2]}: {answer.status_code} {answer.text[:200]}")
    return answer, taken


async def listen(address: str, pace: Pace, seed: int) -> Person:
    """One session, from opening the page to its end."""
    dice, person, base = random.Random(seed), Person(), f"/listen/{pace.link}"
    await asyncio.sleep(dice.uniform(0, ARRIVE_WITHIN_S))
    async with httpx.AsyncClient(base_url=address, timeout=60, limits=KEPT, trust_env=False) as client:
        for path in (base, "/listening/page.js", "/listening/page.css", f"{base}/state"):
            await timed(client, "GET", path)
        answer, person.joined_ms = await timed(client, "POST", f"{base}/join", json={"agreed": True})
        person.cookie = next(iter(client.cookies.values()))
        state = answer.json()
        while state["phase"] == "trial":
            sound, taken = await timed(client, "GET", state["slots"][0]["sound"])
            person.sounds_ms.append(taken)
            await pace.wait(dice, sound.content)
            score = dice.randint(1, 5)
            ballot = {
                "page": state["page"],
                "values": [score],
                "replays": [0],
                "response_ms": 900,
                "heard": True,
            }
            answer, taken = await timed(client, "POST", f"{base}/rate", json=ballot)
            person.scores.append(score)
            person.ratings_ms.append(taken)
            if dice.random() < TWICE:  # an impatient finger, or a connection that dropped the answer
                await timed(client, "POST", f"{base}/rate", json=ballot | {"values": [6 - score]})
            state = answer.json()
    return person


async def crowd(address: str, pace: Pace, listeners: int) -> tuple[list[Person], float]:
    began = time.perf_counter()
    people = await asyncio.gather(*(listen(address, pace, seed) for seed in range(listeners)))
    return people, time.perf_counter() - began


# What is left of it


def refuse_lost(file: Path, people: list[Person], link: str) -> int:
    """Rows of this test; AssertionError unless they are what was acknowledged, score by score."""
    with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as database:
        rows = database.execute(
            "SELECT l.cookie_hash, r.score FROM listening_rating r JOIN listening_listener l ON l.id = r.listener_id "
            "JOIN listening_test t ON t.id = l.test_id WHERE t.link_hash = ? ORDER BY l.id, r.position",
            (fingerprint(link),),
        ).fetchall()
        twice = database.execute(
            "SELECT COUNT(*) - COUNT(DISTINCT trial_id || listener_id) FROM listening_rating"
        ).fetchone()
    stored: dict[str, list[float]] = {}
    for cookie, score in rows:
        stored.setdefault(cookie, []).append(score)
    for person in people:
        assert stored.pop(fingerprint(person.cookie)) == person.scores, "a rating was lost or changed"
    assert not stored and twice == (0,), "a rating that nobody gave"
    return len(rows)


def told(name: str, taken: list[float]) -> float:
    """Prints percentiles; returns the 95th."""
    p50, p95, p99 = np.percentile(taken, [50, 95, 99])
    print(f"  {name:18} p50 {p50:7.1f}   p95 {p95:7.1f}   p99 {p99:7.1f}   most {max(taken):7.1f} ms")
    return float(p95)


def cpu_s(process: int) -> float:
    """Processor seconds that a process has used so far (Linux)."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(address: str, server: int, file: Path, pace: Pace, listeners: int, trials: int) -> float:
    """One crowd; returns the 95th percentile of a rating in milliseconds."""
    load_before, cpu_before = os.getloadavg()[0], cpu_s(server)
    people, taken_s = asyncio.run(crowd(address, pace, listeners))
    ratings = [ms for person in people for ms in person.ratings_ms]
    print(f"{pace.name} (load before {load_before:.1f} on {os.cpu_count()} cores)")
    spent_ms = 1000 * (cpu_s(server) - cpu_before) / len(ratings)
    print(
        f"  {len(ratings)} ratings in {taken_s:.0f} s: {len(ratings) / taken_s:.0f} a second; "
        f"the server spends {spent_ms:.1f} ms of processor on a rating with its sound"
    )
    p95 = told("a rating", ratings)
    told("a sound", [ms for person in people for ms in person.sounds_ms])
    told("joining", [person.joined_ms for person in people])
    assert len(ratings) == listeners * trials
    assert refuse_lost(file, people, pace.link) == listeners * trials
    print(f"  in the database: {listeners * trials}, each once, each as it was given")
    return p95


def both(storage: Path, listeners: int, trials: int) -> float:
    """Serve from a process of its own, then the two crowds; the 95th percentile at the pace of people."""
    module = [sys.executable, "-m", "benchmarks.listening_load"]
    child = subprocess.Popen(
        [*module, "--serve", str(storage), "--trials", str(trials)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert child.stdout is not None
        address, *links = child.stdout.readline().split()
        file = Settings(storage=storage).database_file
        people, hurried = (Pace(name, name == HURRIED, link) for name, link in zip(NAMES, links, strict=True))
        p95 = measure(address, child.pid, file, people, listeners, trials)
        measure(address, child.pid, file, hurried, listeners, trials)
    finally:
        child.terminate()
        child.wait(timeout=30)
    return p95


def main() -> int:
    parser = argparse.ArgumentParser(description="Two hundred listeners at once.")
    parser.add_argument("--listeners", type=int, default=200)
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        serve_tests(given.serve, given.trials)
        return 0
    with tempfile.TemporaryDirectory() as made:
        p95 = both(Path(made), given.listeners, given.trials)
    verdict = "met" if p95 < BAR_MS else "MISSED"
    print(f"p95 of a rating at the pace of people: {p95:.1f} ms; bar {BAR_MS:g} ms: {verdict}")
    return 0 if p95 < BAR_MS else 1


if __name__ == "__main__":
    sys.exit(main())
