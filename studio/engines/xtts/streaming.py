"""Sound while the model is still speaking, at a cost that grows with the length and not with its square."""

import math
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from studio.audio.clip import Samples
from studio.engines.xtts.tail import TailTrimmer

# How far a sample of the HiFi-GAN reaches into its input frames on either side, whatever the weights:
# 3 (first convolution) + 8.5 (first residual blocks, at 8x) + 1.1 (at 64x) + 0.5 (at 128x) + 0.3 (at 256x).
REACH_FRAMES = 14


class StreamingVocoder:
    """Turns latents of the GPT into sound as they come; the concatenation equals the whole decode.

    Upstream decodes everything again for each chunk. Here each chunk decodes its own frames with
    REACH_FRAMES of context, and the frames that latents still to come could change are held back.
    The interpolation is redone over all the latents: at most 605, a ten-thousandth of the vocoder's work,
    and it keeps the rounding of the whole decode.
    """

    def __init__(self, decoder: Any, speaker: torch.Tensor, speed: float = 1.0) -> None:
        """`decoder` a HifiDecoder, `speaker` its (1, 512, 1) embedding, `speed` 1 for the voice's own."""
        self._decoder = decoder
        self._speaker = speaker
        self._stretch = 1.0 / speed
        self._scales = (
            decoder.ar_mel_length_compression / decoder.output_hop_length,
            decoder.output_sample_rate / decoder.input_sample_rate,
        )
        self._latents: list[torch.Tensor] = []
        self._done = 0

    def push(self, latents: Iterable[torch.Tensor]) -> Samples:
        """Take latents of shape (1, d), give the samples (n,) that are settled; may be none."""
        self._latents.extend(latents)
        return self._sound(self._settled_frames())

    def finish(self, latents: Iterable[torch.Tensor]) -> Samples:
        """Take the last latents, give the rest of the sound."""
        self._latents.extend(latents)
        return self._sound(None)

    def _settled_frames(self) -> int:
        count = len(self._latents)
        for scale in (self._stretch, *self._scales):
            # Linear interpolation at k reads floor((k + 0.5) / scale - 0.5) and the place after it.
            count = max(0, math.floor((count - 0.5) * scale - 0.5))
        return count - REACH_FRAMES

    @torch.inference_mode()
    def _sound(self, end: int | None) -> Samples:
        if not self._latents or (end is not None and end <= self._done):
            return np.zeros(0, np.float32)
        frames = self._frames()
        end = frames.shape[-1] if end is None else min(end, frames.shape[-1])
        first = max(0, self._done - REACH_FRAMES)
        sound = self._decoder.waveform_decoder(frames[..., first : end + REACH_FRAMES], g=self._speaker)
        hop = self._decoder.output_hop_length
        sound = sound[0, 0, (self._done - first) * hop : (end - first) * hop]
        self._done = end
        return np.asarray(sound.float().cpu().numpy(), dtype=np.float32)

    def _frames(self) -> torch.Tensor:
        frames = _stretched(torch.cat(self._latents).float(), self._stretch).T[None]
        for scale in self._scales:
            frames = functional.interpolate(frames, scale_factor=[scale], mode="linear")
        return frames


def _stretched(latents: torch.Tensor, scale: float) -> torch.Tensor:
    """Linear interpolation of (n, d) in time, as `functional.interpolate`.

    Except that torch copies where the length stays the same: a few latents would not be stretched, and the
    same ones with more behind them would.
    """
    if scale == 1.0:
        return latents
    steps = torch.arange(math.floor(len(latents) * scale), dtype=torch.float32, device=latents.device)
    place = ((steps + 0.5) * (1.0 / scale) - 0.5).clamp(min=0.0)
    before = place.long()
    after = (before + 1).clamp(max=len(latents) - 1)
    return torch.lerp(latents[before], latents[after], (place - before)[:, None])


def stream(
    latents: Iterable[torch.Tensor], vocoder: StreamingVocoder, trimmer: TailTrimmer, chunk_size: int
) -> Iterator[Samples]:
    """Trimmed sound in chunks of about `chunk_size` latents each; 0 gives it in one piece at the end."""
    waiting: list[torch.Tensor] = []
    for latent in latents:
        waiting.append(latent)
        if len(waiting) == chunk_size:
            yield trimmer.push(vocoder.push(waiting))
            waiting = []
    yield trimmer.finish(vocoder.finish(waiting))
