"""Clips of unlike length in one row: no padding is computed, and each clip attends to itself alone."""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface

_NAME = "timbro_packed"


def hidden_states(gpt2: Any, row: Tensor, lengths: Sequence[int]) -> Tensor:
    """What a transformers GPT2Model makes of clips laid end to end.

    `row` is (n, d), the clips' embeddings one after the other; `lengths` are their numbers of positions and
    add up to n. The answer is (n, d). Padded rows give the same but for rounding, and pay for each row as for
    the longest: everything outside attention, some nine tenths of the work, goes by position.
    """
    with _packed(gpt2.config):
        found: Tensor = gpt2(inputs_embeds=row[None], use_cache=False, packed_lengths=tuple(lengths))[0]
    return found[0]


@contextlib.contextmanager
def _packed(config: Any) -> Iterator[None]:
    """Only while the loss is computed: the same GPT speaks with the attention it was loaded with."""
    before = config._attn_implementation
    config._attn_implementation = _NAME
    try:
        yield
    finally:
        config._attn_implementation = before


def _attend(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    packed_lengths: tuple[int, ...] = (),
    **_: Any,
) -> tuple[Tensor, None]:
    """Causal attention within each clip; (1, heads, n, d / heads) in, (1, n, heads, d / heads) out."""
    clips = zip(*(part.split(packed_lengths, dim=2) for part in (query, key, value)), strict=True)
    heard = [
        scaled_dot_product_attention(q, k, v, dropout_p=dropout, is_causal=True, scale=scaling)
        for q, k, v in clips
    ]
    return torch.cat(heard, dim=2).transpose(1, 2), None


AttentionInterface.register(_NAME, _attend)
