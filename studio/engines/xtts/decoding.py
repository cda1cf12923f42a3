"""The GPT's decode: text and voice in, one latent for each audio token out, as it is drawn.

Upstream's `inference` draws all tokens and then runs the GPT once more over them to get the latents.
The latents are the very hidden states that the draw was made from, so this loop yields those and saves
the pass. Drawing from a generator of its own, it leaves the process's random state alone; with the
same seed it draws upstream's tokens.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional
from transformers import (
    DynamicCache,
    LogitsProcessorList,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from studio.engines.xtts.spec import XttsOptions
from studio.errors import EngineTrouble

_log = logging.getLogger(__name__)
_PROMPT_STAND_IN = (
    1  # the id upstream writes where the prompt's embeddings go: its repetition penalty sees it
)


@dataclass(frozen=True)
class Draw:
    """How one piece of text is drawn; `generator` lives on the GPT's device."""

    options: XttsOptions
    generator: torch.Generator
    token_limit: int


@torch.inference_mode()
def decode(gpt: Any, voice: torch.Tensor, text_ids: list[int], draw: Draw) -> Iterator[torch.Tensor]:
    """Yield latents of shape (1, d) until the GPT says stop, or `token_limit` is reached.

    `gpt` is coqui-tts's GPT, `voice` its conditioning latents (1, 32, d). Raises EngineTrouble when
    the numbers stop being numbers.
    """
    limit = min(draw.token_limit, gpt.max_gen_mel_tokens)
    warpers = _warpers(draw.options)
    drawn = torch.tensor([[_PROMPT_STAND_IN, gpt.start_audio_token]], device=voice.device)
    cache = DynamicCache(config=gpt.gpt.config)
    inputs = torch.cat([_prompt(gpt, voice, text_ids), _token_embedding(gpt, drawn[:, -1:], 0)], dim=1)
    for step in range(1, limit + 1):
        hidden = gpt.gpt(inputs_embeds=inputs, past_key_values=cache, use_cache=True).last_hidden_state[:, -1]
        latent = gpt.final_norm(hidden)
        token = _draw_token(warpers(drawn, _finite(gpt.mel_head(latent).float())), draw.generator)
        yield latent
        if token.item() == gpt.stop_audio_token:
            return
        drawn = torch.cat([drawn, token], dim=1)
        inputs = _token_embedding(gpt, token, step)
    _log.warning("XTTS did not stop by itself within %d tokens; what followed was cut", limit)


def _prompt(gpt: Any, voice: torch.Tensor, text_ids: list[int]) -> torch.Tensor:
    ids = torch.tensor([text_ids], device=voice.device)
    ids = functional.pad(ids, (0, 1), value=gpt.stop_text_token)
    ids = functional.pad(ids, (1, 0), value=gpt.start_text_token)
    text = gpt.text_embedding(ids) + gpt.text_pos_embedding(ids)
    return torch.cat([voice.to(text.dtype), text], dim=1)


def _token_embedding(gpt: Any, token: torch.Tensor, position: int) -> torch.Tensor:
    place = torch.tensor([[position]], device=token.device)
    embedding: torch.Tensor = gpt.mel_embedding(token) + gpt.mel_pos_embedding.emb(place)
    return embedding


def _warpers(options: XttsOptions) -> LogitsProcessorList:
    return LogitsProcessorList(
        [
            RepetitionPenaltyLogitsProcessor(options.repetition_penalty),
            TemperatureLogitsWarper(options.temperature),
            TopKLogitsWarper(options.top_k),
            TopPLogitsWarper(options.top_p),
        ]
    )


def _finite(logits: torch.Tensor) -> torch.Tensor:
    if not bool(torch.isfinite(logits).all()):
        raise EngineTrouble("xtts.numbers")
    return logits


def _draw_token(scores: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    return torch.multinomial(functional.softmax(scores, dim=-1), 1, generator=generator)
