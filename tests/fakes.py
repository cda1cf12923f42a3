"""Stand-ins that every flow runs on in seconds: a scripted engine, and judges that hear what they are told."""

import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from studio.audio.clip import AudioClip
from studio.engines.base import (
    AudioChunk,
    EngineContext,
    EngineOptions,
    EngineSpec,
    EnrolmentProgress,
    Licence,
    PresetVoice,
    ShouldStop,
    Utterance,
    VoiceState,
    ignore_progress,
    never_stop,
)
from studio.errors import Cancelled, EngineTrouble, ModelMissing, NotFound
from studio.evaluation.judges import Judges
from studio.evaluation.predicted_mos import MosPredictor

RATE = 24_000


class FakeOptions(EngineOptions):
    """The scripted engine's options: how long a character takes, and a pause to make work last."""

    second_per_character: float = 0.02
    delay_s: float = 0.0


def fake_spec(engine_id: str = "fake", *, clones: bool = True, commercial: bool = True) -> EngineSpec:
    return EngineSpec(
        id=engine_id,
        name="Scripted engine",
        licence=Licence("Apache-2.0" if commercial else "CPML", "Test licence", commercial),
        languages=("it", "en"),
        sample_rate_hz=RATE,
        options=FakeOptions,
        factory="tests.fakes:ScriptedEngine" if clones else "tests.fakes:PresetOnlyEngine",
        models=(),
        clones=clones,
        summary={"en": "Speaks in tones, for tests.", "it": "Parla a toni, per le prove."},
        character_limits={"*": 120},
        recommended_on=frozenset({"cpu"}),
    )


def buzz(seconds: float, pitch_hz: float, seed: int) -> AudioClip:
    """A voiced-like sound: harmonics with syllable-like swells; the same arguments give the same samples."""
    t = np.arange(int(seconds * RATE)) / RATE
    swell = 0.55 + 0.45 * np.sin(2 * np.pi * 4 * t + seed)
    wave = sum(np.sin(2 * np.pi * pitch_hz * k * t) / k for k in range(1, 12))
    return AudioClip((0.15 * swell * wave).astype(np.float32), RATE)


class ScriptedEngine:
    """Three enrolment steps, one chunk of tone per utterance; everything follows from text, voice and seed."""

    dtype = "float32"

    def __init__(self, context: EngineContext, spec: EngineSpec | None = None) -> None:
        self.spec = spec or fake_spec()
        self.encoded = 0
        self.spoken: list[str] = []

    def presets(self) -> tuple[PresetVoice, ...]:
        return (PresetVoice("tone", "Tone", "it", "f"),)

    def preset_voice(self, preset_id: str) -> VoiceState:
        if preset_id != "tone":
            raise NotFound("voices.unknown")
        return VoiceState(self.spec.id, {"pitch_hz": np.array([220.0], dtype=np.float32)}, {"start": "tone"})

    def encode_voice(
        self,
        clips: Sequence[AudioClip],
        *,
        language: str = "",
        report: Callable[[EnrolmentProgress], None] = ignore_progress,
        should_stop: ShouldStop = never_stop,
    ) -> VoiceState:
        self.encoded += 1
        pitch = 100 + int(clips[0].content_id[:4], 16) % 150
        state = VoiceState(
            self.spec.id, {"pitch_hz": np.array([pitch], dtype=np.float32)}, {"similarity": "0.50"}
        )
        for step in range(3):
            if should_stop():
                if step == 0:
                    raise Cancelled("engines.cancelled", task="enrolment")
                break
            report(EnrolmentProgress((step + 1) / 3, "refine", state, 0.3 + step / 10))
            time.sleep(0.02)
        return state

    def synthesize(
        self, requests: Sequence[Utterance], voice: VoiceState, options: EngineOptions
    ) -> Iterator[AudioChunk]:
        assert isinstance(options, FakeOptions)
        for index, request in enumerate(requests):
            time.sleep(options.delay_s)
            self.spoken.append(request.text)
            seed = options.seed + zlib.crc32(request.text.encode()) % 100
            seconds = max(0.3, len(request.text) * options.second_per_character / options.speed)
            yield AudioChunk(buzz(seconds, float(voice.tensors["pitch_hz"][0]), seed), index)

    def unload(self) -> None:
        self.spoken.clear()


class PresetOnlyEngine(ScriptedEngine):
    """The same without cloning."""

    def __init__(self, context: EngineContext) -> None:
        super().__init__(context, fake_spec("fake-preset", clones=False))


def no_model(model_id: str) -> Path:
    """Where no model is: the judges that need one say that it is missing."""
    raise ModelMissing("models.missing", model=model_id, id=model_id)


class FakeJudges(Judges):
    """Hears what it is told: `hears` is the transcript, `voices` maps a clip's content id to a speaker number.

    Only the judges are scripted; gate, storage and services around them are the real ones.
    """

    def __init__(self) -> None:
        super().__init__(no_model, threads=1)
        self.hears: str | None = None  # None: exactly the statement
        self.voices: dict[str, int] = {}

    @property
    def mos(self) -> MosPredictor:
        no_model("predicted MOS")
        raise AssertionError

    def embed(self, clip: AudioClip) -> NDArray[np.float32]:
        vector = np.zeros(256, dtype=np.float32)
        vector[self.voices.get(clip.content_id, 0)] = 1.0
        return vector

    def statement_errors(self, statement: str, clip: AudioClip, language: str) -> tuple[str, float]:
        if self.hears is None:
            return statement, 0.0
        return self.hears, 0.0 if self.hears == statement else 1.0


class FakeWatermarker:
    """A faint tone instead of Perth's mark, at once there and at once found; `missing` makes it unusable.

    The tone repeats every 10 ms, as streams are cut; the scripted engine's own harmonics end below it.
    """

    name = "a tone, for tests"
    _tone_hz, _level = 3300, 0.004

    def __init__(self) -> None:
        self.missing = False

    def check(self) -> None:
        if self.missing:
            raise EngineTrouble("provenance.no_watermark", reason="taken out by a test")

    def load(self) -> None:
        self.check()

    def mark_of(self, clip: AudioClip) -> NDArray[np.float32]:
        self.check()
        turns = np.arange(len(clip.samples)) * self._tone_hz / clip.sample_rate_hz
        return (self._level * np.sin(2 * np.pi * turns)).astype(np.float32)

    def confidence(self, clip: AudioClip) -> float:
        turns = np.arange(len(clip.samples)) * self._tone_hz / clip.sample_rate_hz
        found = 2 * abs(np.mean(clip.samples * np.exp(-2j * np.pi * turns)))
        return float(min(1.0, found / self._level))
