"""Helpers: a test made with the scripted engine, and listeners who take part without waiting."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from studio.audio.clip import AudioClip
from studio.bootstrap import Studio
from studio.listening.answers import Ballot
from studio.listening.forms import LinkForm, ListeningForm, ListeningView, SpokenBy, SystemForm, Uploaded
from studio.listening.hearing import FetchLog
from studio.listening.kinds import Kind
from studio.listening.seats import BoothState, Visitor
from studio.privacy.access import Actor
from tests.fakes import buzz

SENTENCES = ("Buongiorno a tutti.", "Il treno parte alle otto.", "Piove da ieri sera.", "Grazie mille.")


def spoken(name: str, speed: float = 1.0) -> SystemForm:
    """The scripted engine's preset at a speed of its own: systems sound different."""
    return SystemForm(name, SpokenBy("preset:fake:tone", "fake", {"speed": speed}))


def brought(name: str, pitch_hz: float, count: int = 4, voice_id: str = "") -> SystemForm:
    return SystemForm(name, Uploaded(tuple(wide(0.6 + n / 10, pitch_hz, n) for n in range(count)), voice_id))


def wide(seconds: float, pitch_hz: float, seed: int) -> AudioClip:
    """A buzz with breath up to the top of its band, as a real recording has."""
    made = buzz(seconds, pitch_hz, seed)
    breath = 0.01 * np.random.default_rng(seed).standard_normal(len(made.samples))
    return AudioClip((made.samples + breath).astype(np.float32), made.sample_rate_hz)


def form(kind: Kind = Kind.MOS, **changes: object) -> ListeningForm:
    systems = (spoken("Secret Kokoro"), spoken("Secret XTTS", 1.3))
    given = {
        "name": "Secret contest",
        "kind": kind,
        "systems": systems,
        "sentences": SENTENCES,
        "training": 0,
        "seed": 7,
    }
    return ListeningForm(**{**given, **changes})  # type: ignore[arg-type]


def made(studio: Studio, actor: Actor, asked: ListeningForm) -> ListeningView:
    """Created, its batch waited for."""
    live = studio.listening.create(actor, asked)
    live.wait()
    return studio.listening.view(actor, studio.listening.made_by(live))


def opened(studio: Studio, actor: Actor, asked: ListeningForm, **link: object) -> ListeningView:
    view = made(studio, actor, asked)
    return studio.listening.open(actor, view.id, LinkForm(**link))  # type: ignore[arg-type]


@dataclass
class Clock:
    """Time that passes when it is told to."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


def patient(studio: Studio) -> Clock:
    """The booth's fetch log on a clock of the test's own."""
    clock = Clock()
    studio.listening.booth._fetched = FetchLog(clock)
    return clock


@dataclass
class Guest:
    """A listener without an account."""

    studio: Studio
    token: str
    clock: Clock
    cookie: str = ""
    actor: Actor | None = None
    received: list[bytes] = field(default_factory=list)

    @property
    def visitor(self) -> Visitor:
        return Visitor(self.token, (self.cookie,) if self.cookie else (), self.actor)

    def join(self, language: str = "it") -> BoothState:
        self.cookie = self.studio.listening.booth.join(self.visitor, language, agreed=True) or self.cookie
        return self.state()

    def state(self) -> BoothState:
        return self.studio.listening.booth.state(self.visitor)

    def hear(self, state: BoothState) -> list[bytes]:
        """Fetch every sound of the page and let a minute a sound pass."""
        assert state.asking is not None
        sounds = [self.studio.listening.booth.sound(self.visitor, slot.sound) for slot in state.asking.slots]
        self.received += sounds
        self.clock.now += 60.0 * len(sounds)
        return sounds

    def rate(self, state: BoothState, *values: float) -> BoothState:
        assert state.asking is not None
        ballot = Ballot(state.asking.page, values, (1,), 900, heard=True)
        return self.studio.listening.booth.rate(self.visitor, ballot)

    def finish(self, choose: Callable[[BoothState], tuple[float, ...]]) -> int:
        """Answer every page; returns how many there were."""
        state, pages = self.state(), 0
        while state.phase == "trial":
            self.hear(state)
            state = self.rate(state, *choose(state))
            pages += 1
        assert state.phase == "done"
        return pages


def guest(studio: Studio, view: ListeningView, clock: Clock, actor: Actor | None = None) -> Guest:
    return Guest(studio, view.link, clock, actor=actor)


def clip(seconds: float = 1.0, pitch_hz: float = 150.0, rate_hz: int | None = None) -> AudioClip:
    made = buzz(seconds, pitch_hz, 3)
    return AudioClip(made.samples, rate_hz or made.sample_rate_hz)
