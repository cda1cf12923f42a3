"""Judging a consent recording: were the words said, and is it the voice of the clips?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from studio.audio.clip import AudioClip
from studio.errors import AudioRefused

WER_PASSES = 0.15  # at most this: the statement was read
WER_REVIEW = 0.30  # up to this the recogniser may be at fault; above, the words are not there
SAME_VOICE = 0.41  # WeSpeaker ResNet34 cosine: equal error rate 0.2 % on the real speakers at hand
OTHER_VOICE = 0.25  # below this the voices differ: nobody is asked


class Listener(Protocol):
    """What judging needs: an ASR with its word error rate, and a speaker encoder."""

    def statement_errors(self, statement: str, clip: AudioClip, language: str) -> tuple[str, float]: ...
    def embed(self, clip: AudioClip) -> NDArray[np.float32]: ...

    @property
    def identity(self) -> str: ...


@dataclass(frozen=True)
class Evidence:
    """What was heard in a consent recording.

    `speaker_score` is the lowest cosine between the statement and any one reference clip.
    `status` is "granted", or "review" when a person has to listen; `reasons` are message keys.
    """

    transcript: str
    statement_wer: float
    speaker_score: float
    judged_by: str
    status: str
    reasons: tuple[str, ...]


def judge(
    listener: Listener, recording: AudioClip, statement: str, language: str, clips: Sequence[AudioClip]
) -> Evidence:
    """Compare the recording with the statement and with *every* clip.

    Raises AudioRefused when a clip is plainly another voice's. A match of voices is not a proof of
    identity, and the studio never says so.
    """
    transcript, errors = listener.statement_errors(statement, recording, language)
    spoken = listener.embed(recording)
    scores = [float(spoken @ listener.embed(clip)) for clip in clips]
    worst = min(range(len(scores)), key=scores.__getitem__)
    if scores[worst] < OTHER_VOICE:
        raise AudioRefused("consent.other_voice", number=worst + 1, score=f"{scores[worst]:.2f}")
    doubts = {
        "words_differ": errors > WER_REVIEW,
        "words_unclear": WER_PASSES < errors <= WER_REVIEW,
        "voice_unclear": scores[worst] < SAME_VOICE,
    }
    reasons = tuple(name for name, doubtful in doubts.items() if doubtful)
    status = "review" if reasons else "granted"
    return Evidence(transcript, errors, scores[worst], listener.identity, status, reasons)
