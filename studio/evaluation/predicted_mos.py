"""Predicted naturalness: what a small network guesses listeners would say. It never stands in for them."""

import threading
from dataclasses import dataclass
from typing import Any

from studio.audio.clip import AudioClip
from studio.evaluation.checks import check_clip, same_band

VERSION = "1"
MODEL = "distill-MOS v7"
SAMPLE_RATE_HZ = 16_000
SHORTEST_S = 0.5
LONGEST_S = 60.0  # each second past 7.7 s is one more window


@dataclass(frozen=True)
class PredictedMos:
    """`value` from 1 (bad) to 5 (excellent), as predicted by `model`; `label` is what to print beside it."""

    value: float
    model: str = MODEL
    label: str = "predicted MOS (distill-MOS; not listeners)"
    version: str = VERSION


class MosPredictor:
    """distill-MOS (Stahl & Gamper, 2025), its weights in its own wheel; loaded at the first clip."""

    def __init__(self) -> None:
        self._model: Any = None
        self._lock = threading.Lock()

    def predict(self, clip: AudioClip) -> PredictedMos:
        """Score a clip; the first minute counts. Deterministic.

        Raises AudioRefused for a clip under half a second, silent, or not finite.
        """
        import torch

        check_clip(clip, SHORTEST_S)
        samples = same_band(clip, SAMPLE_RATE_HZ)[: int(LONGEST_S * SAMPLE_RATE_HZ)]
        with self._lock, torch.inference_mode():
            value = float(self._loaded()(torch.tensor(samples.copy())[None]).item())
        return PredictedMos(min(5.0, max(1.0, value)))

    def unload(self) -> None:
        """Give back the memory; the next clip loads again."""
        with self._lock:
            self._model = None

    def _loaded(self) -> Any:
        if self._model is None:
            import torch
            from distillmos.sqa import DEFAULT_WEIGHTS_CHKPT, ConvTransformerSQAModel

            model = ConvTransformerSQAModel(load_weights=False)  # loading itself, it prints a path
            weights = torch.load(DEFAULT_WEIGHTS_CHKPT, map_location="cpu", weights_only=True)
            model.load_state_dict(weights["model"])
            self._model = model.eval()
        return self._model
