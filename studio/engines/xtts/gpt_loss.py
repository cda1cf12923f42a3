"""The GPT's loss on a batch of prepared items, as coqui-tts's GPTTrainer has it, without its mistakes.

Upstream masks the prompt with the wrong hop and in the last row of a batch only; here every row's prompt
is left out of its own loss.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from studio.engines.xtts.packing import hidden_states
from studio.engines.xtts.training_data import XttsItem

TEXT_WEIGHT, MEL_WEIGHT = 0.01, 1.0
_STOPS = 4  # stop codes the model learns to say after the last sound; upstream's number
_IGNORED = -1


@dataclass(frozen=True)
class Batch:
    """Inputs and targets of all clips, end to end without padding; targets are -1 where nothing counts."""

    text: Tensor  # (t,) ids, every clip's own one after the other
    text_places: Tensor  # (t,) each one's place in its clip
    text_targets: Tensor  # (t,)
    codes: Tensor  # (c,)
    code_places: Tensor  # (c,)
    code_targets: Tensor  # (c,)
    latents: Tensor  # (b, 32, d)
    text_lengths: tuple[int, ...]  # of the b clips; they add up to t
    code_lengths: tuple[int, ...]  # likewise, to c


def collate(gpt: Any, items: Sequence[XttsItem], device: torch.device | str) -> Batch:
    """Items one after the other. The text's closing stop is heard by nobody, as in upstream's masks."""
    text = [_row(item.text, gpt.start_text_token, gpt.stop_text_token, 1) for item in items]
    codes = [_row(item.codes, gpt.start_audio_token, gpt.stop_audio_token, _STOPS) for item in items]
    for (_, targets), item in zip(codes, items, strict=True):
        targets[item.prompt[0] : min(item.prompt[1], len(item.codes))] = _IGNORED
    latents = torch.stack([item.latents for item in items])
    text_in, text_places, text_out, code_in, code_places, code_out, latents = (
        tensor.to(device) for tensor in (*_joined(text), *_joined(codes), latents)
    )
    lengths = (tuple(len(inputs) for inputs, _ in rows) for rows in (text, codes))
    return Batch(text_in, text_places, text_out, code_in, code_places, code_out, latents, *lengths)


def gpt_losses(gpt: Any, batch: Batch) -> tuple[Tensor, Tensor]:
    """Cross entropies of text and of audio codes, each a mean over what counts in the batch."""
    text_logits, code_logits = gpt_logits(gpt, batch)
    return (
        functional.cross_entropy(text_logits.float(), batch.text_targets, ignore_index=_IGNORED),
        functional.cross_entropy(code_logits.float(), batch.code_targets, ignore_index=_IGNORED),
    )


def gpt_logits(gpt: Any, batch: Batch) -> tuple[Tensor, Tensor]:
    """What the GPT expects next, of text (t, ids) and of audio codes (c, codes)."""
    text = gpt.text_embedding(batch.text) + gpt.text_pos_embedding.emb(batch.text_places)
    codes = gpt.mel_embedding(batch.codes) + gpt.mel_pos_embedding.emb(batch.code_places)
    clips = zip(batch.latents, text.split(batch.text_lengths), codes.split(batch.code_lengths), strict=True)
    parts = [part.to(text.dtype) for clip in clips for part in clip]  # latents, text, codes, clip by clip
    sizes = [len(part) for part in parts]
    lengths = [sum(sizes[at : at + 3]) for at in range(0, len(sizes), 3)]
    heard = hidden_states(gpt.gpt, torch.cat(parts), lengths).split(sizes)
    text_heard, codes_heard = (gpt.final_norm(torch.cat(heard[first::3])) for first in (1, 2))
    return gpt.text_head(text_heard), gpt.mel_head(codes_heard)


def _row(ids: Tensor, start: int, stop: int, stops: int) -> tuple[Tensor, Tensor]:
    """Inputs `start, ids, stops but one` and targets `ids, stops`: both of len(ids) + stops."""
    stopping = torch.full((stops,), stop)
    targets = torch.cat([ids.long(), stopping])
    return torch.cat([torch.tensor([start]), targets[:-1]]), targets


def _joined(rows: Sequence[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor, Tensor]:
    """Inputs, their places in their own clips, and targets, end to end."""
    inputs = torch.cat([inputs for inputs, _ in rows])
    places = torch.cat([torch.arange(len(inputs)) for inputs, _ in rows])
    return inputs, places, torch.cat([targets for _, targets in rows])
