"""Utterances made ready for the embedded engine's learner, and the speaker they describe together."""

import zlib
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from studio.engines.kokoro.encoders import RATE_HZ, SpeakerEncoders
from studio.engines.kokoro.phonemes import TOKEN_LIMIT, Phonemizer, ids_of
from studio.engines.kokoro.reference import Target, is_narrow_band, speech_of, voiced_f0
from studio.engines.kokoro.spectrum import spoken_part
from studio.engines.learning import TrainingClip
from studio.errors import AudioRefused, TextRefused

_SHORTEST_S = 1.0
_LEAST_FRAMES = 40  # half a second of speech


@dataclass(frozen=True)
class KokoroItem:
    """`ids` phonemes of the text, `cepstra` (frames, 24) of what was said, 12.5 ms each, from first to last sound."""

    id: str
    ids: tuple[int, ...]
    cepstra: Tensor

    @property
    def length(self) -> int:
        return len(self.ids)

    def window(self, frames: int, size: int, seed: int, step: int) -> tuple[int, int]:
        """Where this step listens in `frames` decoder frames: as seed, step and the utterance have it."""
        generator = np.random.default_rng([seed, step, zlib.crc32(self.id.encode())])
        first = int(generator.integers(max(0, frames - size) + 1))
        return first, min(frames, first + size)

    def recorded(self, first: int, last: int, frames: int) -> Tensor:
        """The recording's cepstra at the same place of the sentence, a little wider than the window."""
        scale = len(self.cepstra) / max(1, frames)
        start, stop = int(first * scale), int(np.ceil(last * scale))
        return self.cepstra[max(0, start - 2) : max(start + 8, stop + 2)]


@dataclass
class Portrait:
    """What the training utterances say of their speaker, gathered one by one: a few kB, however many there are."""

    embeddings: list[list[Tensor]] = field(default_factory=list)
    log_f0: list[np.ndarray] = field(default_factory=list)
    narrow: list[bool] = field(default_factory=list)
    speech_s: float = 0.0
    cepstra: list[Tensor] = field(default_factory=list)  # each utterance's mean of squares about its mean

    def add(self, speech: np.ndarray, cepstra: Tensor, encoders: SpeakerEncoders) -> None:
        """Take in an utterance's speech (16 kHz)."""
        with torch.no_grad():
            self.embeddings.append(encoders.embed(torch.from_numpy(speech)))
        self.log_f0.append(np.log(voiced_f0(speech)))
        self.narrow.append(is_narrow_band(speech))
        self.speech_s += len(speech) / RATE_HZ
        self.cepstra.append(cepstra.var(0))

    def target(self) -> Target:
        """The speaker over all utterances; AudioRefused when nobody is heard to speak."""
        pitch = np.concatenate([np.zeros(0), *self.log_f0])
        if len(pitch) < 50:
            raise AudioRefused("kokoro.reference_unvoiced")
        means = (torch.stack(vectors).mean(0) for vectors in zip(*self.embeddings, strict=True))
        units = [functional.normalize(mean, dim=0) for mean in means]
        narrow = sum(self.narrow) * 2 > len(self.narrow)
        return Target(units, float(np.median(pitch)), float(pitch.std()), narrow, self.speech_s)

    def spread(self) -> Tensor:
        """The speaker's standard deviation of each cepstral coefficient, (24,)."""
        return torch.stack(self.cepstra).mean(0).sqrt() + 1e-3


def prepare_item(
    clip: TrainingClip, phonemizer: Phonemizer, longest_s: float
) -> tuple[KokoroItem, np.ndarray]:
    """The item and its speech at 16 kHz; AudioRefused or TextRefused for what can't be learned from."""
    duration_s = round(clip.clip.duration_s, 2)
    if duration_s > longest_s:
        raise AudioRefused("learning.too_long", duration_s=duration_s, longest_s=longest_s)
    if duration_s < _SHORTEST_S:
        raise AudioRefused("learning.too_short", duration_s=duration_s, shortest_s=_SHORTEST_S)
    if not np.isfinite(clip.clip.samples).all():
        raise AudioRefused("learning.silent")
    ids = ids_of(phonemizer(clip.text, clip.language))
    if len(ids) > TOKEN_LIMIT:
        raise TextRefused("learning.text_long", tokens=len(ids), most=TOKEN_LIMIT)
    speech = speech_of(clip.clip)
    if len(speech) < _LEAST_FRAMES * 200:
        raise AudioRefused("learning.silent")
    return KokoroItem(clip.id, tuple(ids), spoken_part(torch.from_numpy(speech))), speech
