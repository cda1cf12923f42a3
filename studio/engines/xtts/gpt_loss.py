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

from studio.engines.xtts.training_data import XttsItem

TEXT_WEIGHT, MEL_WEIGHT = 0.01, 1.0
_STOPS = 4  # stop codes the model learns to say after the last sound; upstream's number
_IGNORED = -1


@dataclass(frozen=True)
class Batch:
    """Padded inputs and targets, each (b, n), targets -1 where nothing counts; masks (b, n) bool."""

    text: Tensor
    text_targets: Tensor
    text_mask: Tensor
    codes: Tensor
    code_targets: Tensor
    code_mask: Tensor
    latents: Tensor  # (b, 32, d)


def collate(gpt: Any, items: Sequence[XttsItem], device: torch.device | str) -> Batch:
    """Items side by side. The text's closing stop is heard by nobody, as in upstream's masks."""
    text = [_row(item.text, gpt.start_text_token, gpt.stop_text_token, 1) for item in items]
    codes = [_row(item.codes, gpt.start_audio_token, gpt.stop_audio_token, _STOPS) for item in items]
    for (_, targets), item in zip(codes, items, strict=True):
        targets[item.prompt[0] : min(item.prompt[1], len(item.codes))] = _IGNORED
    text_in, text_out, text_mask = _padded(text, gpt.stop_text_token)
    code_in, code_out, code_mask = _padded(codes, gpt.stop_audio_token)
    latents = torch.stack([item.latents for item in items])
    text_in, text_out, text_mask, code_in, code_out, code_mask, latents = (
        tensor.to(device) for tensor in (text_in, text_out, text_mask, code_in, code_out, code_mask, latents)
    )
    return Batch(text_in, text_out, text_mask, code_in, code_out, code_mask, latents)


def gpt_losses(gpt: Any, batch: Batch) -> tuple[Tensor, Tensor]:
    """Cross entropies of text and of audio codes, each a mean over what counts in the batch."""
    text = gpt.text_embedding(batch.text) + gpt.text_pos_embedding(batch.text)
    codes = gpt.mel_embedding(batch.codes) + gpt.mel_pos_embedding(batch.codes)
    text_logits, code_logits = gpt.get_logits(
        text, gpt.text_head, codes, gpt.mel_head, prompt=batch.latents,
        attn_mask_text=batch.text_mask, attn_mask_mel=batch.code_mask,
    )  # fmt: skip
    return (
        functional.cross_entropy(text_logits.float(), batch.text_targets, ignore_index=_IGNORED),
        functional.cross_entropy(code_logits.float(), batch.code_targets, ignore_index=_IGNORED),
    )


def _row(ids: Tensor, start: int, stop: int, stops: int) -> tuple[Tensor, Tensor]:
    """Inputs `start, ids, stops but one` and targets `ids, stops`: both of len(ids) + stops."""
    stopping = torch.full((stops,), stop)
    targets = torch.cat([ids.long(), stopping])
    return torch.cat([torch.tensor([start]), targets[:-1]]), targets


def _padded(rows: Sequence[tuple[Tensor, Tensor]], stop: int) -> tuple[Tensor, Tensor, Tensor]:
    longest = max(len(inputs) for inputs, _ in rows)

    def pad(row: Tensor, value: int) -> Tensor:
        return functional.pad(row, (0, longest - len(row)), value=value)

    inputs = torch.stack([pad(inputs, stop) for inputs, _ in rows])
    targets = torch.stack([pad(targets, _IGNORED) for _, targets in rows])
    mask = torch.stack([pad(torch.ones(len(inputs)), 0).bool() for inputs, _ in rows])
    return inputs, targets, mask
