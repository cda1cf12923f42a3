"""Writes a small XTTS checkpoint of the real classes in the published layout; its weights come from NumPy's generator.

What it says is noise, but the same noise everywhere: the weights do not depend on torch's random numbers.
"""

import contextlib
import functools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

AUDIO_TOKENS = 1026
STOP_TOKEN = 1025
_LETTERS = "abcdefghijklmnopqrstuvwxyzàèéìòù0123456789'.,;:!?-"
_MERGES = [("c", "i"), ("a", "o"), ("ci", "ao"), ("e", "r"), ("t", "o"), ("l", "a"), ("q", "u")]


@dataclass(frozen=True)
class Size:
    """The dimensions of a checkpoint; `stop_bias` makes the stop token likelier, as no training has."""

    layers: int = 2
    width: int = 64
    heads: int = 2
    stop_bias: float = 1.5
    dvae: int = 16  # channels of the DVAE and of its codebook, 512 as published


REAL_SIZE = Size(layers=30, width=1024, heads=16, dvae=512)
_Weights = dict[str, Any]


@contextlib.contextmanager
def narrow_vocoder(channels: int = 16) -> Iterator[None]:
    """While open, coqui-tts builds its HiFi-GAN with this many channels instead of 512, which no config can say."""
    from TTS.tts.models import xtts

    small = functools.partial(xtts.HifiDecoder, upsample_initial_channel_decoder=channels)
    with mock.patch.object(xtts, "HifiDecoder", small):
        yield


def write_tiny_xtts(folder: Path, size: Size = Size(), *, legacy: bool = False, seed: int = 0) -> Path:
    """Write config.json, vocab.json, model.pth, speakers_xtts.pth and, for training, dvae.pth and mel_stats.pth
    into `folder` and return it.

    `legacy` writes model.pth as it was first published: with a pickled XttsConfig inside.
    """
    import torch
    from TTS.tts.models import xtts

    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = _write_vocabulary(folder / "vocab.json")
    config = _config(size, vocabulary)
    config.save_json(str(folder / "config.json"))
    weights = _weights(xtts.Xtts(config), size, seed)
    with xtts._legacy_safe_globals() if legacy else contextlib.nullcontext():
        torch.save({"config": config if legacy else {}, "model": weights}, folder / "model.pth")
    torch.save(_speakers(size, seed), folder / "speakers_xtts.pth")
    torch.save(_dvae(size, seed), folder / "dvae.pth")
    torch.save(torch.ones(80), folder / "mel_stats.pth")
    return folder


def _config(size: Size, vocabulary: dict[str, int]) -> Any:
    from TTS.tts.configs.xtts_config import XttsArgs, XttsConfig

    args = XttsArgs(
        gpt_layers=size.layers,
        gpt_n_model_channels=size.width,
        gpt_n_heads=size.heads,
        gpt_number_text_tokens=max(vocabulary.values()) + 1,
        gpt_start_text_token=vocabulary["[START]"],
        gpt_stop_text_token=vocabulary["[STOP]"],
        gpt_num_audio_tokens=AUDIO_TOKENS,
        gpt_start_audio_token=1024,
        gpt_stop_audio_token=STOP_TOKEN,
        gpt_use_perceiver_resampler=True,
        decoder_input_dim=size.width,
    )
    return XttsConfig(model_args=args, gpt_cond_len=30, gpt_cond_chunk_len=4, max_ref_len=30)


def _write_vocabulary(path: Path) -> dict[str, int]:
    from TTS.tts.configs.xtts_config import XttsConfig

    special = ["[STOP]", "[UNK]", "[SPACE]", "[START]", *(f"[{code}]" for code in XttsConfig().languages)]
    words = [*special, *_LETTERS, *("".join(pair) for pair in _MERGES)]
    vocabulary = {word: index for index, word in enumerate(words)}
    added = [
        {"id": vocabulary[word], "content": word, "special": True}
        | dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
        for word in special
    ]
    bpe = {"type": "BPE", "unk_token": "[UNK]", "vocab": vocabulary, "merges": [" ".join(m) for m in _MERGES]}
    content = {"version": "1.0", "added_tokens": added, "pre_tokenizer": {"type": "Whitespace"}, "model": bpe}
    path.write_text(json.dumps(content), encoding="utf-8")
    return vocabulary


def _weights(model: Any, size: Size, seed: int) -> _Weights:
    import torch

    generator = np.random.default_rng(seed)
    weights = {}
    for name, tensor in sorted(model.state_dict().items()):
        if "torch_spec" in name or not tensor.is_floating_point():  # filter banks and counters are no weights
            weights[name] = tensor
        else:
            weights[name] = torch.from_numpy(_drawn(generator, name, tuple(tensor.shape)))
    weights["gpt.mel_head.bias"][STOP_TOKEN] += size.stop_bias
    return weights


def _drawn(generator: np.random.Generator, name: str, shape: tuple[int, ...]) -> np.ndarray:
    if name.endswith(("running_var", "original0", "mel_stats")):
        return np.ones(shape, np.float32)
    if len(shape) >= 2:
        fan_in = int(np.prod(shape)) / shape[0]
        scale = 1.0 if "embedding" in name or ".emb." in name else fan_in**-0.5
        return generator.standard_normal(shape, np.float32) * np.float32(scale)
    centre = 1.0 if name.endswith(("weight", "gamma")) else 0.0
    return np.float32(centre) + generator.standard_normal(shape, np.float32) * np.float32(0.05)


def _dvae(size: Size, seed: int) -> _Weights:
    """Weights of the DVAE that turns sound into the GPT's tokens, as coqui-tts's trainer builds it."""
    import torch
    from TTS.tts.layers.xtts.dvae import DiscreteVAE

    dvae = DiscreteVAE(
        channels=80, normalization=None, positional_dims=1, num_tokens=AUDIO_TOKENS - 2, codebook_dim=size.dvae,
        hidden_dim=size.dvae, num_resnet_blocks=3, kernel_size=3, num_layers=2, use_transposed_convs=False,
    )  # fmt: skip
    generator = np.random.default_rng(seed + 2)
    return {
        name: torch.from_numpy(_drawn(generator, name, tuple(tensor.shape)))
        if tensor.is_floating_point()
        else tensor
        for name, tensor in sorted(dvae.state_dict().items())
    }


def _speakers(size: Size, seed: int) -> dict[str, _Weights]:
    import torch

    generator = np.random.default_rng(seed + 1)

    def tensor(*shape: int) -> Any:
        return torch.from_numpy(generator.standard_normal(shape, np.float32) * np.float32(0.3))

    return {
        name: {"gpt_cond_latent": tensor(1, 32, size.width), "speaker_embedding": tensor(1, 512, 1)}
        for name in ("Alba Rossi", "Bruno Verdi")
    }
