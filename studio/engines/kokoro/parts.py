"""What a fit needs, loaded together: graph front, decoder weights, encoders, guard and preset profiles."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from studio.engines.base import EngineContext
from studio.engines.kokoro.decoder import Store
from studio.engines.kokoro.encoders import load_encoders
from studio.engines.kokoro.fitting import Fit
from studio.engines.kokoro.guard import Guard
from studio.engines.kokoro.presets import Start, committed_profiles, nearest_blend
from studio.engines.kokoro.reference import Target
from studio.engines.kokoro.runtime import open_fitting
from studio.engines.kokoro.voice import Array, KokoroVoice

Tokens = Sequence[Sequence[int]]


@dataclass(frozen=True)
class Parts:
    """`blend` finds the preset blend nearest to a target; `sentences` are the fitting sentences' ids."""

    fit: Fit
    guard: Guard
    blend: Callable[[Target], Start]
    sentences: Tokens
    workers: int


def load_parts(
    context: EngineContext,
    language: str,
    sentences: Tokens,
    checks: Tokens,
    speak: Callable[[Sequence[int], KokoroVoice], Array],
) -> Parts:
    """Load everything (about ten seconds and 2 GB); ModelMissing when a model's files are not here."""
    files = context.model_files
    model_path = files("kokoro-82m") / "model.onnx"
    ecapa, campplus, styles = files("ecapa-voxceleb"), files("campplus"), files("kokoro-voices")
    encoders = load_encoders(ecapa, campplus)
    model = open_fitting(model_path, context.threads)
    fit = Fit(model, Store(model.weights), model.bias_names, encoders)
    profiles = committed_profiles()

    def blend(target: Target) -> Start:
        return nearest_blend(styles, profiles, target.embeddings, target.log_f0_mean, language)

    return Parts(fit, Guard(speak, checks, encoders), blend, sentences, context.threads)
