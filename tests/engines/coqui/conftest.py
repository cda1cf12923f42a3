"""Tiny Coqui models in the folders of the catalogue, written once."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from studio.audio.clip import AudioClip
from studio.engines.base import EngineContext
from studio.errors import ModelMissing
from tests import tiny_coqui


def context(root: Path, *without: str) -> EngineContext:
    """A context whose models are the folders in `root`, but for those named in `without`."""

    def model_files(model_id: str) -> Path:
        if model_id in without or not (root / model_id).is_dir():
            raise ModelMissing("coqui.voice_gone", voice=model_id)
        return root / model_id

    return EngineContext(model_files=model_files, scratch=root / "scratch")


def voiced(pitch_hz: float, duration_s: float = 1.5, sample_rate_hz: int = 22050) -> AudioClip:
    """A buzz with a melody, loud enough for every silence trimmer."""
    time_s = np.arange(int(duration_s * sample_rate_hz)) / sample_rate_hz
    phase = 2 * np.pi * np.cumsum(pitch_hz * (1 + 0.1 * np.sin(5 * time_s))) / sample_rate_hz
    sound = sum(np.sin(k * phase) / k for k in range(1, 12)) * (0.2 + 0.1 * np.sin(9 * time_s))
    return AudioClip(np.asarray(sound, np.float32), sample_rate_hz)


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    """Tiny tensors on many threads mostly wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("coqui")
    tiny_coqui.write_vits(root / "coqui-it-female-vits")
    tiny_coqui.write_vits(root / "coqui-it-male-vits", phonemes=True)
    tiny_coqui.write_glow(root / "coqui-it-male-glow")
    tiny_coqui.write_vits(root / "coqui-en-vctk-vits", speakers=("p225", "p226"))
    tiny_coqui.write_tacotron2(root / "coqui-en-ljspeech-tacotron2")
    tiny_coqui.write_fastspeech2(root / "coqui-en-ljspeech-fastpitch")
    tiny_coqui.write_vocoder(root / "coqui-vocoder-ljspeech-hifigan")
    tiny_coqui.write_mms(root / "coqui-mms-eng")
    tiny_coqui.write_openvoice(root / "openvoice-v2")
    tiny_coqui.write_vocoder(root / "coqui-vocoder-wavlm-hifigan", wavlm=True)
    tiny_coqui.write_wavlm(root / "wavlm-large")
    tiny_coqui.write_freevc(root / "freevc24", root / "freevc-speaker-encoder")
    return root
