"""Who is speaking, as a vector: WeSpeaker ResNet34 (VoxCeleb) through ONNX Runtime."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from studio.audio.clip import AudioClip
from studio.errors import ModelBroken, ModelMissing
from studio.evaluation.checks import check_clip, same_band
from studio.evaluation.fbank import SAMPLE_RATE_HZ, fbank

SHORTEST_S = 0.5  # below this the embedding says more about the sound than about the speaker
LONGEST_S = 60.0  # the mean of a minute is settled; longer only costs memory
ACCEPT_AT = 0.41  # the cosine of equal error on 135 real clips of 16 speakers


class SpeakerEncoder:
    """Loads the model once; `embed` may be called from several threads.

    Raises ModelMissing when `model_path` is not there, ModelBroken when it is no such model.
    """

    def __init__(self, model_path: Path, threads: int = 2) -> None:
        import onnxruntime

        if not model_path.is_file():
            raise ModelMissing("evaluation.model_missing", model="WeSpeaker ResNet34")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self._session = onnxruntime.InferenceSession(
                str(model_path), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime raises its own untyped errors
            raise ModelBroken("evaluation.model_broken", model="WeSpeaker ResNet34") from error
        self._input = self._session.get_inputs()[0].name

    def embed(self, clip: AudioClip) -> NDArray[np.float32]:
        """The speaker's unit vector, shape (256,). The first minute counts.

        Raises AudioRefused for a clip under half a second, silent, or not finite.
        Source: WeSpeaker (Wang et al., ICASSP 2023): 80 mel bands, mean taken out over time.
        """
        check_clip(clip, SHORTEST_S)
        samples = same_band(clip, SAMPLE_RATE_HZ)[: int(LONGEST_S * SAMPLE_RATE_HZ)]
        features = fbank(samples)
        features -= features.mean(axis=0)
        vector = self._session.run(None, {self._input: features[None]})[0][0]
        return np.asarray(vector / np.linalg.norm(vector), dtype=np.float32)
