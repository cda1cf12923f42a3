"""Utterances made ready for the GPT once: text ids, audio codes, conditioning latents."""

import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torchaudio
from torch import Tensor

from studio.audio.clip import AudioClip
from studio.engines.learning import TrainingClip
from studio.engines.xtts import text as texts
from studio.engines.xtts.tokens import encode
from studio.errors import AudioRefused, InputRefused, ModelMissing, TextRefused

RATE_HZ = 22_050
CODE_STRIDE = 1024  # samples a code stands for
_SHORTEST_S = 0.5
_PROMPT_S = (3.0, 6.0)
_MOST_TOKENS = 200
_SILENCE_PEAK = 1e-3


@dataclass(frozen=True)
class XttsItem:
    """`text` (t,) and `codes` (n,) ids; `latents` (32, d) of a stretch of the clip, whose codes, from
    `prompt[0]` to before `prompt[1]`, count in no loss: the model has heard them.
    """

    id: str
    text: Tensor
    codes: Tensor
    latents: Tensor
    prompt: tuple[int, int]

    @property
    def length(self) -> int:
        return len(self.text) + len(self.codes)


class Preparer:
    """Turns clips into items with the frozen parts of a loaded Xtts and the DVAE beside its checkpoint.

    The prompt is a stretch of 3 to 6 s of the clip, or half of it when it is shorter, as upstream's;
    which stretch follows from `seed` and the clip's id.
    """

    def __init__(self, model: Any, folder: Path, longest_s: float, seed: int) -> None:
        self._model = model
        self._device = model.device
        self._dvae, self._mels = load_dvae(folder, self._device)
        self._prompt_mels = _prompt_mels(folder)
        self._longest_s, self._seed = longest_s, seed

    @torch.no_grad()
    def item(self, clip: TrainingClip) -> XttsItem:
        """AudioRefused or TextRefused for a clip the model can't learn from; nothing is cut or replaced."""
        ids = self._ids(clip)
        wave = self._wave(clip.clip)
        first, last = self._stretch(clip.id, wave.shape[-1])
        latents = self._model.gpt.get_style_emb(self._prompt_mels(wave[:, first:last]).to(self._device))
        codes = self._dvae.get_codebook_indices(self._mels(wave.to(self._device)))[0]
        count = -(-wave.shape[-1] // CODE_STRIDE)
        prompt = (first // CODE_STRIDE, -(-last // CODE_STRIDE))
        return XttsItem(clip.id, ids, codes[:count].cpu(), latents[0].T.float().cpu().contiguous(), prompt)

    def _ids(self, clip: TrainingClip) -> Tensor:
        piece = encode(self._model.tokenizer, texts.without_quotes(clip.text), clip.language)
        most = min(_MOST_TOKENS, self._model.args.gpt_max_text_tokens)
        if len(piece.ids) > most:
            raise TextRefused("learning.text_long", tokens=len(piece.ids), most=most)
        unknown = self._model.tokenizer.tokenizer.token_to_id("[UNK]")
        spoken = any(character.isalnum() for character in piece.spoken)
        if unknown in piece.ids or not spoken:
            odd = "".join(sorted({c for c in piece.spoken if not (c.isascii() or c.isspace())}))
            raise TextRefused(
                "learning.text_unreadable", reason=f"the model's alphabet lacks one of: {odd or '-'}"
            )
        return torch.tensor(piece.ids)

    def _wave(self, clip: AudioClip) -> Tensor:
        if not np.isfinite(clip.samples).all() or np.abs(clip.samples).max(initial=0.0) < _SILENCE_PEAK:
            raise AudioRefused("learning.silent")
        duration_s = round(clip.duration_s, 2)
        if duration_s < _SHORTEST_S:
            raise AudioRefused("learning.too_short", duration_s=duration_s, shortest_s=_SHORTEST_S)
        most_s = (self._model.gpt.max_gen_mel_tokens - 4) * CODE_STRIDE / RATE_HZ
        if duration_s > min(self._longest_s, most_s):
            longest_s = round(min(self._longest_s, most_s), 2)
            raise AudioRefused("learning.too_long", duration_s=duration_s, longest_s=longest_s)
        wave = torch.tensor(clip.samples)[None].clamp(-1, 1)
        if clip.sample_rate_hz != RATE_HZ:
            wave = torchaudio.functional.resample(wave, clip.sample_rate_hz, RATE_HZ).clamp(-1, 1)
        return wave

    def _stretch(self, clip_id: str, samples: int) -> tuple[int, int]:
        generator = np.random.default_rng([self._seed, zlib.crc32(clip_id.encode())])
        length = int(generator.uniform(*_PROMPT_S) * RATE_HZ)
        if length > samples:
            length = samples // 2
        first = int(generator.integers(samples - length + 1))
        return first, first + length


def load_dvae(folder: Path, device: torch.device | str) -> tuple[Any, Any]:
    """The DiscreteVAE of `dvae.pth` and the mel spectrogram it reads; ModelMissing when a file is not there.

    Sizes are read from the weights: the published one is 512 wide.
    """
    from TTS.tts.layers.tortoise.arch_utils import TorchMelSpectrogram
    from TTS.tts.layers.xtts.dvae import DiscreteVAE

    for name in ("dvae.pth", "mel_stats.pth"):
        if not (folder / name).is_file():
            raise ModelMissing("xtts.training_files", name=name)
    try:
        weights = torch.load(folder / "dvae.pth", map_location="cpu", weights_only=True)
        codebook_dim, tokens = weights["codebook.embed"].shape
        dvae = DiscreteVAE(
            channels=80, normalization=None, positional_dims=1, num_tokens=tokens, codebook_dim=codebook_dim,
            hidden_dim=weights["encoder.0.0.weight"].shape[0], num_resnet_blocks=3, kernel_size=3, num_layers=2,
            use_transposed_convs=False,
        )  # fmt: skip
        dvae.load_state_dict(weights, strict=False)
        mels = TorchMelSpectrogram(mel_norm_file=str(folder / "mel_stats.pth"), sampling_rate=RATE_HZ)
    except (KeyError, ValueError, RuntimeError, EOFError) as error:
        raise ModelMissing("xtts.training_files", name="dvae.pth") from error
    return dvae.eval().requires_grad_(False).to(device), mels


def _prompt_mels(folder: Path) -> Any:
    """The mel spectrogram the conditioning encoder was trained on."""
    from TTS.tts.layers.tortoise.arch_utils import TorchMelSpectrogram

    return TorchMelSpectrogram(
        filter_length=2048, hop_length=256, win_length=1024, normalize=False, sampling_rate=RATE_HZ,
        mel_fmin=0, mel_fmax=8000, n_mel_channels=80, mel_norm_file=str(folder / "mel_stats.pth"),
    )  # fmt: skip


def refusal(error: InputRefused) -> tuple[str, dict[str, object]]:
    """An error as what a `refused` event tells: key and numbers, no text."""
    return error.key, {name: value for name, value in error.facts.items() if name != "text"}
