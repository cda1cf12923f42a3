"""The booth: where listeners rate. Nothing it says names a system before the test is closed."""

import threading
from collections.abc import Iterable
from dataclasses import replace

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.orm import Session

from studio.audio.clip import Samples
from studio.db.database import Database
from studio.db.tables import Listener, Rating, Stimulus, System, new_id, now
from studio.errors import InputRefused, NotFound, NotPermitted
from studio.listening import headphones
from studio.listening.answers import Ballot, labels, scores, sides
from studio.listening.doorway import enter, listener_of, new_listener, refuse_shut
from studio.listening.hearing import FetchLog
from studio.listening.kinds import Use
from studio.listening.lookups import (
    Chair,
    door_by_id,
    gone_stimuli,
    heard_of,
    rated_by,
    tests_heard,
    unfinished,
)
from studio.listening.plan import Plan, Plans
from studio.listening.seats import Asking, BoothState, Seat, Slot, Visitor, state_of, told_of
from studio.listening.secrets import SecretKeeper
from studio.listening.sessions import Page
from studio.listening.silence import ConsentWatch
from studio.listening.sounds import SoundBox, disguised
from studio.listening.stimuli import StimulusStore
from studio.listening.tokens import same, seed_of

_INSERT = insert(Rating).on_conflict_do_nothing(index_elements=["trial_id", "listener_id"])
MOST_REPLAYS, MOST_RESPONSE_MS = 10_000, 86_400_000


class Booth:
    """Serves listeners: state, consent, sounds, ratings. One transaction a rating."""

    def __init__(self, database: Database, store: StimulusStore, keeper: SecretKeeper) -> None:
        self._database = database
        self._store = store
        self._plans = Plans(keeper)
        self._box = SoundBox()
        self._fetched = FetchLog()
        self._pen = threading.Lock()  # ratings queue here, not at SQLite's polling lock
        self._consents = ConsentWatch()

    # What the page asks

    def state(self, visitor: Visitor) -> BoothState:
        """Where this listener is. NotFound for no such link; NotPermitted when it is shut."""
        with self._database.read() as session:
            test, preview = enter(session, visitor)
            plan = self._plans.of(session, test.id)
            listener = listener_of(session, visitor, test.id, preview)
            if test.status == "closed":
                return self._closed(session, plan, test.revealed, listener)
            refuse_shut(test, preview)
            if listener is None:
                return state_of("welcome", plan, preview)
            seat = self._seat(session, plan, listener, preview)
            state = self._asked_next(session, seat)
        if (
            state.phase == "done" and listener.finished_at is None
        ):  # the last sounds went, not a last answer came
            with self._pen, self._database.write() as session:
                self._finish(session, listener.id)
        return state

    def join(self, visitor: Visitor, language: str, *, agreed: bool) -> str:
        """Take part: returns the cookie to keep, "" for who takes part already (a preview starts anew) and for
        accounts, which are known without one.
        """
        if not agreed:
            raise InputRefused("listening.consent")
        with self._pen, self._database.write() as session:
            test, preview = enter(session, visitor)
            refuse_shut(test, preview)
            known = listener_of(session, visitor, test.id, preview)
            if known is not None and not preview:
                return ""
            if known is not None:
                session.execute(delete(Listener).where(Listener.id == known.id))
            return new_listener(session, test, visitor, language, preview)

    def check_headphones(self, visitor: Visitor, answers: tuple[int, ...]) -> BoothState:
        """Note whether the check was passed; an empty answer skips it, which counts as not passed."""
        with self._pen, self._database.write() as session:
            seat = self._seated(session, visitor)
            if seat.wants_headphones:
                asked = headphones.questions(seed_of(seat.plan.secret, "tones", seat.listener.id))
                heard = headphones.passed(asked, answers)
                noted = update(Listener).where(Listener.id == seat.listener.id)
                session.execute(noted.values(headphones=heard))
                seat = replace(seat, listener=replace(seat.listener, headphones=heard))
            return self._asked_next(session, seat)

    def sound(self, visitor: Visitor, sound: str) -> bytes:
        """A sound of the page that is to be answered now, as WAV; NotFound for every other token."""
        with self._database.read() as session:
            seat = self._seated(session, visitor)
            if seat.wants_headphones:
                return self._tone(seat, sound)
            page, slot = self._slot(session, seat, sound)
            stimulus_id = seat.plan.stimuli(page)[slot]
            samples = self._samples(session, seat.plan, stimulus_id)
        self._fetched.note(seat.listener.id, page.position, slot)
        return disguised(samples, seat.plan.rate_hz, seed_of(seat.plan.secret, "dither", sound))

    def rate(self, visitor: Visitor, ballot: Ballot) -> BoothState:
        """Store an answer and say what comes next. Sent again, nothing changes.

        Raises InputRefused for an answer off the scale or before the sounds can have been heard.
        """
        with self._database.read() as session:
            seat = self._seated(session, visitor)
        likely = sorted(
            seat.pages, key=lambda page: seat.rated.issuperset(page.trials)
        )  # the open ones first
        page = next((p for p in likely if same(seat.page_token(p), ballot.page)), None)
        if page is None:
            raise NotFound("listening.unknown_page")
        if not seat.rated.issuperset(page.trials):
            try:
                self._refuse_unheard(seat, page, ballot)
            except InputRefused:
                return self._answered_meanwhile(visitor, page)
            rows = self._rows(seat, page, ballot)
            seat = replace(seat, rated=seat.rated | set(page.trials))
            state = self._store_ratings(seat, rows)
            self._fetched.forget(seat.listener.id, page.position)
            return state
        with self._database.read() as session:
            return self._asked_next(session, seat)

    def _answered_meanwhile(self, visitor: Visitor, page: Page) -> BoothState:
        """Where the same answer came twice at once, the first one's fetches are forgotten when the second looks."""
        with self._database.read() as session:
            seat = self._seated(session, visitor)
            if not seat.rated.issuperset(page.trials):
                raise InputRefused("listening.not_heard")
            return self._asked_next(session, seat)

    def _seated(self, session: Session, visitor: Visitor) -> Seat:
        """The visitor as a listener who may go on; NotPermitted otherwise."""
        test, preview = enter(session, visitor)
        refuse_shut(test, preview)
        listener = listener_of(session, visitor, test.id, preview)
        if listener is None:
            raise NotPermitted("listening.not_joined")
        return self._seat(session, self._plans.of(session, test.id), listener, preview)

    def _seat(self, session: Session, plan: Plan, listener: Chair, preview: bool) -> Seat:
        pages = self._plans.pages(plan, listener.number)
        return Seat(plan, preview, listener, pages, rated_by(session, listener.id))

    # What comes next

    def _asked_next(self, session: Session, seat: Seat) -> BoothState:
        if seat.wants_headphones:
            tones = tuple(seat.tone_token(number) for number in range(headphones.QUESTIONS))
            return state_of("headphones", seat.plan, seat.preview, seat, tones=tones)
        page = self._current(session, seat)
        if page is None:
            return state_of("done", seat.plan, seat.preview, seat)
        stimuli = seat.plan.stimuli(page)
        named = labels(seat.plan.kind, page, len(stimuli))
        slots = tuple(Slot(label, seat.sound_token(page, n)) for n, label in enumerate(named))
        asking = Asking(seat.page_token(page), page.use is Use.TRAINING, slots)
        return state_of("trial", seat.plan, seat.preview, seat, asking=asking)

    def _current(self, session: Session, seat: Seat) -> Page | None:
        """The first open page that still has its sounds: a speaker may have withdrawn, a consent have ended."""
        waiting = seat.open_pages
        if not waiting:
            return None
        missing = gone_stimuli(session, seat.plan.test_id) | self._consents.silenced(session, seat.plan)
        return next((p for p in waiting if missing.isdisjoint(seat.plan.stimuli(p))), None)

    def _closed(self, session: Session, plan: Plan, revealed: bool, listener: Chair | None) -> BoothState:
        """After the end; only now, and only to who took part, the names."""
        if listener is None or not revealed:
            return state_of("closed", plan, False)
        query = select(Rating.trial_id, Rating.score).where(Rating.listener_id == listener.id)
        given: dict[str, float] = {row.trial_id: row.score for row in session.execute(query)}
        # Read now, not from the plan: a name may have been erased meanwhile.
        named = select(Stimulus.id, System.name).join(System, System.id == Stimulus.system_id)
        here = session.execute(named.where(Stimulus.test_id == plan.test_id))
        names: dict[str, str] = {row.id: row.name for row in here}
        pages = [p for p in self._plans.pages(plan, listener.number) if p.use is Use.RATED]
        told = tuple(told_of(plan, page, given, names) for page in pages if set(page.trials) <= set(given))
        return state_of("closed", plan, False, told=told)

    # Sounds

    def _slot(self, session: Session, seat: Seat, sound: str) -> tuple[Page, int]:
        page = self._current(session, seat)
        for slot in range(len(seat.plan.stimuli(page)) if page else 0):
            assert page is not None
            if same(seat.sound_token(page, slot), sound):
                return page, slot
        raise NotFound("listening.unknown_sound")

    @staticmethod
    def _tone(seat: Seat, sound: str) -> bytes:
        asked = headphones.questions(seed_of(seat.plan.secret, "tones", seat.listener.id))
        for number, question in enumerate(asked):
            if same(seat.tone_token(number), sound):
                return headphones.sound(question)
        raise NotFound("listening.unknown_sound")

    def _samples(self, session: Session, plan: Plan, stimulus_id: str) -> Samples:
        planned = plan.sounds[stimulus_id]
        if planned.voice_id:
            self._consents.ask(session, planned.voice_id)
        kept = self._box.find(planned.asset_id or "", plan.rate_hz)
        if kept is not None:  # that it is not gone was asked when the page was found
            return kept
        row = session.get(Stimulus, stimulus_id)
        if row is None or row.asset_id is None:
            raise NotFound("listening.unknown_sound")
        return self._box.keep(row.asset_id, self._store.clip(session, row), plan.rate_hz)

    # Ratings

    def _refuse_unheard(self, seat: Seat, page: Page, ballot: Ballot) -> None:
        stimuli = seat.plan.stimuli(page)
        durations = {n: seat.plan.sounds[stimulus].duration_s for n, stimulus in enumerate(stimuli)}
        if not ballot.heard or not self._fetched.heard(seat.listener.id, page.position, durations):
            raise InputRefused("listening.not_heard")

    @staticmethod
    def _rows(seat: Seat, page: Page, ballot: Ballot) -> list[dict[str, object]]:
        plan = seat.plan
        ties = plan.configuration.tie_rule != "none"
        given = scores(plan.kind, page, ballot.values, ties=ties)
        replays = ballot.replays if len(ballot.replays) == len(given) else ballot.replays[:1] * len(given)
        replays = replays or (0,) * len(given)
        return [
            {
                "id": new_id("rat"), "trial_id": trial, "listener_id": seat.listener.id, "score": score,
                "position": page.position, "side": side, "replays": max(0, min(MOST_REPLAYS, again)),
                "response_ms": max(0, min(MOST_RESPONSE_MS, ballot.response_ms)), "heard_to_end": True,
                "config_hash": plan.config_hash, "created_at": now(),
            }
            for trial, score, side, again in zip(
                page.trials, given, sides(plan.kind, page), replays, strict=True
            )
        ]  # fmt: skip

    def _store_ratings(self, seat: Seat, rows: Iterable[dict[str, object]]) -> BoothState:
        """One transaction; whether the test is still open is asked inside it. Says what comes next."""
        with self._pen, self._database.write() as session:
            test = door_by_id(session, seat.plan.test_id)
            if test is None:  # deleted while somebody was listening
                raise NotFound("listening.link_unknown")
            refuse_shut(test, seat.preview)
            session.connection().execute(_INSERT, list(rows))
            state = self._asked_next(session, seat)
            if state.phase == "done":
                self._finish(session, seat.listener.id)
            return state

    @staticmethod
    def _finish(session: Session, listener_id: str) -> None:
        ended = update(Listener).where(Listener.id == listener_id, Listener.finished_at.is_(None))
        session.execute(ended.values(finished_at=now()))

    def settle(self, session: Session, speaker_id: str) -> None:
        """A speaker's sounds go: listeners who were left with nothing else to answer have finished."""
        for test_id in tests_heard(session, speaker_id):
            plan = self._plans.of(session, test_id)
            going = heard_of(session, test_id, speaker_id) | gone_stimuli(session, test_id)
            for chair, rated in unfinished(session, test_id):
                seat = Seat(plan, False, chair, self._plans.pages(plan, chair.number), rated)
                if seat.rated and all(going.intersection(plan.stimuli(page)) for page in seat.open_pages):
                    self._finish(session, chair.id)
