"""coqui-tts's Xtts, with the one habit changed that a checked model store can't live with."""

from pathlib import Path

import torch
from TTS.tts.models.xtts import Xtts, _legacy_safe_globals

from studio.engines.xtts.loading import read_checkpoint


class FrozenXtts(Xtts):
    """An Xtts that never writes to its checkpoint.

    The published `model.pth` holds a pickled XttsConfig; upstream replaces it on first load, and the
    file would no longer match its SHA-256.
    """

    def _load_checkpoint(self, model_path: Path) -> dict[str, torch.Tensor]:
        with _legacy_safe_globals():
            weights: dict[str, torch.Tensor] = read_checkpoint(model_path)["model"]
        return weights
