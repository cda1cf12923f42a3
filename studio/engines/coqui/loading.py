"""Loading Coqui models from local folders: real classes, weights only, never a download."""

import json
import pickle
from pathlib import Path
from typing import Any

import torch
from TTS.config import register_config
from TTS.tts.configs.vits_config import VitsConfig
from TTS.tts.models import setup_model as setup_tts
from TTS.tts.models.vits import Vits
from TTS.utils.audio import AudioProcessor
from TTS.vocoder.models import setup_generator
from TTS.vocoder.models import setup_model as setup_vocoder

from studio.engines.coqui.folder import checkpoint, read_config
from studio.engines.coqui.phonemes import use_library_espeak
from studio.engines.coqui.speaker import CoquiSpeaker, Vocoder
from studio.errors import ModelBroken

# Other model types of coqui-tts are engines of their own (XTTS), or fetch parts while they load.
SPOKEN = frozenset(
    {
        "vits",
        "tacotron",
        "tacotron2",
        "glow_tts",
        "align_tts",
        "forward_tts",
        "fast_pitch",
        "fast_speech",
        "fastspeech2",
        "speedy_speech",
        "overflow",
        "neuralhmm_tts",
        "delightful_tts",
    }
)
# fairseq's name for a size -> coqui's
_FAIRSEQ_SIZES = {
    "hidden_channels": "hidden_channels",
    "filter_channels": "hidden_channels_ffn_text_encoder",
    "n_heads": "num_heads_text_encoder",
    "n_layers": "num_layers_text_encoder",
    "kernel_size": "kernel_size_text_encoder",
    "resblock": "resblock_type_decoder",
    "resblock_kernel_sizes": "resblock_kernel_sizes_decoder",
    "resblock_dilation_sizes": "resblock_dilation_sizes_decoder",
    "upsample_rates": "upsample_rates_decoder",
    "upsample_initial_channel": "upsample_initial_channel_decoder",
    "upsample_kernel_sizes": "upsample_kernel_sizes_decoder",
}
# What torch, coqpit and coqui raise for files that do not fit.
UNFIT = (RuntimeError, ValueError, KeyError, TypeError, AttributeError, OSError, EOFError, ImportError)
UNFIT_OR_UNSAFE = (*UNFIT, pickle.UnpicklingError)


def load_speaker(folder: Path, vocoder: Path | None, device: str) -> CoquiSpeaker:
    """A model of the coqui catalogue: ``config.json`` and a checkpoint, with or without a vocoder's folder.

    Raises ModelBroken for files that are not such a model.
    """
    use_library_espeak()
    try:
        config = build_config(read_config(folder))
        if str(config.model).lower() not in SPOKEN:
            raise ModelBroken("coqui.files", folder=folder.name, reason=f"its type is {config.model}")
        model = setup_tts(config)
        model.load_checkpoint(config, checkpoint_path=checkpoint(folder), eval=True)
    except UNFIT_OR_UNSAFE as error:
        raise ModelBroken("coqui.files", folder=folder.name, reason=_short(error)) from error
    return CoquiSpeaker(model.to(device), load_vocoder(vocoder, device) if vocoder is not None else None)


def load_fairseq(folder: Path, device: str) -> CoquiSpeaker:
    """An MMS voice as Meta publishes it: ``config.json``, ``vocab.txt`` and ``G_*.pth``."""
    try:
        sizes = json.loads((folder / "config.json").read_text(encoding="utf-8")).get("model", {})
        config = VitsConfig()
        config.model_args.init_discriminator = False
        for theirs, ours in _FAIRSEQ_SIZES.items():
            if theirs in sizes:
                setattr(config.model_args, ours, sizes[theirs])
        model = Vits(config)
        model.load_fairseq_checkpoint(config, checkpoint(folder), eval=True)
    except UNFIT_OR_UNSAFE as error:
        raise ModelBroken("coqui.files", folder=folder.name, reason=_short(error)) from error
    return CoquiSpeaker(model.to(device), None)


def load_vocoder(folder: Path, device: str) -> Vocoder:
    """A vocoder of the coqui catalogue (HiFi-GAN and its kin)."""
    try:
        model, config = vocoder_model(folder, device)
        return Vocoder(model, AudioProcessor(config.audio))
    except UNFIT_OR_UNSAFE as error:
        raise ModelBroken("coqui.files", folder=folder.name, reason=_short(error)) from error


def vocoder_model(folder: Path, device: str) -> tuple[Any, Any]:
    """The vocoder's network in evaluation mode, and its configuration.

    Of a GAN only the generator is built: the discriminator is four times its size and never speaks.
    """
    config = build_config(read_config(folder))
    if "generator_model" in config:
        model = setup_generator(config)
        weights = read_weights(checkpoint(folder))["model"]
        prefix = "model_g."
        if any(name.startswith(prefix) for name in weights):  # newer files hold both networks
            weights = {n.removeprefix(prefix): w for n, w in weights.items() if n.startswith(prefix)}
        model.load_state_dict(weights)
        model.eval().remove_weight_norm()
    else:
        model = setup_vocoder(config)
        model.load_checkpoint(config, str(checkpoint(folder)), eval=True)
    return model.to(device).eval(), config


def build_config(data: dict[str, Any]) -> Any:
    """The coqui configuration object for parsed JSON; ImportError for an unknown model type."""
    name = str(data.get("model") or data.get("generator_model"))
    name = name.replace("_generator", "").replace("_discriminator", "").lower()
    if not name.replace("_", "").isalnum():
        raise ValueError(f"{name!r} is no model type")
    config = register_config(name)()
    config.from_dict(data)
    return config


def read_weights(path: Path) -> Any:
    """A checkpoint read as tensors and plain values only. ModelBroken for anything else."""
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except UNFIT_OR_UNSAFE as error:
        raise ModelBroken("coqui.files", folder=path.parent.name, reason=_short(error)) from error


def _short(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:300]
