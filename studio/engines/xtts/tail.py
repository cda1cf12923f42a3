"""Cutting what XTTS adds after the last word, chunk by chunk, without cutting speech."""

import numpy as np

from studio.audio.clip import Samples

_FRAME_S = 0.01
_QUIET_DB = -38.0  # below the loudest frame so far
_FLOOR = 1e-3  # RMS that counts as silence whatever the voice
_PAUSE_S = 0.35
_KEPT_SILENCE_S = 0.15
_FADE_S = 0.02


class TailTrimmer:
    """Passes sound on, holding each silence back until it is known to be a pause and not the end.

    At the end, trailing silence is cut to 0.15 s with a fade; so is a burst after a pause with less voice
    in it than `burst_s` seconds: too short to be a word. Decisions are taken on 10 ms frames, so the
    result does not depend on how the sound was cut into chunks.
    """

    def __init__(self, sample_rate_hz: int, burst_s: float) -> None:
        self._rate = sample_rate_hz
        self._frame = round(_FRAME_S * sample_rate_hz)
        self._burst_frames = burst_s / _FRAME_S
        self._rest = np.zeros(0, np.float32)  # less than a frame, not judged yet
        self._held: list[Samples] = []
        self._pause = 0  # silent frames at the start of what is held
        self._voiced = 0  # speech frames among what is held
        self._loudest = 0.0

    def push(self, samples: Samples) -> Samples:
        """Take the next samples (n,), give those that are certainly to be heard."""
        samples = np.concatenate([self._rest, samples])
        whole = len(samples) - len(samples) % self._frame
        self._rest = samples[whole:]
        passed = [f for frame in samples[:whole].reshape(-1, self._frame) for f in self._judge(frame)]
        return np.concatenate([np.zeros(0, np.float32), *passed])

    def finish(self, samples: Samples) -> Samples:
        """Take the last samples, give all that is still owed."""
        return np.concatenate([self.push(samples), self._ending()])

    def _ending(self) -> Samples:
        if not self._held:
            return self._rest
        held = np.concatenate([*self._held, self._rest])
        if not self._voiced or self._pause * _FRAME_S >= _PAUSE_S:
            held = self._faded(held[: min(self._pause * self._frame, round(_KEPT_SILENCE_S * self._rate))])
        return held

    def _judge(self, frame: Samples) -> list[Samples]:
        if self._is_speech(frame):
            return self._speech(frame)
        if not self._loudest:  # silence before the first word
            return [frame]
        self._held.append(frame)
        self._pause += not self._voiced
        return []

    def _speech(self, frame: Samples) -> list[Samples]:
        self._held.append(frame)
        self._voiced += 1
        if self._pause * _FRAME_S >= _PAUSE_S and self._voiced <= self._burst_frames:
            return []
        passed, self._held, self._pause, self._voiced = self._held, [], 0, 0
        return passed

    def _is_speech(self, frame: Samples) -> bool:
        rms = float(np.sqrt(np.mean(np.square(frame))))
        if rms < max(_FLOOR, self._loudest * 10 ** (_QUIET_DB / 20)):
            return False
        self._loudest = max(self._loudest, rms)
        return True

    def _faded(self, samples: Samples) -> Samples:
        length = min(len(samples), round(_FADE_S * self._rate))
        faded = samples.copy()
        faded[len(faded) - length :] *= np.linspace(1.0, 0.0, length, dtype=np.float32)
        return faded
