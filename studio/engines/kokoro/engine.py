"""The embedded engine: Kokoro speaking, and cloning by fitting."""

import functools
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

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
from studio.engines.kokoro import presets
from studio.engines.kokoro.phonemes import Phonemizer, ids_of, stretches
from studio.engines.kokoro.runtime import Speaking, open_speaking
from studio.engines.kokoro.sentences import CHECKING, FITTING
from studio.engines.kokoro.spec import ENGINE_ID, LANGUAGES, SPEC, KokoroOptions
from studio.engines.kokoro.voice import Array, KokoroVoice
from studio.errors import AudioRefused, EngineTrouble, InputRefused

if TYPE_CHECKING:  # torch is loaded only to fit a voice
    from studio.engines.kokoro.enrolment import Effort
    from studio.engines.kokoro.parts import Parts


def _preset(context: EngineContext, preset_id: str) -> VoiceState:
    presets.preset(preset_id)
    style = presets.load_style(context.model_files("kokoro-voices"), preset_id)
    return KokoroVoice(style).state(ENGINE_ID, stage="preset", preset=preset_id)


class KokoroEngine:
    """Speaks with the preset voices or with voices it has fitted. Loads its model on first use."""

    spec: EngineSpec = SPEC
    dtype = "float32"

    def __init__(self, context: EngineContext) -> None:
        self._context = context
        self._phonemizer = Phonemizer()
        self._speaking: Speaking | None = None
        self._opening = threading.Lock()  # a voice may be learned while another speaks
        self._preset = functools.lru_cache(maxsize=16)(
            functools.partial(_preset, context)
        )  # half a megabyte each

    def presets(self) -> tuple[PresetVoice, ...]:
        """The 54 voices of Kokoro v1.0; those for languages the engine does not speak are left out."""
        all_presets = (presets.preset(name) for name in presets.PRESET_IDS)
        return tuple(voice for voice in all_presets if voice.language in LANGUAGES)

    def preset_voice(self, preset_id: str) -> VoiceState:
        """The state of a preset; NotFound for an unknown id."""
        return self._preset(preset_id)

    def encode_voice(
        self,
        clips: Sequence[AudioClip],
        *,
        language: str = "",
        report: Callable[[EnrolmentProgress], None] = ignore_progress,
        should_stop: ShouldStop = never_stop,
        effort: "Effort" = "standard",
        seed: int = 0,
    ) -> VoiceState:
        """Fit a voice to 3-60 s of speech (10-30 s is best): first a blend of presets, then a refined voice.

        `effort`: "quick" (the blend alone, seconds), "standard" (minutes on two cores) or "thorough".
        The same clips, effort and seed give the same voice on the same machine.
        """
        from studio.engines.kokoro.enrolment import RECIPES, Run, Wish, enrol, stop_if

        stop_if(should_stop)
        if not clips:
            raise AudioRefused("kokoro.reference_short", speech_s="0", least_s="3")
        if effort not in RECIPES:
            raise InputRefused("kokoro.unknown_effort", effort=effort, efforts=", ".join(RECIPES))
        spoken = language if language in LANGUAGES else LANGUAGES[0]
        run = Run(Wish(spoken, effort, seed), report, should_stop, time.monotonic())
        return enrol(clips, self._parts(spoken), run)

    def synthesize(
        self, requests: Sequence[Utterance], voice: VoiceState, options: EngineOptions
    ) -> Iterator[AudioChunk]:
        """Speak the requests, a chunk a sentence. Deterministic: seed 0 is the plain take, others vary it."""
        chosen = KokoroOptions.model_validate(options.model_dump())
        kokoro_voice = KokoroVoice.of(voice, ENGINE_ID)
        for request in requests:
            if request.language not in LANGUAGES:
                raise InputRefused(
                    "engines.language",
                    engine=SPEC.name,
                    language=request.language,
                    languages=", ".join(LANGUAGES),
                )
        speaking = self._open_speaking() if requests else None
        for index, request in enumerate(requests):
            assert speaking is not None
            phonemes = self._phonemizer(request.text, request.language, chosen.accent)
            for part, stretch in enumerate(stretches(phonemes)):
                ids = ids_of(stretch)
                style = kokoro_voice.style_for(len(ids), chosen.blend)
                style = varied(style, chosen, index * 1000 + part)
                samples = speaking.speak(ids, kokoro_voice, style, chosen.speed, chosen.blend)
                yield AudioChunk(AudioClip(samples, SPEC.sample_rate_hz), index)

    def adapt(self, voice: VoiceState, adapter_id: str, read: Callable[[], bytes]) -> VoiceState:
        """The trained voice: this engine's adapter is a voice of its own. EngineTrouble when it is none."""
        try:
            trained = KokoroVoice.of(VoiceState.from_bytes(read()), ENGINE_ID)
        except ValueError as error:
            raise EngineTrouble("kokoro.broken_voice") from error
        return trained.state(ENGINE_ID, stage="adapter", adapter=adapter_id)

    def unload(self) -> None:
        """Give back the model's memory."""
        self._speaking = None

    def _open_speaking(self) -> Speaking:
        with self._opening:
            if self._speaking is None:
                self._speaking = open_speaking(self._model_path(), self._context.threads)
            return self._speaking

    def _model_path(self) -> Path:
        return self._context.model_files("kokoro-82m") / "model.onnx"

    def _parts(self, language: str) -> "Parts":
        """Everything a fit needs, loaded now and dropped when the fit is over."""
        from studio.engines.kokoro.parts import load_parts

        def speak(ids: Sequence[int], voice: KokoroVoice) -> Array:
            return self._open_speaking().speak(ids, voice, voice.style_for(len(ids)), 1.0, 1.0)

        def tokens(texts: Sequence[str]) -> list[list[int]]:
            return [ids_of(self._phonemizer(text, language)) for text in texts]

        return load_parts(
            self._context, language, tokens(FITTING[language]), tokens(CHECKING[language]), speak
        )


def varied(style: Array, options: KokoroOptions, salt: int) -> Array:
    """The style with its prosody half moved at random, by options' seed; seed 0 leaves it alone."""
    if options.seed == 0 or options.variation == 0:
        return style
    moved = style.copy()
    half = len(style) // 2
    generator = np.random.default_rng([options.seed, salt])
    moved[half:] += options.variation * 0.1 * generator.standard_normal(half).astype(np.float32)
    return moved
