"""What an engine is: its spec, the state of a voice, and the two protocols."""

import functools
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

from studio.audio.clip import AudioClip

ShouldStop = Callable[[], bool]


class EngineOptions(BaseModel):
    """Options every engine has; an engine adds its own by subclassing. Unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    speed: float = Field(default=1.0, ge=0.5, le=2.0, description="Speaking rate; 1 is the voice's own.")
    seed: int = Field(default=0, ge=0, le=2**31 - 1, description="The same seed gives the same take.")


@dataclass(frozen=True)
class Licence:
    """What a licence lets people do with a model and with what it generates."""

    id: str  # SPDX id where there is one
    name: str
    commercial: bool
    url: str = ""


@dataclass(frozen=True)
class HandModel:
    """A model that people bring themselves: its SHA-256 is not known, so the studio never fetches it.

    `files` are glob patterns of what its folder must hold; alternatives are parted by ``|``. `origin` is the
    name it goes by where it is published, `serves` what it is a part of, for a part.
    """

    id: str
    name: str
    role: str  # "voice", "vocoder", "conversion", "part" or "recogniser"
    languages: tuple[str, ...]  # empty where language does not matter
    licence: Licence
    files: tuple[str, ...]
    origin: str
    serves: tuple[str, ...] = ()
    size_mb: int = 0  # about; 0 where nobody said


@dataclass(frozen=True)
class EngineSpec:
    """An engine as the rest of the studio knows it; importing a spec loads no torch."""

    id: str
    name: str
    licence: Licence
    languages: tuple[str, ...]  # ISO 639-1, the engine's best first
    sample_rate_hz: int
    options: type[EngineOptions]
    factory: str  # "package.module:Class", called with an EngineContext
    models: tuple[str, ...]  # catalogue ids it needs before it can start
    clones: bool  # whether encode_voice takes recordings
    summary: Mapping[str, str]  # one honest sentence in "it" and "en"
    trains: frozenset[str] = frozenset()  # methods of training it offers, e.g. {"lora", "full"}
    learner: str = ""  # "package.module:Class", built as Learner(EngineContext, LearnerWish); see learning.py
    trains_on: frozenset[str] = frozenset({"cpu", "cuda"})  # a learner that knows no GPU leaves it to others
    training_rate_hz: int = 0  # what its learner brings recordings to; 0: whatever a plan says
    merger: str = ""  # "package.module:function" (folder, weights, card, open): writes a whole checkpoint
    merges: frozenset[str] = frozenset()  # what of `trains` it can merge
    character_limits: Mapping[str, int] = field(
        default_factory=dict
    )  # language -> longest chunk; "*" for others
    recommended_on: frozenset[str] = frozenset()  # "cpu", "cuda"
    any_of: tuple[str, ...] = ()  # catalogue ids of which it needs at least one (its voices, say)
    encoding: int = 1  # raised when encode_voice makes something else of the same recordings
    by_hand: tuple[HandModel, ...] = ()  # models outside the catalogue that it finds when people bring them


@dataclass(frozen=True)
class EngineContext:
    """What an engine is given when it is built.

    `model_files(model_id)` returns the folder with that model's files, or raises ModelMissing.
    `scratch` is a folder for derived, non-personal files (e.g. converted weights).
    """

    model_files: Callable[[str], Path]
    scratch: Path
    device: str = "cpu"
    threads: int = 2


@dataclass(frozen=True)
class VoiceState:
    """A voice as an engine speaks it: a value to cache, encrypt and export.

    `tensors` are the engine's own arrays (C-contiguous); `facts` are short strings worth showing or
    checking (e.g. ``similarity``). No code is ever stored: the file format is safetensors.
    """

    engine_id: str
    tensors: Mapping[str, NDArray[Any]]
    facts: Mapping[str, str] = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        """Serialise as safetensors, facts and engine id in its metadata."""
        tensors = {name: np.ascontiguousarray(array) for name, array in self.tensors.items()}
        metadata = {"engine_id": self.engine_id} | {f"fact.{k}": str(v) for k, v in self.facts.items()}
        return save_tensors(tensors, metadata=metadata)

    @classmethod
    def from_bytes(cls, data: bytes) -> "VoiceState":
        """Read what to_bytes wrote; ValueError on anything else."""
        import json
        import struct

        try:
            (length,) = struct.unpack("<Q", data[:8])
            metadata = json.loads(data[8 : 8 + length])["__metadata__"]
            facts = {k[5:]: v for k, v in metadata.items() if k.startswith("fact.")}
            return cls(metadata["engine_id"], load_tensors(data), facts)
        except Exception as error:  # safetensors raises its own untyped errors
            raise ValueError("not a voice state") from error

    @functools.cached_property
    def content_id(self) -> str:
        """SHA-256 (hex) of engine, facts and tensors; not of to_bytes, whose metadata comes in any order."""
        digest = hashlib.sha256(repr((self.engine_id, sorted(self.facts.items()))).encode())
        for name, array in sorted(self.tensors.items()):
            digest.update(repr((name, array.dtype.str, array.shape)).encode())
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()


@dataclass(frozen=True)
class PresetVoice:
    """A voice that comes with an engine: nobody's consent is needed, the model's licence covers it."""

    id: str
    name: str
    language: str
    gender: str = ""  # "f", "m" or ""


@dataclass(frozen=True)
class Utterance:
    """One chunk of text to speak, already normalised and within the engine's character limit."""

    text: str
    language: str


@dataclass(frozen=True)
class AudioChunk:
    """A stretch of generated sound, in order; `utterance_index` says which request it belongs to."""

    clip: AudioClip
    utterance_index: int


@dataclass(frozen=True)
class EnrolmentProgress:
    """How far encode_voice has come.

    `fraction` 0..1; `stage` a message key ("embed", "blend", "refine" ...); `state` the best voice so
    far, already usable, or None; `similarity` the cosine reached, by the engine's own judge, or None.
    """

    fraction: float
    stage: str
    state: VoiceState | None = None
    similarity: float | None = None


def ignore_progress(progress: EnrolmentProgress) -> None:
    """The default listener of encode_voice."""


def never_stop() -> bool:
    """The default answer to "has somebody pressed cancel?"."""
    return False


class Engine(Protocol):
    """A loaded engine. Methods are called from worker threads, one at a time for synthesize."""

    spec: EngineSpec

    @property
    def dtype(self) -> str:
        """What it computes in where it runs now, e.g. float32: a speed is told with it."""
        ...

    def presets(self) -> tuple[PresetVoice, ...]:
        """The voices that come with the engine; empty when there are none."""
        ...

    def preset_voice(self, preset_id: str) -> VoiceState:
        """The state of a preset; NotFound for an unknown id."""
        ...

    def encode_voice(
        self,
        clips: Sequence[AudioClip],
        *,
        language: str = "",
        report: Callable[[EnrolmentProgress], None] = ignore_progress,
        should_stop: ShouldStop = never_stop,
    ) -> VoiceState:
        """Make a voice from reference recordings.

        Raises Cancelled when `should_stop` turns true before any usable voice exists; afterwards it
        returns the best voice so far. Raises AudioRefused for clips it cannot use, and
        InputRefused where the engine cannot clone.
        """
        ...

    def synthesize(
        self,
        requests: Sequence[Utterance],
        voice: VoiceState,
        options: EngineOptions,
    ) -> Iterator[AudioChunk]:
        """Speak the requests in order, yielding chunks as soon as they exist (mono, spec rate).

        Stopping the iteration stops the work. Chunks of one utterance, concatenated, are the whole
        utterance. Raises EngineTrouble with a message a person can act on.
        """
        ...

    def unload(self) -> None:
        """Give back memory; the next call loads again."""
        ...
