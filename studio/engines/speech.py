"""Whole sounds from an engine that speaks in chunks."""

from collections.abc import Sequence

import numpy as np

from studio.audio.clip import AudioClip
from studio.engines.base import Engine, EngineOptions, Utterance, VoiceState


def spoken(
    engine: Engine, texts: Sequence[Utterance], voice: VoiceState, options: EngineOptions
) -> list[AudioClip]:
    """A clip for each text; one an engine has no sound for is empty."""
    pieces: list[list[np.ndarray]] = [[] for _ in texts]
    for chunk in engine.synthesize(texts, voice, options):
        pieces[chunk.utterance_index].append(chunk.clip.samples)
    rate = engine.spec.sample_rate_hz
    return [AudioClip(np.concatenate([np.zeros(0, np.float32), *parts]), rate) for parts in pieces]
