"""The guard of a fit: is the fitted voice still natural, on sentences it was not fitted on?"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from studio.engines.base import ShouldStop
from studio.engines.kokoro.encoders import SpeakerEncoders, similarity
from studio.engines.kokoro.fitting import hear, scaled
from studio.engines.kokoro.reference import Target, resample
from studio.engines.kokoro.voice import Array, KokoroVoice

_MOS_LOSS = 0.35  # how much predicted MOS likeness may cost
_LEAST_GAIN = 0.02


@dataclass(frozen=True)
class Verdict:
    """How strongly to apply a fit, and the figures that decided it (on the checking sentences)."""

    strength: float
    similarity: float
    start_similarity: float
    mos: float
    start_mos: float


@dataclass(frozen=True)
class Guard:
    """`speak(ids, voice)` gives 24 kHz samples; `ids` are the checking sentences."""

    speak: Callable[[Sequence[int], KokoroVoice], Array]
    ids: Sequence[Sequence[int]]
    encoders: SpeakerEncoders

    def likeness(self, voice: KokoroVoice, target: Target) -> float:
        """Mean cosine to the target, by the encoders in the loss."""
        return self._alike(self._sounds(voice), target)

    def choose(
        self,
        start: KokoroVoice,
        fitted: KokoroVoice,
        target: Target,
        strengths: Sequence[float],
        should_stop: ShouldStop,
    ) -> Verdict:
        """The strongest application of the fit whose predicted MOS stays near the start's."""
        judge = _load_mos()
        sounds = self._sounds(start)
        start_alike, start_mos = self._alike(sounds, target), _mos(judge, sounds)
        verdict = Verdict(0.0, start_alike, start_alike, start_mos, start_mos)
        for strength in sorted(strengths, reverse=True):
            sounds = self._sounds(scaled(fitted, strength))
            alike, mos = self._alike(sounds, target), _mos(judge, sounds)
            if alike > start_alike + _LEAST_GAIN:
                verdict = Verdict(strength, alike, start_alike, mos, start_mos)
            if mos >= start_mos - _MOS_LOSS or should_stop():
                break
        return verdict

    def _sounds(self, voice: KokoroVoice) -> list[Array]:
        return [self.speak(ids, voice) for ids in self.ids]

    @torch.no_grad()
    def _alike(self, sounds: Sequence[Array], target: Target) -> float:
        heard = (hear(torch.from_numpy(sound), target) for sound in sounds)
        return float(
            np.mean([similarity(self.encoders.embed(one), target.embeddings).item() for one in heard])
        )


def _load_mos() -> Any:
    from distillmos import ConvTransformerSQAModel

    return ConvTransformerSQAModel().eval()


@torch.no_grad()
def _mos(judge: Any, sounds: Sequence[Array]) -> float:
    """Predicted MOS 1..5 (distill-MOS, Stahl and Gamper 2025), mean over sounds."""
    heard = (resample(torch.from_numpy(sound), 24_000, 16_000)[None] for sound in sounds)
    return float(np.mean([judge(one).item() for one in heard]))
