"""What is asked of the synthesis room, what happens on the way, and what comes out."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from studio.consent.purposes import Purpose
from studio.errors import NotFound


@dataclass(frozen=True)
class VoiceChoice:
    """A voice to speak with: an enrolled one, or a preset that comes with an engine."""

    voice_id: str = ""
    engine_id: str = ""
    preset_id: str = ""

    @classmethod
    def parse(cls, key: str) -> "VoiceChoice":
        """Read ``voice:<id>`` or ``preset:<engine>:<preset>``; NotFound on anything else."""
        kind, _, rest = key.partition(":")
        if kind == "voice" and rest:
            return cls(voice_id=rest)
        engine_id, _, preset_id = rest.partition(":")
        if kind == "preset" and engine_id and preset_id:
            return cls(engine_id=engine_id, preset_id=preset_id)
        raise NotFound("voices.unknown")

    @property
    def key(self) -> str:
        return f"voice:{self.voice_id}" if self.voice_id else f"preset:{self.engine_id}:{self.preset_id}"


@dataclass(frozen=True)
class SynthesisRequest:
    """One take to make. `options` are the engine's own, checked by its options model."""

    voice: VoiceChoice
    text: str
    language: str
    engine_id: str
    options: Mapping[str, object] = field(default_factory=dict)
    purpose: Purpose = Purpose.INTERNAL_USE
    adapter_id: str = ""  # an adapter or a checkpoint of the voice; "" clones from its recordings alone
    batch_id: str | None = None
    batch_name: str | None = None
    fresh: bool = False  # True: generate even if the phrase cache has it
    notice: bool = False  # True: begin with the spoken notice that the voice is synthetic
    score: bool = True  # False: whoever asked measures the take itself


@dataclass(frozen=True)
class Take:
    """A stored Synthesis as people see it."""

    id: str
    voice_key: str
    voice_name: str
    engine_id: str
    language: str
    text: str
    normalised_text: str
    chunks: tuple[str, ...]
    options: Mapping[str, object]
    purpose: str
    duration_s: float
    sample_rate_hz: int
    rtf: float
    first_sound_s: float
    device: str
    similarity: float | None
    predicted_mos: float | None
    wer: float | None
    transcript: str | None
    favourite: bool
    batch_id: str | None
    batch_name: str | None
    created_at: str
    adapter_id: str = ""
    notice: bool = False
    cached: bool = False
    asr_floor: float | None = None  # the recogniser's own WER on the speaker's real recordings
    asr_floor_n: int | None = None  # how many recordings

    def request(self) -> SynthesisRequest:
        """What makes this take again: all that was asked but the batch it belonged to."""
        return SynthesisRequest(
            VoiceChoice.parse(self.voice_key), self.text, self.language, self.engine_id, self.options,
            Purpose(self.purpose), self.adapter_id, notice=self.notice,
        )  # fmt: skip


@dataclass(frozen=True)
class PreviewEvent:
    """A step of a take on its way.

    `stage`: queued, enrolling, loading, speaking, stored, scored. `fraction` 0..1 of the stage;
    `ahead` how many takes are before this one; `take` from "stored" on.
    """

    stage: str
    fraction: float = 0.0
    ahead: int = 0
    chunks: tuple[str, ...] = ()
    seconds: float = 0.0
    take: Take | None = None
