"""Where somebody speaks: Silero VAD (MIT) through ONNX Runtime, without torch."""

import functools
import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from studio.audio.clip import AudioClip, Samples
from studio.audio.resample import resample

RATE_HZ = 16_000
FRAME = 512  # samples a decision: 32 ms
_CONTEXT = 64  # samples of the frame before that the model sees as well
_BLOCK = 512  # frames a call


@dataclass(frozen=True)
class Span:
    """A stretch of time, in seconds from the clip's start."""

    start_s: float
    end_s: float

    @property
    def duration_s(self) -> float:
        return self.end_s - self.start_s


@dataclass(frozen=True)
class SpeechRule:
    """From probabilities to spans, with Silero's own default values."""

    start_at: float = 0.5
    stop_at: float = 0.35
    min_speech_s: float = 0.25
    min_silence_s: float = 0.1
    pad_s: float = 0.03


@functools.cache  # weights only: calls share nothing else
def _session() -> Any:
    import onnxruntime

    found = importlib.util.find_spec("silero_vad")  # importing it would load torch
    if found is None or found.origin is None:
        raise ModuleNotFoundError("silero-vad is not installed: run `make env`")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3  # the file has unused weights, and says so at every load
    path = Path(found.origin).parent / "data" / "silero_vad_16k_sequence.onnx"
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def speech_probabilities(clip: AudioClip) -> NDArray[np.float32]:
    """The probability of speech in each 32 ms frame of the clip, shape (frames,)."""
    samples = resample(clip, RATE_HZ).samples
    count = -(-len(samples) // FRAME)
    padded = np.zeros(_CONTEXT + max(1, count) * FRAME, dtype=np.float32)
    padded[_CONTEXT : _CONTEXT + len(samples)] = samples
    frames = np.lib.stride_tricks.sliding_window_view(padded, _CONTEXT + FRAME)[::FRAME]
    hidden = cell = np.zeros((1, 1, 128), dtype=np.float32)
    found: list[NDArray[np.float32]] = [np.zeros(0, dtype=np.float32)]
    for start in range(0, count, _BLOCK):
        block = np.ascontiguousarray(frames[start : start + _BLOCK])
        given = {"input": block, "h": hidden, "c": cell}
        values, hidden, cell = _session().run(["speech_probs", "hn", "cn"], given)
        found.append(values)
    return np.concatenate(found)


def speech_spans(clip: AudioClip, rule: SpeechRule | None = None) -> list[Span]:
    """The stretches in which somebody speaks, in order, not overlapping."""
    rule = rule or SpeechRule()
    frame_s = FRAME / RATE_HZ
    rough = _runs(speech_probabilities(clip), rule, frame_s)
    kept = [span for span in rough if span.duration_s >= rule.min_speech_s]
    return _padded(kept, rule.pad_s, clip.duration_s)


def _runs(probabilities: NDArray[np.float32], rule: SpeechRule, frame_s: float) -> list[Span]:
    """Speech begins at `start_at` and ends where it stays under `stop_at` for `min_silence_s`."""
    spans: list[Span] = []
    start: float | None = None
    quiet_since: float | None = None
    for index, probability in enumerate(probabilities):
        now = index * frame_s
        if probability >= rule.start_at:
            start, quiet_since = now if start is None else start, None
        elif start is not None and probability < rule.stop_at:
            quiet_since = now if quiet_since is None else quiet_since
            if now - quiet_since >= rule.min_silence_s:
                spans.append(Span(start, quiet_since))
                start = quiet_since = None
    if start is not None:
        spans.append(Span(start, quiet_since or len(probabilities) * frame_s))
    return spans


def _padded(spans: Sequence[Span], pad_s: float, end_s: float) -> list[Span]:
    padded: list[Span] = []
    for span in spans:
        start, end = max(0.0, span.start_s - pad_s), min(end_s, span.end_s + pad_s)
        if padded and start <= padded[-1].end_s:
            padded[-1] = Span(padded[-1].start_s, end)
        else:
            padded.append(Span(start, end))
    return padded


def speech_s(spans: Sequence[Span]) -> float:
    """Seconds of speech."""
    return sum(span.duration_s for span in spans)


def only_speech(clip: AudioClip, spans: Sequence[Span]) -> Samples:
    """The samples inside `spans`, one after the other."""
    return clip.samples[speech_mask(clip, spans)]


def speech_mask(clip: AudioClip, spans: Sequence[Span]) -> NDArray[np.bool_]:
    """One bool a sample: whether it lies inside a span."""
    mask = np.zeros(len(clip.samples), dtype=bool)
    for span in spans:
        mask[int(span.start_s * clip.sample_rate_hz) : int(span.end_s * clip.sample_rate_hz)] = True
    return mask
