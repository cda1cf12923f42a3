"""Synthesis: from a request to a stored take, with the gate asked before and after."""

import logging
from collections.abc import Iterator

from studio.audio.encode import AudioFormat
from studio.db.database import Database
from studio.db.tables import Synthesis, new_id, now
from studio.engines.base import VoiceState
from studio.engines.registry import Registry
from studio.errors import NotFound
from studio.privacy import audit
from studio.privacy.access import Actor
from studio.privacy.vault import Vault
from studio.provenance.marking import Marker
from studio.synthesis.judging import Judging
from studio.synthesis.preview import Preview
from studio.synthesis.requests import PreviewEvent, SynthesisRequest
from studio.synthesis.scoring import Scorer
from studio.synthesis.scripts import Scripts
from studio.synthesis.speaking import Performance, Script, Warmth
from studio.synthesis.takes import TakeStore, view
from studio.synthesis.text import PreparedText
from studio.synthesis.trained import NothingTrained, Trained
from studio.voices.enrolment import EnrolmentService
from studio.voices.service import VoiceService
from studio.work.live import Live, LiveBoard
from studio.work.turns import Place, Turns

log = logging.getLogger(__name__)


class SynthesisService:
    """Makes takes, one after the other in the order they were asked for."""

    def __init__(
        self,
        database: Database,
        vault: Vault,
        voices: VoiceService,
        enrolment: EnrolmentService,
        engines: Registry,
        scorer: Scorer,
        marker: Marker,
        *,
        text_limit: int,
        device: str,
        turns: Turns,
        trained: Trained | None = None,
    ) -> None:
        self._database = database
        self._vault = vault
        self._enrolment = enrolment
        self._engines = engines
        self.marker = marker
        self._device = device
        self.scripts = Scripts(database, voices, engines, trained or NothingTrained(), text_limit)
        self._turns = turns  # of everybody who lets an engine speak
        self._warmth = Warmth()
        self._board: LiveBoard[PreviewEvent] = LiveBoard()
        self.takes = TakeStore(database, vault, marker)
        self._judging = Judging(database, voices, scorer, self.takes)

    @property
    def trained(self) -> Trained:
        """The shelf of trained voices; scripts hold it, so that there is one."""
        return self.scripts.trained

    def prepare(self, text: str, language: str, engine_id: str) -> PreparedText:
        """The text as it will be spoken, and its chunks; TextRefused when there is nothing to say."""
        return self.scripts.prepare(text, language, engine_id)

    def preview(self, actor: Actor, request: SynthesisRequest) -> Preview:
        """Start a take; everything that can be refused is refused here, before any work.

        Raises TextRefused, InputRefused, ConsentMissing, LicenceForbids, NotFound, and EngineTrouble when
        the watermarker is missing: nothing is generated that could not be marked.
        """
        self.marker.check()
        script = self.scripts.write(actor, request)
        live = Preview(actor.account_id, script.spec.sample_rate_hz, self.marker.tags(now()))
        live.speaker_id = script.voice.speaker_id if script.voice else ""
        live.permitted = lambda: self.scripts.ask(actor, script)
        self._board.add(live)
        state = self._stored_state(script)
        # The place counts from the moment of asking. A voice still to be encoded queues when it is ready:
        # others need not wait for its enrolment.
        place = self._turns.reserve() if state is not None else None
        live.start(lambda _: self._work(live, actor, script, state, place), "preview")
        return live

    def find(self, actor: Actor, token: str) -> Preview:
        """A preview of the actor's, running or just finished; NotFound otherwise."""
        live = self._board.find(actor.account_id, token)
        if not isinstance(live, Preview):
            raise NotFound("work.unknown")
        return live

    def running(self, actor: Actor) -> list[Preview]:
        """The actor's previews that have not ended, oldest first."""
        return [live for live in self._board.running(actor.account_id) if isinstance(live, Preview)]

    def live(self, actor: Actor, token: str) -> Iterator[bytes]:
        """The sound of a preview as an MP3 stream, running or just finished; what the gate raises.

        A withdrawal may have been made by another process, and an expiry by nobody.
        """
        preview = self.find(actor, token)
        preview.permitted()
        return preview.mp3()

    def audio(self, actor: Actor, take_id: str, format_name: str) -> tuple[bytes, str, str]:
        return self.takes.audio(actor, take_id, format_name)

    def _work(
        self, live: Preview, actor: Actor, script: Script, state: VoiceState | None, place: Place | None
    ) -> None:
        try:
            state = self._trained_state(script, state or self._enrolled_state(live, actor, script))
            take_id = self._from_cache(live, actor, script, state)
            take_id = take_id or self._generate(live, actor, script, state, place or self._turns.reserve())
        finally:
            if place is not None:
                place.leave()
            live.end_sound()
        if script.request.score:
            self._judging.score(live, actor, script, take_id)

    def _stored_state(self, script: Script) -> VoiceState | None:
        """The voice for the engine if it is at hand: a preset, or an encoding made before."""
        if script.voice is None:
            return self._engines.engine(script.spec.id).preset_voice(script.request.voice.preset_id)
        with self._database.read() as session:
            return self._enrolment.state(session, script.voice, script.spec)

    def _enrolled_state(self, live: Preview, actor: Actor, script: Script) -> VoiceState:
        """The best so far of an enrolment that runs, started if need be."""
        assert script.voice is not None
        for event in self._enrolment.start(actor, script.voice.id, script.spec.id).events():
            live.check(script.voice_name)
            live.publish(PreviewEvent("enrolling", event.fraction))
            if event.state is not None:
                return event.state
        raise NotFound("voices.unknown")

    def _trained_state(self, script: Script, state: VoiceState) -> VoiceState:
        """The state with the adapter that was asked for; its content differs, so caches keep them apart."""
        if not script.request.adapter_id or script.voice is None:
            return state
        engine = self._engines.engine(script.spec.id)
        return self.trained.applied(script.request.adapter_id, script.voice, engine, state)

    def _from_cache(self, live: Preview, actor: Actor, script: Script, state: VoiceState) -> str | None:
        """The phrase cache: the same recipe was spoken before."""
        if script.request.fresh:
            return None
        with self._database.read() as session:
            row = self.takes.cached(session, actor, script.recipe(state), script.request.purpose)
        if row is None:
            return None
        if script.request.batch_id:
            row = self._copied(actor, script, row)
        live.sound(self.takes.clip(actor, row.id))
        live.publish(PreviewEvent("stored", 1.0, chunks=script.prepared.chunks, take=view(row, cached=True)))
        return row.id

    def _copied(self, actor: Actor, script: Script, row: Synthesis) -> Synthesis:
        """A known phrase as a take of this batch; the one it was made as may belong to another."""
        request = script.request
        with self._database.write() as session:
            consent_id, keyset_id = self.scripts.consent(session, actor, script)
            copy = self.takes.copied(
                session, row, keyset_id,
                consent_id=consent_id, batch_id=request.batch_id, batch_name=request.batch_name, text=request.text,
            )  # fmt: skip
            audit.append(session, actor.account_id, "take.copied", copy.id, engine=script.spec.id)
            return copy

    def _generate(self, live: Preview, actor: Actor, script: Script, state: VoiceState, place: Place) -> str:
        def waiting(ahead: int) -> None:
            live.publish(PreviewEvent("queued", ahead=ahead))

        with place.turn(live.should_stop, waiting):
            live.publish(PreviewEvent("loading", chunks=script.prepared.chunks))
            self.marker.load()
            engine = self._engines.engine(script.spec.id)
            self._warmth.bring(engine, script, state)
            performance = Performance()
            for piece in performance.run(engine, script, state, self.marker):
                live.check(script.voice_name)
                self.scripts.ask(actor, script)
                live.sound(piece)
                live.publish(self._spoken(script, performance))
            live.end_sound()
            row = self._store(actor, script, state, performance)
        live.publish(PreviewEvent("stored", 1.0, chunks=script.prepared.chunks, take=view(row)))
        return row.id

    @staticmethod
    def _spoken(script: Script, performance: Performance) -> PreviewEvent:
        seconds = sum(piece.duration_s for piece in performance.pieces)
        expected = max(1.0, len(script.prepared.normalised) / 14)  # about 14 characters a second are spoken
        return PreviewEvent(
            "speaking", min(0.99, seconds / expected), chunks=script.prepared.chunks, seconds=seconds
        )

    def _store(self, actor: Actor, script: Script, state: VoiceState, performance: Performance) -> Synthesis:
        sound, request = performance.sound, script.request
        recipe, made_at = script.recipe(state), now()
        file = self.marker.file(sound, AudioFormat.FLAC, made_at)
        with self._database.write() as session:
            consent_id, keyset_id = self.scripts.consent(session, actor, script)
            asset_id = self._vault.write(session, keyset_id, "take", file)
            row = Synthesis(
                id=new_id("tak"), owner_id=actor.account_id, voice_id=script.voice.id if script.voice else None,
                preset_id=request.voice.preset_id or None, voice_name=script.voice_name, consent_id=consent_id,
                engine_id=script.spec.id, voice_content_id=state.content_id, language=request.language,
                adapter_id=request.adapter_id or None, text=request.text, chunks=list(script.prepared.chunks),
                normalised_text=script.prepared.normalised, options=dict(recipe.options), notice=request.notice,
                purpose=request.purpose.value, phrase_key=recipe.phrase_key,
                asset_id=asset_id, duration_s=sound.duration_s, sample_rate_hz=sound.sample_rate_hz,
                rtf=performance.wall_s / sound.duration_s, first_sound_s=performance.first_sound_s,
                device=self._device, batch_id=request.batch_id, batch_name=request.batch_name, created_at=made_at,
            )  # fmt: skip
            session.add(row)
            audit.append(session, actor.account_id, "take.made", row.id, engine=script.spec.id)
            return row

    def stop_speaker(self, speaker_id: str) -> None:
        """Cancel what speaks with a speaker's voice and forget its sound; for a withdrawal."""

        def theirs(live: Live[PreviewEvent]) -> bool:
            if not isinstance(live, Preview) or live.speaker_id != speaker_id:
                return False
            live.forget()
            return True

        self._board.drop(theirs)
        self.takes.files.forget()
