"""The 54 voices that come with Kokoro, and what the encoders hear in them."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from studio.engines.base import PresetVoice
from studio.engines.kokoro.voice import STYLE_ROWS, STYLE_SIZE, Array, KokoroVoice
from studio.errors import ModelBroken, NotFound

if TYPE_CHECKING:  # listing the presets must not wait for torch
    import torch

_LANGUAGES = {
    "a": "en",
    "b": "en",
    "e": "es",
    "f": "fr",
    "h": "hi",
    "i": "it",
    "j": "ja",
    "p": "pt",
    "z": "zh",
}
PRESET_IDS = (
    *("af_alloy", "af_aoede", "af_bella", "af_heart", "af_jessica", "af_kore", "af_nicole", "af_nova"),
    *("af_river", "af_sarah", "af_sky", "am_adam", "am_echo", "am_eric", "am_fenrir", "am_liam"),
    *("am_michael", "am_onyx", "am_puck", "am_santa", "bf_alice", "bf_emma", "bf_isabella", "bf_lily"),
    *("bm_daniel", "bm_fable", "bm_george", "bm_lewis", "ef_dora", "em_alex", "em_santa", "ff_siwis"),
    *("hf_alpha", "hf_beta", "hm_omega", "hm_psi", "if_sara", "im_nicola", "jf_alpha", "jf_gongitsune"),
    *("jf_nezumi", "jf_tebukuro", "jm_kumo", "pf_dora", "pm_alex", "pm_santa", "zf_xiaobei", "zf_xiaoni"),
    *("zf_xiaoxiao", "zf_xiaoyi", "zm_yunjian", "zm_yunxi", "zm_yunxia", "zm_yunyang"),
)


def preset(preset_id: str) -> PresetVoice:
    """What a preset's id says; NotFound for an unknown one."""
    if preset_id not in PRESET_IDS:
        raise NotFound("kokoro.unknown_preset", preset=preset_id)
    group, _, name = preset_id.partition("_")
    return PresetVoice(preset_id, name.capitalize(), _LANGUAGES[group[0]], group[1])


def load_style(folder: Path, preset_id: str) -> Array:
    """The style table (510, 256) of a preset."""
    preset(preset_id)
    path = folder / f"{preset_id}.bin"
    table = np.fromfile(path, dtype="<f4") if path.is_file() else np.zeros(0, np.float32)
    if table.size != STYLE_ROWS * STYLE_SIZE:
        raise ModelBroken("kokoro.broken_preset", preset=preset_id)
    return table.reshape(STYLE_ROWS, STYLE_SIZE)


@dataclass(frozen=True)
class PresetProfiles:
    """What each preset sounds like: unit embeddings (54, encoders, 192) and median log F0 (54,)."""

    embeddings: Array
    log_f0: Array

    def save(self, path: Path) -> None:
        np.savez_compressed(path, embeddings=self.embeddings.astype(np.float16), log_f0=self.log_f0)

    @classmethod
    def load(cls, path: Path) -> "PresetProfiles":
        with np.load(path) as data:
            return cls(data["embeddings"].astype(np.float32), data["log_f0"].astype(np.float32))

    def similarities(self, embeddings: "list[torch.Tensor]") -> Array:
        """Mean cosine (54,) of every preset to a target."""
        target = np.stack([embedding.numpy() for embedding in embeddings])
        return np.asarray(np.einsum("ped,ed->p", self.embeddings, target) / len(target), np.float32)


def committed_profiles() -> PresetProfiles:
    """The profiles measured when the engine was made (benchmarks/embedded_presets.py measures them anew)."""
    return PresetProfiles.load(Path(__file__).with_name("presets.npz"))


@dataclass(frozen=True)
class Start:
    """A blend of presets to start a fit from."""

    voice: KokoroVoice
    nearest: str
    similarity: float
    weights: dict[str, float]


_TIMBRE_COUNT, _TIMBRE_HEAT = 3, 0.05


def nearest_blend(
    folder: Path, profiles: PresetProfiles, embeddings: "list[torch.Tensor]", log_f0: float, language: str
) -> Start:
    """Timbre from the three presets most like the target, prosody from the language's own presets.

    Timbre knows no language; rhythm and melody do, so they come from presets that speak it, the
    ones nearest in pitch weighing most.
    """
    cosines = profiles.similarities(embeddings)
    distance = np.abs(profiles.log_f0 - log_f0)
    timbre = _softmax_top(cosines - 0.1 * distance, _TIMBRE_COUNT, _TIMBRE_HEAT)
    speaks = np.array([preset(name).language == language for name in PRESET_IDS])
    prosody = _softmax_top(np.where(speaks, 0.3 * cosines - distance, -np.inf), 2, 0.1)
    tables = {i: load_style(folder, PRESET_IDS[i]) for i in {*timbre, *prosody}}
    style = np.empty((STYLE_ROWS, STYLE_SIZE), np.float32)
    half = STYLE_SIZE // 2
    style[:, :half] = sum(weight * tables[i][:, :half] for i, weight in timbre.items())
    style[:, half:] = sum(weight * tables[i][:, half:] for i, weight in prosody.items())
    best = int(np.argmax(cosines))
    weights = {PRESET_IDS[i]: weight for i, weight in timbre.items()}
    return Start(KokoroVoice(style), PRESET_IDS[best], float(cosines[best]), weights)


def _softmax_top(score: Array, count: int, heat: float) -> dict[int, float]:
    top = [int(i) for i in np.argsort(-score)[:count] if np.isfinite(score[i])]
    weights = np.exp((score[top] - score[top[0]]) / heat)
    return {i: float(weight) for i, weight in zip(top, weights / weights.sum(), strict=True)}
