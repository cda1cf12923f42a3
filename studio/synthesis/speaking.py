"""Speaking: what a request becomes before an engine is asked, and the sound it gives back."""

import time
import weakref
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from pydantic import ValidationError

from studio.audio.clip import AudioClip
from studio.db.tables import Voice
from studio.engines.base import Engine, EngineOptions, EngineSpec, Utterance, VoiceState
from studio.errors import EngineTrouble, InputRefused
from studio.provenance.marking import Marker
from studio.provenance.watermark import StreamMarker
from studio.synthesis.requests import SynthesisRequest
from studio.synthesis.takes import Recipe
from studio.synthesis.text import PreparedText


@dataclass(frozen=True)
class Script:
    """A checked request: who speaks what, with which options."""

    request: SynthesisRequest
    spec: EngineSpec
    options: EngineOptions
    prepared: PreparedText
    voice_name: str
    voice: Voice | None

    @property
    def utterances(self) -> list[Utterance]:
        return [Utterance(chunk, self.request.language) for chunk in self.prepared.chunks]

    def recipe(self, state: VoiceState) -> Recipe:
        options = self.options.model_dump(mode="json")
        return Recipe(
            self.spec.id, state.content_id, self.prepared.normalised, self.request.language, options
        )


def checked_options(spec: EngineSpec, given: object) -> EngineOptions:
    """The engine's options, or InputRefused naming the first that is wrong and the valid ones."""
    try:
        return spec.options.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        valid = ", ".join(spec.options.model_fields)
        raise InputRefused("synthesis.option", option=name, reason=first["msg"], valid=valid) from error


def character_limit(spec: EngineSpec, language: str) -> int:
    return spec.character_limits.get(language, spec.character_limits.get("*", 300))


@dataclass
class Performance:
    """The clock and the sound of one run of an engine."""

    started: float = field(default_factory=time.perf_counter)
    first_sound_s: float = 0.0
    wall_s: float = 0.0
    pieces: list[AudioClip] = field(default_factory=list)

    def run(self, engine: Engine, script: Script, state: VoiceState, marker: Marker) -> Iterator[AudioClip]:
        """Yield the sound as it is made, marked; afterwards `sound` is the whole.

        What the engine says passes through the marker here and nowhere else: unmarked it goes no further.
        """
        stream: StreamMarker | None = None
        for clip in self._said(engine, script, state):
            stream = stream or marker.stream(clip.sample_rate_hz)
            yield from self._out(stream.feed(clip))
        if stream is not None:
            yield from self._out(stream.close())
        self.wall_s = time.perf_counter() - self.started

    @staticmethod
    def _said(engine: Engine, script: Script, state: VoiceState) -> Iterator[AudioClip]:
        index = 0
        for chunk in engine.synthesize(script.utterances, state, script.options):
            if chunk.utterance_index != index:
                index = chunk.utterance_index
                yield silence(0.12, chunk.clip.sample_rate_hz)  # a breath between sentences
            yield chunk.clip

    def _out(self, piece: AudioClip | None) -> Iterator[AudioClip]:
        if piece is not None:
            self.first_sound_s = self.first_sound_s or time.perf_counter() - self.started
            self.pieces.append(piece)
            yield piece

    @property
    def sound(self) -> AudioClip:
        """The whole take; EngineTrouble when it is empty, silent or not a number."""
        if not self.pieces:
            raise EngineTrouble("synthesis.no_sound")
        samples = np.concatenate([piece.samples for piece in self.pieces])
        if not np.isfinite(samples).all() or float(np.abs(samples).max(initial=0.0)) < 1e-4:
            raise EngineTrouble("synthesis.no_sound")
        return AudioClip(samples, self.pieces[0].sample_rate_hz)


class Warmth:
    """Which engines have spoken since they were loaded: a take's clock is for synthesis alone.

    RTF counts with the model loaded and the first run dropped; that run is one short word, thrown away.
    """

    def __init__(self) -> None:
        self._warm: weakref.WeakSet[Engine] = weakref.WeakSet()

    def bring(self, engine: Engine, script: Script, state: VoiceState) -> None:
        """Load and warm the engine if this is its first take."""
        if engine in self._warm:
            return
        word = script.prepared.chunks[0].split()[0]
        for _ in engine.synthesize([Utterance(word, script.request.language)], state, script.options):
            pass
        self._warm.add(engine)


def silence(seconds: float, sample_rate_hz: int) -> AudioClip:
    return AudioClip(np.zeros(int(seconds * sample_rate_hz), dtype=np.float32), sample_rate_hz)
