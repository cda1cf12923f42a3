"""Judges for the cloning benchmark, none of them in the fitting loss: WeSpeaker, Whisper base, distill-MOS."""

import re
import unicodedata
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torchaudio.compliance.kaldi import fbank
from torchaudio.functional import resample

Samples = NDArray[np.float32]
_RATE_HZ = 16_000


def at_16k(samples: Samples, rate_hz: int) -> torch.Tensor:
    """Samples as a tensor at 16 kHz."""
    return resample(torch.from_numpy(np.array(samples)), rate_hz, _RATE_HZ)


class Judges:
    """Everything loaded once; `models` is the folder storage/models."""

    def __init__(self, models: Path, threads: int) -> None:
        import onnxruntime
        from distillmos import ConvTransformerSQAModel
        from faster_whisper import WhisperModel

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        path = str(models / "wespeaker-resnet34" / "model.onnx")
        self._speaker = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self._speaker_input = self._speaker.get_inputs()[0].name
        self._recogniser = WhisperModel(str(models / "whisper-base-ct2"), device="cpu", cpu_threads=threads)
        self._mos = ConvTransformerSQAModel().eval()

    def speaker(self, samples: Samples, rate_hz: int) -> Samples:
        """WeSpeaker ResNet34 unit embedding (256,), from Kaldi mel energies less their mean."""
        wave = at_16k(samples, rate_hz)[None] * 32_768
        features = fbank(wave, num_mel_bins=80, dither=0.0, window_type="hamming", sample_frequency=_RATE_HZ)
        features = features - features.mean(0)
        vector = self._speaker.run(None, {self._speaker_input: features[None].numpy()})[0][0]
        return np.asarray(vector / np.linalg.norm(vector), np.float32)

    def words_wrong(self, samples: Samples, rate_hz: int, text: str, language: str) -> tuple[int, int]:
        """Word errors against `text`, and its number of words."""
        from jiwer import process_words

        parts, _ = self._recogniser.transcribe(
            at_16k(samples, rate_hz).numpy(), language=language, beam_size=5, condition_on_previous_text=False
        )
        wanted, heard = plain(text), plain(" ".join(part.text for part in parts))
        counts = process_words(wanted, heard or "-")
        return counts.substitutions + counts.deletions + counts.insertions, len(wanted.split())

    def mos(self, samples: Samples, rate_hz: int) -> float:
        """Predicted MOS, 1..5."""
        with torch.no_grad():
            return float(self._mos(at_16k(samples, rate_hz)[None]).item())


def plain(text: str) -> str:
    """Lower case, letters and digits only, single spaces: what word errors are counted on."""
    text = unicodedata.normalize("NFC", text).lower().replace("’", "'")
    return re.sub(r"\s+", " ", re.sub(r"[^\w\s]", " ", text)).strip()
