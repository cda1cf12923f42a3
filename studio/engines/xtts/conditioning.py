"""A voice from recordings: conditioning latents for the GPT, a speaker embedding for the vocoder."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
import torchaudio

from studio.audio.clip import AudioClip
from studio.engines.base import EnrolmentProgress, ShouldStop, VoiceState
from studio.engines.xtts.spec import SPEC
from studio.errors import AudioRefused, Cancelled, InputRefused

_RATE_HZ = 22_050
_SHORTEST_CLIP_S = 1.0
_SILENCE_PEAK = 1e-3


def encode_clips(
    model: Any,
    clips: Sequence[AudioClip],
    report: Callable[[EnrolmentProgress], None],
    should_stop: ShouldStop,
) -> VoiceState:
    """The voice of all `clips` together; nothing is written to disk.

    The speaker embedding is the mean over clips, as upstream. The GPT hears `gpt_cond_len` seconds in all:
    upstream takes them from the first clips, here every clip gives its share (the same thing for one clip).
    """
    heard = [_mono_at_rate(clip, model.config.max_ref_len) for clip in _usable(clips)]
    embeddings = []
    for index, audio in enumerate(heard):
        if should_stop():
            raise Cancelled("engines.cancelled", task=SPEC.name)
        embeddings.append(model.get_speaker_embedding(audio, _RATE_HZ))
        report(EnrolmentProgress((index + 1) / (len(heard) + 1), "embed"))
    latents = model.get_gpt_cond_latents(
        torch.cat(_shares(heard, model.config.gpt_cond_len * _RATE_HZ), dim=-1),
        _RATE_HZ,
        length=model.config.gpt_cond_len,
        chunk_length=model.config.gpt_cond_chunk_len,
    )
    state = voice_state(latents, torch.stack(embeddings).mean(dim=0), {"clips": str(len(clips))})
    report(EnrolmentProgress(1.0, "embed", state))
    return state


def voice_state(latents: torch.Tensor, embedding: torch.Tensor, facts: dict[str, str]) -> VoiceState:
    """Wrap what the model gave: latents (1, n, d) and embedding (1, 512, 1)."""
    tensors = {"gpt_cond_latent": latents, "speaker_embedding": embedding}
    arrays = {name: np.ascontiguousarray(t.float().cpu().numpy()) for name, t in tensors.items()}
    return VoiceState(SPEC.id, arrays, facts)


def voice_tensors(model: Any, voice: VoiceState) -> tuple[torch.Tensor, torch.Tensor]:
    """The state's latents and embedding on the model's device; InputRefused when of another model."""
    latents, embedding = (voice.tensors.get(name) for name in ("gpt_cond_latent", "speaker_embedding"))
    if voice.engine_id != SPEC.id or latents is None or embedding is None:
        raise InputRefused("xtts.voice", found=voice.engine_id)
    fits = latents.ndim == 3 and latents.shape[0] == 1 and latents.shape[2] == model.gpt.model_dim
    if not fits or embedding.shape != (1, model.args.d_vector_dim, 1):
        raise InputRefused("xtts.voice", found=f"{voice.engine_id} {latents.shape} {embedding.shape}")
    if not (np.isfinite(latents).all() and np.isfinite(embedding).all()):
        raise InputRefused("xtts.voice", found="not finite")
    return tuple(torch.tensor(a, dtype=torch.float32, device=model.device) for a in (latents, embedding))


def _usable(clips: Sequence[AudioClip]) -> Sequence[AudioClip]:
    if not clips:
        raise AudioRefused("xtts.no_clips")
    for number, clip in enumerate(clips, 1):
        length = clip.duration_s
        if length < _SHORTEST_CLIP_S:
            raise AudioRefused("xtts.clip_short", number=number, duration_s=length, needed_s=_SHORTEST_CLIP_S)
        if not np.isfinite(clip.samples).all() or np.abs(clip.samples).max() < _SILENCE_PEAK:
            raise AudioRefused("xtts.clip_silent", number=number)
    return clips


def _mono_at_rate(clip: AudioClip, longest_s: int) -> torch.Tensor:
    audio = torch.tensor(clip.samples)[None].clamp(-1, 1)
    if clip.sample_rate_hz != _RATE_HZ:
        audio = torchaudio.functional.resample(audio, clip.sample_rate_hz, _RATE_HZ).clamp(-1, 1)
    return audio[:, : longest_s * _RATE_HZ]


def _shares(heard: list[torch.Tensor], budget: int) -> list[torch.Tensor]:
    """The starts of all clips, `budget` samples in all: short clips whole, long ones equally."""
    lengths = [0] * len(heard)
    left = budget
    shortest_first = sorted(range(len(heard)), key=lambda i: heard[i].shape[-1])
    for done, index in enumerate(shortest_first):
        lengths[index] = min(heard[index].shape[-1], left // (len(heard) - done))
        left -= lengths[index]
    return [audio[:, :length] for audio, length in zip(heard, lengths, strict=True)]
