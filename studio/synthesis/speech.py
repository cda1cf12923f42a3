"""Speech for programs: names become a voice, a model and options; then the same synthesis as everybody's."""

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from studio.audio.encode import AudioFormat, StreamEncoder
from studio.audio.raw import RawEncoder, RawFormat, raw
from studio.consent.purposes import Purpose
from studio.engines.base import EngineSpec
from studio.engines.registry import Registry
from studio.errors import InputRefused, NotFound, StudioError, TooMany
from studio.privacy.api_keys import ApiKeyService, KeyHolder, Scope
from studio.synthesis.choices import Choices, EngineChoice, VoiceOption
from studio.synthesis.preview import Preview
from studio.synthesis.requests import SynthesisRequest, VoiceChoice
from studio.synthesis.service import SynthesisService

TRAINED = ("adp_", "ckp_")  # what ids of adapters and checkpoints begin with
AUTOMATIC = ("", "auto", "tts-1", "tts-1-hd", "gpt-4o-mini-tts")  # what clients of other services send
MOST_AT_ONCE = 8  # takes of one account on their way; more would only wait
RETRY_S = 5


class SpeechFormat(StrEnum):
    """What the answer is. `mulaw` is bare G.711 at 8 kHz, `mulaw_wav` the same in a WAV file."""

    MP3 = "mp3"
    OPUS = "opus"
    WAV = "wav"
    FLAC = "flac"
    PCM = "pcm"
    MULAW = "mulaw"
    MULAW_WAV = "mulaw_wav"

    @property
    def file(self) -> AudioFormat | None:
        """The kind of file it is; None for bare samples."""
        return _FILES.get(self)

    @property
    def media_type(self) -> str:
        return self.file.media_type if self.file else RawFormat(self.value).media_type

    @property
    def suffix(self) -> str:
        return self.file.suffix if self.file else f".{self.value}"

    @property
    def streams(self) -> bool:
        """Whether it can be sent while it is being made."""
        return self not in (SpeechFormat.FLAC, SpeechFormat.MULAW_WAV)


_FILES = {
    SpeechFormat.MP3: AudioFormat.MP3,
    SpeechFormat.OPUS: AudioFormat.OGG_OPUS,
    SpeechFormat.WAV: AudioFormat.WAV,
    SpeechFormat.FLAC: AudioFormat.FLAC,
    SpeechFormat.MULAW_WAV: AudioFormat.MULAW,
}


@dataclass(frozen=True)
class SpeechOrder:
    """A call as it came: `voice` is a key or a name, `language` may be empty; `model` is an engine, "auto", or an
    adapter or checkpoint of the voice (``adp_...``, ``ckp_...``), which brings its engine along.
    """

    text: str
    voice: str
    model: str = "auto"
    format: SpeechFormat = SpeechFormat.MP3
    speed: float = 1.0
    language: str = ""
    purpose: Purpose = Purpose.INTERNAL_USE
    options: Mapping[str, object] = field(default_factory=dict)


class SpeechService:
    """Answers API calls. Every one passes the key's scopes and voices, the gate, and the audit log."""

    def __init__(
        self, synthesis: SynthesisService, choices: Choices, engines: Registry, keys: ApiKeyService
    ) -> None:
        self._synthesis = synthesis
        self._choices = choices
        self._engines = engines
        self._keys = keys
        self._door = threading.Lock()

    def voices(self, holder: KeyHolder) -> list[VoiceOption]:
        """The voices the key may speak with."""
        _require_any(holder, Scope.SPEAK, Scope.VOICES_READ)
        return [option for option in self._choices.voices(holder.actor) if holder.may_use(option.key)]

    def models(self, holder: KeyHolder) -> list[EngineChoice]:
        """The engines, those that can speak now first."""
        _require_any(holder, Scope.SPEAK, Scope.VOICES_READ)
        return self._choices.engines(holder.actor.language)

    def speak(self, holder: KeyHolder, order: SpeechOrder) -> Preview:
        """Start a take; everything that can be refused is refused here, and written down.

        Raises NotPermitted, NotFound, InputRefused, TextRefused, ConsentMissing, LicenceForbids, TooMany.
        """
        try:
            preview, request = self._start(holder, order)
        except StudioError as error:
            self._keys.note_call(holder, "api.refused", reason=error.key)
            raise
        self._keys.note_call(
            holder, "api.speech", voice=request.voice.key, engine=request.engine_id, purpose=request.purpose.value,
            characters=len(request.text),
        )  # fmt: skip
        return preview

    def _start(self, holder: KeyHolder, order: SpeechOrder) -> tuple[Preview, SynthesisRequest]:
        holder.require(Scope.SPEAK)
        voice = self._voice(holder, order.voice)
        language = order.language or voice.language
        engine = self._engine(holder, voice, order, language)
        request = SynthesisRequest(
            VoiceChoice.parse(voice.key), order.text, language, engine.id, _options(engine, order), order.purpose,
            order.model if order.model.startswith(TRAINED) else "", score=False,
        )  # fmt: skip
        with self._door:
            if len(self._synthesis.running(holder.actor)) >= MOST_AT_ONCE:
                raise TooMany("access.busy", most=MOST_AT_ONCE, seconds=RETRY_S)
            return self._synthesis.preview(holder.actor, request), request

    def _voice(self, holder: KeyHolder, wanted: str) -> VoiceOption:
        """By key, or by a name that only one voice bears. One that the key may not use is not there at all."""
        known = self.voices(holder)
        found = [option for option in known if option.key == wanted]
        found = found or [o for o in known if o.name.casefold() == wanted.strip().casefold()]
        if len(found) > 1:
            raise InputRefused("access.voice_ambiguous", keys=", ".join(option.key for option in found))
        if not found:
            raise NotFound("access.voice_unknown", voice=wanted[:100])
        return found[0]

    def _engine(self, holder: KeyHolder, voice: VoiceOption, order: SpeechOrder, language: str) -> EngineSpec:
        if order.model.startswith(TRAINED):
            return self._engines.spec(self._synthesis.trained.choice(holder.actor, order.model).engine_id)
        if order.model not in AUTOMATIC:
            return self._engines.spec(order.model)
        if voice.engine_id:
            return self._engines.spec(voice.engine_id)
        engine = self._choices.cloner(language, commercial=order.purpose is Purpose.COMMERCIAL_USE)
        if engine is None:
            raise NotFound("access.no_engine", language=language)
        return self._engines.spec(engine.id)

    def whole(self, holder: KeyHolder, take_id: str, format: SpeechFormat) -> bytes:
        """A stored take as an answer."""
        if format.file is not None:
            return self._synthesis.audio(holder.actor, take_id, format.file.value)[0]
        return raw(self._synthesis.takes.clip(holder.actor, take_id), RawFormat(format.value))


def streamed(preview: Preview, format: SpeechFormat) -> Iterator[bytes]:
    """The sound as it is made; raises what ended it early."""
    rate = preview.sample_rate_hz
    encoder: StreamEncoder | RawEncoder
    if format in (SpeechFormat.MP3, SpeechFormat.OPUS):
        assert format.file is not None
        encoder = StreamEncoder(format.file, rate, preview.tags)
    else:
        encoder = RawEncoder(RawFormat(format.value), rate)
    for piece in preview.pieces():
        if data := encoder.feed(piece):
            yield data
    preview.wait()
    yield encoder.close()


def _options(engine: EngineSpec, order: SpeechOrder) -> Mapping[str, object]:
    """The engine's options with the speed among them; an engine that knows no speed is asked for none."""
    if order.speed == 1.0:
        return order.options
    if "speed" not in engine.options.model_fields:
        raise InputRefused("access.no_speed", engine=engine.name)
    return {**order.options, "speed": order.speed}


def _require_any(holder: KeyHolder, *scopes: Scope) -> None:
    if not holder.scopes & set(scopes):
        holder.require(scopes[-1])
