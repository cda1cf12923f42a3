"""The Coqui catalogue: a ready-made voice speaks, and a conversion turns it into the cloned one."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from studio.audio.clip import AudioClip
from studio.engines.base import (
    AudioChunk,
    EngineContext,
    EngineOptions,
    EngineSpec,
    EnrolmentProgress,
    PresetVoice,
    ShouldStop,
    Utterance,
    VoiceState,
    ignore_progress,
    never_stop,
)
from studio.engines.coqui.library import CoquiLibrary
from studio.engines.coqui.models import COMMERCIAL, NON_COMMERCIAL, CoquiModel
from studio.engines.coqui.spec import COQUI, MMS, CoquiOptions
from studio.errors import AudioRefused, Cancelled, EngineTrouble, InputRefused, ModelMissing, NotFound

_SHORTEST_S = 1.0  # of reference in all; a shorter one leaves the converters nothing to go by
_PRESET, _CLONE = "preset", "clone"


class CoquiEngine:
    """Models of the catalogue whose licences permit commercial use."""

    spec: EngineSpec = COQUI
    dtype = "float32"
    catalogue: tuple[CoquiModel, ...] = COMMERCIAL

    def __init__(self, context: EngineContext) -> None:
        self._library = CoquiLibrary(context, self.catalogue)
        self._device = context.device
        if not self._library.installed:
            raise ModelMissing(
                "coqui.no_model", engine=self.spec.name, models=", ".join(self.spec.any_of[:4])
            )

    def presets(self) -> tuple[PresetVoice, ...]:
        """One for each installed model, or for each speaker of a model with several (``model/speaker``)."""
        return tuple(
            PresetVoice(
                f"{model.id}/{name}" if name else model.id, f"{model.name} {name}".strip(), model.language
            )
            for model in self._library.installed.values()
            for name in (self._library.speakers(model.id) or ("",))
        )

    def preset_voice(self, preset_id: str) -> VoiceState:
        """The state of a preset; NotFound for an unknown id."""
        model_id, speaker = self._reader(preset_id)
        facts = {"kind": _PRESET, "model": model_id, "speaker": speaker}
        return VoiceState(self.spec.id, {"preset": np.ones(1, np.uint8)}, facts)

    def encode_voice(
        self,
        clips: Sequence[AudioClip],
        *,
        language: str = "",
        report: Callable[[EnrolmentProgress], None] = ignore_progress,
        should_stop: ShouldStop = never_stop,
    ) -> VoiceState:
        """What every installed conversion needs of the recordings: embeddings and frames, never the sound.

        ModelMissing where no conversion is installed, AudioRefused for less than a second in all.
        """
        duration_s = sum(clip.duration_s for clip in clips)
        if duration_s < _SHORTEST_S:
            raise AudioRefused("coqui.too_short", duration_s=f"{duration_s:.1f}", shortest_s=_SHORTEST_S)
        names = self._library.conversions()
        if not names:
            raise ModelMissing("coqui.no_conversion", models=self._library.conversion_models())
        state: VoiceState | None = None
        for number, name in enumerate(names):
            if should_stop():
                break
            state = self._remember(name, clips, state)
            report(EnrolmentProgress((number + 1) / len(names), "embed", state))
        if state is None:
            raise Cancelled("engines.cancelled", task=self.spec.name)
        return state

    def synthesize(
        self, requests: Sequence[Utterance], voice: VoiceState, options: EngineOptions
    ) -> Iterator[AudioChunk]:
        """Speak the requests in order, one chunk each, at 22 050 Hz."""
        if voice.engine_id != self.spec.id:
            raise InputRefused("coqui.other_engine", engine=self.spec.name, other=voice.engine_id)
        own = CoquiOptions.model_validate(options.model_dump())
        cloned = voice.facts.get("kind") == _CLONE
        conversion = self._conversion_for(voice, own) if cloned else ""
        for index, request in enumerate(requests):
            model_id, speaker = self._source(request.language, voice, own)
            spoken = self._library.speaker(model_id).speak(
                request.text, speaker, speed=own.speed, seed=own.seed
            )
            if conversion:
                spoken = self._converted(spoken, conversion, voice, own.seed)
            yield AudioChunk(_at(spoken, self.spec.sample_rate_hz), index)

    def unload(self) -> None:
        """Forget every loaded model; the next call loads again."""
        self._library.unload()

    def _reader(self, preset_id: str) -> tuple[str, str]:
        """Model and speaker of a preset id; the first speaker of a model where none is named."""
        model_id, _, speaker = preset_id.partition("/")
        if model_id not in self._library.installed:
            raise NotFound("coqui.unknown_voice", voice=preset_id, engine=self.spec.name)
        speakers = self._library.speakers(model_id)
        if speaker and speaker not in speakers:
            raise NotFound("coqui.unknown_voice", voice=preset_id, engine=self.spec.name)
        return model_id, speaker or (speakers[0] if speakers else "")

    def _source(self, language: str, voice: VoiceState, options: CoquiOptions) -> tuple[str, str]:
        """Which model and speaker reads: the preset's, the one asked for, or the first of the language."""
        installed = self._library.installed
        if voice.facts.get("kind") == _PRESET:
            model_id, speaker = voice.facts["model"], voice.facts["speaker"]
            if model_id not in installed:
                raise ModelMissing("coqui.voice_gone", voice=model_id)
        elif options.model:
            model_id, speaker = self._reader(options.model)
        else:
            fitting = [model.id for model in installed.values() if model.language == language]
            model_id, speaker = self._reader(fitting[0]) if fitting else ("", "")
        if not model_id or installed[model_id].language != language:
            spoken = sorted(
                {installed[model_id].language} if model_id else {m.language for m in installed.values()}
            )
            name = f"{self.spec.name} ({model_id})" if model_id else self.spec.name
            raise InputRefused(
                "engines.language", engine=name, language=language, languages=", ".join(spoken)
            )
        return model_id, speaker

    def _remember(self, name: str, clips: Sequence[AudioClip], state: VoiceState | None) -> VoiceState:
        import torch

        conversion = self._library.conversion(name)
        recordings = [torch.from_numpy(_at(clip, conversion.input_rate_hz).samples.copy()) for clip in clips]
        try:
            target = conversion.remember(recordings)
        except (RuntimeError, ValueError, IndexError) as error:
            raise EngineTrouble("coqui.cannot_remember", conversion=name, reason=str(error)) from error
        tensors = dict(state.tensors) if state else {}
        known = [*(state.facts["conversions"].split(",") if state else []), name]
        tensors |= {f"{name}.{key}": np.ascontiguousarray(array) for key, array in target.items()}
        return VoiceState(self.spec.id, tensors, {"kind": _CLONE, "conversions": ",".join(known)})

    def _conversion_for(self, voice: VoiceState, options: CoquiOptions) -> str:
        known = [name for name in voice.facts.get("conversions", "").split(",") if name]
        wanted = known if options.conversion == "auto" else [options.conversion]
        for name in wanted:
            if name in known and name in self._library.conversions():
                return name
        raise ModelMissing(
            "coqui.conversion_gone", conversion=" / ".join(wanted) or "?", known=", ".join(known) or "-"
        )

    def _converted(self, spoken: AudioClip, name: str, voice: VoiceState, seed: int) -> AudioClip:
        import torch

        from studio.engines.coqui.seeded import seeded

        conversion = self._library.conversion(name)
        prefix = f"{name}."
        target = {key[len(prefix) :]: array for key, array in voice.tensors.items() if key.startswith(prefix)}
        source = torch.from_numpy(_at(spoken, conversion.input_rate_hz).samples.copy())
        try:
            with seeded(seed, torch.device(self._device)):
                made = conversion.convert(source, target)
        except (RuntimeError, ValueError, IndexError) as error:
            raise EngineTrouble("coqui.failed", reason=f"{name}: {error}") from error
        return AudioClip(np.clip(np.nan_to_num(made.numpy()), -1.0, 1.0), conversion.output_rate_hz)


class MmsEngine(CoquiEngine):
    """Meta's MMS voices: the same machinery under a non-commercial licence."""

    spec = MMS
    catalogue = NON_COMMERCIAL


def _at(clip: AudioClip, sample_rate_hz: int) -> AudioClip:
    if clip.sample_rate_hz == sample_rate_hz:
        return clip
    import torch
    from torchaudio.functional import resample

    samples = resample(torch.from_numpy(clip.samples.copy()), clip.sample_rate_hz, sample_rate_hz)
    return AudioClip(samples.numpy(), sample_rate_hz)
