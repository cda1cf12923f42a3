"""Whether the statement and the samples are of one voice: whole clips, and random windows within long ones."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from studio.audio.clip import AudioClip
from studio.audio.speech import only_speech, speech_spans

# The bars were read off `benchmarks/speaker_match.py`; a change of model, bars or windows is a new version.
MATCH_VERSION = "wespeaker-resnet34/2"
# Accepted where no comparison of two people came; refused well under where any of one person did, for those were
# recorded in one sitting and a telephone is not a studio. What lies between, a person hears.
SAMPLE_SAME = 0.47
SAMPLE_OTHER = 0.30
WINDOW_SAME = 0.40
WINDOW_OTHER = 0.25
WINDOW_S = 4.0
STRIDE_S = 6.0  # of speech, on average, from one window to the next: a foreign stretch of 10 s is always met
MOST_WINDOWS = 60  # of all samples together


class Encoder(Protocol):
    """A speaker encoder: a clip to a unit vector."""

    def embed(self, clip: AudioClip) -> NDArray[np.float32]: ...


@dataclass(frozen=True)
class Match:
    """How one sample fits the statement: the lowest cosine of the whole and of its windows.

    `verdict` is "same", "unsure" or "other"; `windows` counts the stretches looked at besides the whole.
    """

    content_id: str
    score: float
    windows: int
    verdict: str


def verdict(score: float, *, window: bool = False) -> str:
    """ "same", "unsure" or "other" for a cosine."""
    same, other = (WINDOW_SAME, WINDOW_OTHER) if window else (SAMPLE_SAME, SAMPLE_OTHER)
    return "same" if score >= same else "unsure" if score >= other else "other"


def windows(clip: AudioClip, seed: int, most: int = MOST_WINDOWS) -> list[AudioClip]:
    """Stretches of WINDOW_S of a clip's speech, one at a random place in each part of STRIDE_S.

    Empty for a clip too short to hide another's speech in. The seed must not be guessable: whoever knows
    the places can cut around them.
    """
    spoken = only_speech(clip, speech_spans(clip))
    rate, size = clip.sample_rate_hz, int(WINDOW_S * clip.sample_rate_hz)
    parts = min(most, math.ceil((len(spoken) - size) / (STRIDE_S * rate)))
    if parts < 1:
        return []
    room = (len(spoken) - size) / parts
    places = (np.arange(parts) + np.random.default_rng(seed).random(parts)) * room
    return [AudioClip(spoken[int(place) : int(place) + size], rate) for place in places]


def match(
    encoder: Encoder, statement: AudioClip, samples: Sequence[AudioClip], seed: int
) -> tuple[Match, ...]:
    """Compare the statement with *every* sample and its windows, in order.

    A likeness of voices is not a proof of identity, and the studio never says so.
    """
    spoken, left = encoder.embed(statement), MOST_WINDOWS
    found = []
    for number, sample in enumerate(samples):
        share = max(1, left // (len(samples) - number))
        one = _matched(encoder, spoken, sample, windows(sample, seed + number, share))
        left -= one.windows
        found.append(one)
    return tuple(found)


def _matched(
    encoder: Encoder, spoken: NDArray[np.float32], sample: AudioClip, parts: Sequence[AudioClip]
) -> Match:
    whole = float(spoken @ encoder.embed(sample))
    judged = [(verdict(whole), whole)]
    for part in parts:
        score = float(spoken @ encoder.embed(part))
        judged.append((verdict(score, window=True), score))
    worst, score = min(judged, key=lambda one: (("other", "unsure", "same").index(one[0]), one[1]))
    return Match(sample.content_id, score, len(parts), worst)
