"""Voice conversions of coqui-tts: make any sentence sound like the target, from tensors and local files."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from librosa.effects import trim
from numpy.typing import NDArray
from TTS.vc.configs.freevc_config import FreeVCConfig
from TTS.vc.configs.knnvc_config import KNNVCConfig
from TTS.vc.configs.openvoice_config import OpenVoiceConfig
from TTS.vc.models import freevc, knnvc
from TTS.vc.models.openvoice import OpenVoice

from studio.engines.coqui.folder import checkpoint, read_config
from studio.engines.coqui.loading import UNFIT_OR_UNSAFE, build_config, read_weights, vocoder_model
from studio.engines.coqui.offline import build_with
from studio.errors import ModelBroken

Target = Mapping[str, NDArray[Any]]  # what a conversion remembers of a voice
_MATCHING_FRAMES = 3000  # a minute of reference at 50 frames a second; more hardly helps and costs time
_SILENCE_DB = 40  # below the loudest part: what is cut from both ends of a recording


class Conversion(Protocol):
    """A loaded conversion. Sound goes in at `input_rate_hz` and comes out at `output_rate_hz`."""

    input_rate_hz: int
    output_rate_hz: int

    def remember(self, recordings: Sequence[torch.Tensor]) -> Target:
        """What the conversion needs of a target, from its recordings, each of shape (n,) at the input rate."""
        ...

    def convert(self, spoken: torch.Tensor, target: Target) -> torch.Tensor:
        """The sentence `spoken` (n,) in the target's voice, (m,) at the output rate, on the CPU."""
        ...


class OpenVoiceConversion:
    """OpenVoice's tone colour converter (arXiv 2312.01479)."""

    def __init__(self, folder: Path, device: str) -> None:
        config = OpenVoiceConfig()
        _apply_openvoice_config(config, folder)
        self._model = OpenVoice(config)
        self._model.load_checkpoint(config, checkpoint(folder), eval=True)
        self._model.to(device)
        self.input_rate_hz = self.output_rate_hz = int(config.audio.output_sample_rate)

    def remember(self, recordings: Sequence[torch.Tensor]) -> Target:
        embedding = self._model._extract_target_se(list(recordings))
        return {"embedding": embedding.cpu().numpy()}

    def convert(self, spoken: torch.Tensor, target: Target) -> torch.Tensor:
        source, spectrogram = self._model.extract_se(spoken)
        wanted = torch.from_numpy(target["embedding"]).to(self._model.device)
        made = self._model.inference(spectrogram, {"g_src": source, "g_tgt": wanted})
        return made["model_outputs"][0, 0].float().cpu()


class FreeConversion:
    """FreeVC (arXiv 2210.15418); `encoder` is its speaker encoder's file, `wavlm` the loaded WavLM."""

    def __init__(self, folder: Path, encoder: Path, wavlm: torch.nn.Module, device: str) -> None:
        config = build_config(read_config(folder)) if (folder / "config.json").is_file() else FreeVCConfig()
        self._model = build_with(
            _LocalFreeVC, freevc.FreeVC.__init__, config, get_wavlm=lambda: wavlm, speaker_file=encoder
        )
        _load_but_borrowed(self._model, read_weights(checkpoint(folder))["model"])
        self._model.eval().to(device)
        self.input_rate_hz = int(config.audio.input_sample_rate)
        self.output_rate_hz = int(config.audio.output_sample_rate)

    def remember(self, recordings: Sequence[torch.Tensor]) -> Target:
        return {"embedding": self._model._extract_target_se(list(recordings)).cpu().numpy()}

    def convert(self, spoken: torch.Tensor, target: Target) -> torch.Tensor:
        features = self._model.extract_wavlm_features(self._model.load_audio(spoken))
        wanted = torch.from_numpy(target["embedding"]).to(self._model.device)
        return self._model.inference(features, g=wanted)[0][0].float().cpu()


class KnnConversion:
    """kNN-VC (arXiv 2305.18975): every frame is replaced by the target's nearest ones, then vocoded."""

    def __init__(self, vocoder: Path, wavlm: torch.nn.Module, device: str) -> None:
        config = KNNVCConfig()
        self._model = build_with(knnvc.KNNVC, knnvc.KNNVC.__init__, config, get_wavlm=lambda: wavlm)
        self._model.eval().to(device)
        self._vocoder, vocoder_config = vocoder_model(vocoder, device)
        self.input_rate_hz = int(config.audio.sample_rate)
        self.output_rate_hz = int(vocoder_config.audio["sample_rate"])

    def remember(self, recordings: Sequence[torch.Tensor]) -> Target:
        # Upstream's own voice detection (torchaudio's) is slow and can cut a clear recording away whole.
        spoken = [
            torch.from_numpy(trim(recording.numpy(), top_db=_SILENCE_DB)[0]) for recording in recordings
        ]
        frames = self._model.get_matching_set(spoken, vad_trigger_level=0)
        step = max(1, -(-len(frames) // _MATCHING_FRAMES))
        return {"frames": frames[::step].cpu().numpy().astype(np.float16)}

    def convert(self, spoken: torch.Tensor, target: Target) -> torch.Tensor:
        pool = torch.from_numpy(target["frames"].astype(np.float32))
        nearest = min(self._model.config.topk, len(pool))
        matched = self._model.match(self._model.get_features(spoken), pool, topk=nearest)
        with torch.inference_mode():
            return self._vocoder.inference(matched).reshape(-1).float().cpu()


def _load_but_borrowed(model: torch.nn.Module, weights: dict[str, torch.Tensor]) -> None:
    """Load weights that may leave out WavLM and the speaker encoder, which have files of their own."""
    missing, unexpected = model.load_state_dict(weights, strict=False)
    missing = [name for name in missing if not name.startswith(("wavlm.", "enc_spk_ex."))]
    if missing or unexpected:
        raise ValueError(f"weights do not fit: {len(missing)} missing, {len(unexpected)} unknown")


class _LocalFreeVC(freevc.FreeVC):
    """FreeVC with the speaker encoder of a local file in place of a download."""

    speaker_file: Path

    def load_pretrained_speaker_encoder(self) -> None:
        self.enc_spk_ex = freevc.SpeakerEncoderEx(str(self.speaker_file))


def load_conversion(name: str, folders: Sequence[Path], wavlm: Any, device: str) -> Conversion:
    """The conversion called `name`, from the folders of its models in the catalogue's order.

    `wavlm` is a function that returns the loaded WavLM. ModelBroken for files that do not fit.
    """
    try:
        if name == "openvoice2":
            return OpenVoiceConversion(folders[0], device)
        if name == "knnvc":
            return KnnConversion(folders[0], wavlm(), device)
        return FreeConversion(folders[0], checkpoint(folders[1]), wavlm(), device)
    except UNFIT_OR_UNSAFE as error:
        reason = f"{type(error).__name__}: {error}"[:300]
        raise ModelBroken("coqui.files", folder=folders[0].name, reason=reason) from error


def _apply_openvoice_config(config: Any, folder: Path) -> None:
    """OpenVoice's own configuration file onto coqui's; coqui itself reads only the rates from it."""
    theirs = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    for name, value in theirs.get("model", {}).items():
        if name in config.model_args:
            setattr(config.model_args, name, value)
    data = theirs["data"]
    config.audio.input_sample_rate = config.audio.output_sample_rate = data["sampling_rate"]
    config.audio.fft_size, config.audio.hop_length = data["filter_length"], data["hop_length"]
    config.audio.win_length = data["win_length"]


def read_wavlm(folder: Path) -> torch.nn.Module:
    """WavLM from the file Microsoft published (``WavLM-Large.pt``). ModelBroken for anything else.

    Its network description is a Python expression that the library evaluates: only numbers in lists
    and tuples, sums and products of them are let through.
    """
    from TTS.vc.layers.freevc.wavlm.wavlm import WavLM, WavLMConfig

    saved = read_weights(checkpoint(folder))
    try:
        layers = saved["cfg"]["conv_feature_layers"]
        if not set(str(layers)) <= set("0123456789()[],+* "):
            raise ValueError("its network description is more than numbers")
        model = WavLM(WavLMConfig(saved["cfg"]))
        model.load_state_dict(saved["model"])
    except UNFIT_OR_UNSAFE as error:
        raise ModelBroken(
            "coqui.files", folder=folder.name, reason=f"{type(error).__name__}: {error}"[:300]
        ) from error
    return model.eval()
