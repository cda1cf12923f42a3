"""Enrolment: a voice is encoded for an engine, in the background, watched and cached by content."""

import hashlib
import logging
import threading
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from studio.audio.clip import AudioClip
from studio.consent.gate import permits
from studio.consent.purposes import Purpose
from studio.db.database import Database
from studio.db.tables import EncodedVoice, Voice
from studio.engines.base import Engine, EngineSpec, EnrolmentProgress, VoiceState
from studio.engines.registry import Registry
from studio.errors import InputRefused, StudioError
from studio.evaluation.judges import Judges
from studio.privacy import audit
from studio.privacy.access import Actor, Permission
from studio.privacy.vault import Vault
from studio.voices.likeness import language_of, likeness
from studio.voices.service import VoiceService
from studio.work.live import Live, LiveBoard
from studio.work.turns import Turns

Enrolment = Live[EnrolmentProgress]
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class EncodedView:
    """A finished encoding: what the engine says of it, and whether it was made of the present recordings."""

    engine_id: str
    facts: dict[str, str]
    complete: bool
    created_at: str
    current: bool


@dataclass(frozen=True)
class Encoding:
    """What was made of the clips that `clips_id` names; `judged` are facts about how close it came."""

    state: VoiceState
    clips_id: str
    complete: bool
    judged: dict[str, str]


class EnrolmentService:
    """Runs encode_voice one at a time; the same clips are never encoded twice for one engine."""

    def __init__(
        self,
        database: Database,
        vault: Vault,
        voices: VoiceService,
        engines: Registry,
        judges: Judges,
        speaking: Turns,
    ) -> None:
        """`speaking` is the turn of everybody who lets an engine speak."""
        self._database = database
        self._vault = vault
        self._voices = voices
        self._engines = engines
        self._judges = judges
        self._speaking = speaking
        self._turns = Turns()
        self._lock = threading.Lock()
        self._running: dict[tuple[str, str], Enrolment] = {}
        self._board: LiveBoard[EnrolmentProgress] = LiveBoard()

    def start(self, actor: Actor, voice_id: str, engine_id: str, *, again: bool = False) -> Enrolment:
        """Begin, or join the enrolment of this voice that already runs. `again` refits a finished one.

        Raises NotFound, ConsentMissing or InputRefused at once; later trouble comes through the events.
        """
        actor.require(Permission.VOICES)
        spec = self._engines.spec(engine_id)
        if not spec.clones:
            raise InputRefused("voices.not_cloning", engine=spec.name)
        with self._database.read() as session:
            permits(session, self._voices.find(session, actor, voice_id), {Purpose.ZERO_SHOT}, spec)
        key = (voice_id, engine_id)
        with self._lock:
            running = self._running.get(key)
            if running is not None and not running.finished:
                return running
            live = self._running[key] = self._board.add(Enrolment(actor.account_id))
            return live.start(
                lambda work: self._work(work, actor, voice_id, spec, again), f"enrol-{voice_id}"
            )

    def running(self, voice_id: str, engine_id: str) -> Enrolment | None:
        with self._lock:
            live = self._running.get((voice_id, engine_id))
        return live if live is not None and not live.finished else None

    def stop_speaker(self, speaker_id: str) -> None:
        """Cancel the enrolments of a speaker's voices and forget what they found; for a withdrawal."""
        with self._database.read() as session:
            voices = {voice.id for voice in self._voices.of_speaker(session, speaker_id)}
        with self._lock:
            gone = [self._running.pop(key) for key in list(self._running) if key[0] in voices]
        tokens = {live.token for live in gone}
        self._board.drop(lambda live: live.token in tokens)
        for live in gone:
            live.cancel()

    def find(self, actor: Actor, token: str) -> Enrolment:
        return self._board.find(actor.account_id, token)

    def of_actor(self, actor: Actor) -> list[tuple[str, str, Enrolment]]:
        """The actor's enrolments that run, as (voice id, engine id, work)."""
        with self._lock:
            running = [(voice, engine, live) for (voice, engine), live in self._running.items()]
        return [one for one in running if one[2].owner_id == actor.account_id and not one[2].finished]

    def state(self, session: Session, voice: Voice, spec: EngineSpec) -> VoiceState | None:
        """The stored encoding of this voice's present clips, or None."""
        row = self._row(session, voice, spec, self._clips_id(session, voice, spec))
        return VoiceState.from_bytes(self._vault.read(session, row.asset_id)) if row else None

    def encoded(self, actor: Actor, voice_id: str) -> list[EncodedView]:
        """What is already encoded of a voice, one for each engine: of the present recordings where there is one."""
        specs = {spec.id: spec for spec in self._engines.specs()}
        with self._database.read() as session:
            voice = self._voices.find(session, actor, voice_id)
            now = {spec.id: self._clips_id(session, voice, spec) for spec in specs.values()}
            rows = session.scalars(select(EncodedVoice).where(EncodedVoice.voice_id == voice.id))
            views = [
                EncodedView(
                    r.engine_id, r.facts, r.complete, r.created_at, now.get(r.engine_id) == r.clips_id
                )
                for r in rows
            ]
        ranked = sorted(views, key=lambda view: (view.current, view.created_at))
        return list({view.engine_id: view for view in ranked}.values())

    def _work(self, live: Enrolment, actor: Actor, voice_id: str, spec: EngineSpec, again: bool) -> None:
        with self._database.read() as session:
            voice = self._voices.find(session, actor, voice_id)
            clips = self._voices.clips(session, voice)
            clips_id = self._clips_id(session, voice, spec)  # a recording may come or go meanwhile
            row = self._row(session, voice, spec, clips_id)
            known = row is not None and row.complete and not again  # one cut short is made again, to its end
            stored = self.state(session, voice, spec) if known else None
        if stored is not None:
            live.publish(EnrolmentProgress(1.0, "cached", stored))
            return
        with self._turns.turn(live.should_stop, lambda ahead: live.publish(EnrolmentProgress(0.0, "queued"))):
            live.publish(EnrolmentProgress(0.0, "loading"))
            engine = self._engines.engine(spec.id)
            state = engine.encode_voice(
                clips, language=voice.language, report=live.publish, should_stop=live.should_stop
            )
        complete = not live.should_stop()
        live.publish(EnrolmentProgress(0.98, "judging", state))
        made = Encoding(state, clips_id, complete, self._judged(engine, state, clips, voice.language))
        self._store(actor, voice_id, spec, made)
        live.publish(EnrolmentProgress(1.0, "done", state))

    def _judged(
        self, engine: Engine, state: VoiceState, clips: list[AudioClip], language: str
    ) -> dict[str, str]:
        """How close it came, as facts; none where it cannot be judged: the voice is usable all the same."""
        spoken = language_of(engine.spec.languages, language)
        if not spoken:
            return {}
        try:
            with self._speaking.turn():
                return likeness(engine, state, clips, spoken, self._judges.embed).facts
        except StudioError as error:
            log.warning("no likeness for this encoding: %s", error)
            return {}

    def _store(self, actor: Actor, voice_id: str, spec: EngineSpec, made: Encoding) -> None:
        with self._database.write() as session:
            voice = self._voices.find(session, actor, voice_id)
            permits(session, voice, {Purpose.ZERO_SHOT}, spec)  # asked again: minutes have passed
            if old := self._row(session, voice, spec, made.clips_id):
                session.delete(old)
                session.flush()
                self._vault.delete(session, old.asset_id)
            asset_id = self._vault.write(session, voice.speaker_id, "voice_state", made.state.to_bytes())
            session.add(
                EncodedVoice(
                    voice_id=voice.id,
                    engine_id=spec.id,
                    clips_id=made.clips_id,
                    asset_id=asset_id,
                    content_id=made.state.content_id,
                    facts={**made.state.facts, **made.judged},
                    complete=made.complete,
                )
            )
            audit.append(session, actor.account_id, "voice.encoded", voice.id, engine=spec.id)

    @staticmethod
    def _row(session: Session, voice: Voice, spec: EngineSpec, clips_id: str) -> EncodedVoice | None:
        query = select(EncodedVoice).where(
            EncodedVoice.voice_id == voice.id,
            EncodedVoice.engine_id == spec.id,
            EncodedVoice.clips_id == clips_id,
        )
        return session.scalars(query).first()

    def _clips_id(self, session: Session, voice: Voice, spec: EngineSpec) -> str:
        """What decides the encoding: the engine, how it encodes, its models, the language, the recordings."""
        contents = sorted(self._voices.content_ids(session, voice))
        parts = [spec.id, f"encoding {spec.encoding}", *spec.models, voice.language, *contents]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()
