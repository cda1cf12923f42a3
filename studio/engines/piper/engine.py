"""Piper voices, spoken by a process of their own."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from studio.audio.clip import AudioClip, Samples
from studio.engines.base import (
    AudioChunk,
    EngineContext,
    EngineOptions,
    EnrolmentProgress,
    PresetVoice,
    ShouldStop,
    Utterance,
    VoiceState,
    ignore_progress,
    never_stop,
)
from studio.engines.piper.child import PiperChild
from studio.engines.piper.frames import Frame
from studio.engines.piper.spec import SPEC, PiperOptions
from studio.engines.piper.voices import PiperVoice, find_voices
from studio.errors import InputRefused, ModelBroken, ModelMissing, NotFound, TextRefused


class PiperEngine:
    """Speaks with the Piper voices found in the model folders; it has no cloning."""

    dtype = "float32"

    def __init__(self, context: EngineContext) -> None:
        self.spec = SPEC
        self._folders = _installed(context)
        self._voices = find_voices(self._folders)
        if not self._voices:
            raise ModelMissing("piper.no_voice", models=", ".join(SPEC.any_of))
        self._child = PiperChild(context.threads)

    def presets(self) -> tuple[PresetVoice, ...]:
        """One for each voice, or for each speaker of a voice with several (``voice/speaker``)."""
        return tuple(
            PresetVoice(_preset_id(voice, speaker), _preset_name(voice, speaker), voice.language)
            for voice in self._voices.values()
            for speaker in ([name for name, _ in voice.speakers] or [""])
        )

    def preset_voice(self, preset_id: str) -> VoiceState:
        """The state of a preset; NotFound for an unknown id."""
        name, _, speaker = preset_id.partition("/")
        voice = self._voices.get(name)
        number = 0 if voice is None or not voice.speakers else dict(voice.speakers).get(speaker)
        if voice is None or number is None or (speaker and not voice.speakers):
            raise NotFound("piper.unknown_voice", voice=preset_id)
        return VoiceState(SPEC.id, {"speaker_id": np.array([number], np.int64)}, {"voice": name})

    def encode_voice(
        self,
        clips: Sequence[AudioClip],
        *,
        language: str = "",
        report: Callable[[EnrolmentProgress], None] = ignore_progress,
        should_stop: ShouldStop = never_stop,
    ) -> VoiceState:
        """Piper does not clone: always InputRefused."""
        raise InputRefused("piper.no_cloning")

    def synthesize(
        self, requests: Sequence[Utterance], voice: VoiceState, options: EngineOptions
    ) -> Iterator[AudioChunk]:
        """Speak the requests in order, a chunk for each sentence, at 22 050 Hz."""
        chosen = self._voice_of(voice)
        speaker = int(voice.tensors["speaker_id"][0])
        piper_options = PiperOptions.model_validate(options.model_dump())
        for index, request in enumerate(requests):
            if request.language != chosen.language:
                raise InputRefused(
                    "engines.language",
                    engine=f"Piper ({chosen.name})",
                    language=request.language,
                    languages=chosen.language,
                )
            for samples in self._sentences(request.text, chosen, speaker, piper_options):
                yield AudioChunk(AudioClip(samples, SPEC.sample_rate_hz), index)

    def unload(self) -> None:
        """End the process; the next call starts it again."""
        self._child.close()

    def _voice_of(self, state: VoiceState) -> PiperVoice:
        name = state.facts.get("voice", "")
        if state.engine_id != SPEC.id or name not in self._voices:
            raise ModelMissing("piper.voice_gone", voice=name or state.engine_id)
        return self._voices[name]

    def _sentences(
        self, text: str, voice: PiperVoice, speaker: int, options: PiperOptions
    ) -> Iterator[Samples]:
        model = str(voice.model)
        sentences = self._child.ask(Frame({"op": "plan", "model": model, "text": text})).header["sentences"]
        if not sentences:
            raise TextRefused("piper.nothing_to_say", text=text[:60])
        pause = np.zeros(round(options.sentence_pause_s * SPEC.sample_rate_hz), np.float32)
        for number, ids in enumerate(sentences):
            request = {
                "op": "speak",
                "model": model,
                "ids": ids,
                "scales": _scales(voice, options),
                "speaker": speaker,
                "seed": options.seed,
            }
            sound = np.frombuffer(self._child.ask(Frame(request)).payload, np.float32)
            sound = _at_spec_rate(sound, voice.sample_rate_hz)
            yield sound if number == len(sentences) - 1 else np.concatenate([sound, pause])


def _installed(context: EngineContext) -> tuple[Path, ...]:
    """The folders of the catalogue's Piper voices that are here."""
    folders = []
    for model_id in SPEC.any_of:
        try:
            folders.append(context.model_files(model_id))
        except (ModelMissing, ModelBroken, NotFound):
            continue  # absent, broken (the Models page says so), or not in the store's catalogue
    return tuple(folders)


def _scales(voice: PiperVoice, options: PiperOptions) -> list[float]:
    """Noise, length and rhythm: the voice's own, times what the options say."""
    noise, rhythm = voice.noise_scale * options.variation, voice.noise_w * options.rhythm
    return [noise, voice.length_scale / options.speed, rhythm]


def _at_spec_rate(samples: Samples, sample_rate_hz: int) -> Samples:
    if sample_rate_hz == SPEC.sample_rate_hz:
        return samples
    from scipy.signal import resample_poly

    divisor = np.gcd(SPEC.sample_rate_hz, sample_rate_hz)
    resampled = resample_poly(samples, SPEC.sample_rate_hz // divisor, sample_rate_hz // divisor)
    return np.asarray(resampled, np.float32)


def _preset_id(voice: PiperVoice, speaker: str) -> str:
    return f"{voice.name}/{speaker}" if speaker else voice.name


def _preset_name(voice: PiperVoice, speaker: str) -> str:
    """``en_US-joe-medium`` is shown as "Joe (en_US, medium)"."""
    region, _, rest = voice.name.partition("-")
    name, _, quality = rest.rpartition("-")
    shown = f"{name.title()} ({region}, {quality})" if name and quality else voice.name
    return f"{shown} {speaker}".strip()
