"""A Kokoro voice as arrays: a start style, a fitted offset and moved decoder biases."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from studio.engines.base import VoiceState
from studio.errors import EngineTrouble

Array = NDArray[np.float32]
STYLE_SIZE = 256  # first half timbre (decoder), second half prosody (durations, pitch, energy)
STYLE_ROWS = 510  # a preset has one style for every number of tokens
BIAS_SIZE = 37_396  # all 58 AdaIN biases of the decoder, in sorted order of their names


@dataclass(frozen=True)
class KokoroVoice:
    """`style` (rows, 256) to start from; `offset` (256,) and `biases` (37396,) are what fitting added."""

    style: Array
    offset: Array = field(default_factory=lambda: np.zeros(STYLE_SIZE, np.float32))
    biases: Array = field(default_factory=lambda: np.zeros(0, np.float32))

    def style_for(self, tokens: int, blend: float = 1.0) -> Array:
        """The style (256,) for an utterance of `tokens` phonemes, `blend` of the way to the fitted voice."""
        row = min(max(tokens, 1), len(self.style)) - 1
        return np.asarray(self.style[row] + blend * self.offset, dtype=np.float32)

    def state(self, engine_id: str, **facts: str) -> VoiceState:
        """The voice as a value to store."""
        tensors = {"style": self.style, "offset": self.offset}
        if self.biases.size:
            tensors["biases"] = self.biases
        return VoiceState(engine_id, tensors, facts)

    @classmethod
    def of(cls, state: VoiceState, engine_id: str) -> "KokoroVoice":
        """Read a stored state; EngineTrouble when it is another engine's or has the wrong shape."""
        if state.engine_id != engine_id:
            raise EngineTrouble("kokoro.foreign_voice", engine=state.engine_id)
        tensors = {name: np.asarray(array, np.float32) for name, array in state.tensors.items()}
        voice = cls(
            tensors.get("style", np.zeros((0, 0), np.float32)),
            tensors.get("offset", np.zeros(STYLE_SIZE, np.float32)),
            tensors.get("biases", np.zeros(0, np.float32)),
        )
        right = voice.style.ndim == 2 and voice.style.shape[1] == STYLE_SIZE and len(voice.style) > 0
        right = right and voice.offset.shape == (STYLE_SIZE,) and voice.biases.shape in ((0,), (BIAS_SIZE,))
        if not right or not all(np.isfinite(array).all() for array in tensors.values()):
            raise EngineTrouble("kokoro.broken_voice")
        return voice
