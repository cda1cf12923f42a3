"""From a request to a script: everything that can be refused is refused here, and the gate is asked here."""

from sqlalchemy.orm import Session

from studio.consent.gate import licence_allows, permits
from studio.consent.purposes import Purpose
from studio.db.database import Database
from studio.engines.base import EngineSpec
from studio.engines.registry import Registry
from studio.errors import InputRefused, NotFound
from studio.privacy.access import Actor, Permission
from studio.provenance.notice import notice
from studio.synthesis.requests import SynthesisRequest
from studio.synthesis.speaking import Script, character_limit, checked_options
from studio.synthesis.text import PreparedText, prepare
from studio.synthesis.trained import Trained
from studio.voices.service import VoiceService


class Scripts:
    """Writes scripts, and asks whether one may still be spoken."""

    def __init__(
        self, database: Database, voices: VoiceService, engines: Registry, trained: Trained, text_limit: int
    ) -> None:
        self._database = database
        self._voices = voices
        self._engines = engines
        self.trained = trained
        self._text_limit = text_limit

    def prepare(self, text: str, language: str, engine_id: str) -> PreparedText:
        """The text as it will be spoken, and its chunks; TextRefused when there is nothing to say."""
        spec = self._engines.spec(engine_id)
        if language not in spec.languages:
            names = ", ".join(spec.languages)
            raise InputRefused("engines.language", engine=spec.name, language=language, languages=names)
        return prepare(text, language, character_limit(spec, language), most=self._text_limit)

    def write(self, actor: Actor, request: SynthesisRequest) -> Script:
        """The script of a request; raises TextRefused, InputRefused, ConsentMissing, LicenceForbids, NotFound."""
        actor.require(Permission.VOICES)
        spec = self._engines.spec(request.engine_id)
        options = checked_options(spec, dict(request.options))
        prepared = self._prepared(request)
        if not request.voice.voice_id:
            if request.adapter_id:
                raise NotFound("synthesis.adapter_unknown")  # nobody trains a preset
            return Script(request, spec, options, prepared, self._preset_name(request, spec), None)
        with self._database.read() as session:
            voice = self._voices.find(session, actor, request.voice.voice_id)
            permits(session, voice, {Purpose.ZERO_SHOT, request.purpose}, spec, request.language)
            if request.adapter_id:
                self.trained.check(session, actor, request.adapter_id, voice, spec)
        if not spec.clones:
            raise InputRefused("voices.not_cloning", engine=spec.name)
        return Script(request, spec, options, prepared, voice.name, voice)

    def _prepared(self, request: SynthesisRequest) -> PreparedText:
        """The text, behind the spoken notice where one is wanted: caches and word errors count it in."""
        text = self.prepare(request.text, request.language, request.engine_id)
        if not request.notice:
            return text
        first = self.prepare(notice(request.language), request.language, request.engine_id)
        return PreparedText(f"{first.normalised} {text.normalised}", first.chunks + text.chunks)

    def _preset_name(self, request: SynthesisRequest, spec: EngineSpec) -> str:
        licence_allows(spec, {request.purpose})
        if request.voice.engine_id != spec.id:
            raise InputRefused("synthesis.foreign_preset", engine=spec.name)
        presets = {preset.id: preset.name for preset in self._engines.engine(spec.id).presets()}
        if request.voice.preset_id not in presets:
            raise NotFound("voices.unknown")
        return presets[request.voice.preset_id]

    def ask(self, actor: Actor, script: Script) -> None:
        """The gate, while the engine speaks: what ends meanwhile is heard of at the next sentence."""
        with self._database.read() as session:
            self.consent(session, actor, script)

    def consent(self, session: Session, actor: Actor, script: Script) -> tuple[str | None, str | None]:
        """Ask the gate again: the speaker may have withdrawn while the engine spoke."""
        if script.voice is None:
            return None, None
        voice = self._voices.find(session, actor, script.voice.id)
        purposes = {Purpose.ZERO_SHOT, script.request.purpose}
        if script.request.adapter_id:
            self.trained.check(session, actor, script.request.adapter_id, voice, script.spec)
        consent = permits(session, voice, purposes, script.spec, script.request.language)
        return consent.id, voice.speaker_id
