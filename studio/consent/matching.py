"""Whether the statement and the samples are of one voice: whole clips, and random windows within long ones."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from studio.audio.clip import AudioClip
from studio.audio.speech import only_speech, speech_spans
from studio.errors import InputRefused

# The bars were read off `benchmarks/speaker_match.py`; a change of model, bars or windows is a new version.
MATCH_VERSION = "wespeaker-resnet34/3"
# Accepted where no comparison of two people came; refused well under where any of one person did, for those were
# recorded in one sitting and a telephone is not a studio. What lies between, a person hears.
SAMPLE_SAME = 0.47
SAMPLE_OTHER = 0.30
WINDOW_SAME = 0.40
WINDOW_OTHER = 0.25
WINDOW_S = 4.0
# Two neighbouring windows begin less than 2 x STRIDE_S apart, so in any 2 x STRIDE_S + WINDOW_S = 10 s of foreign
# speech at least one window lies whole, wherever the stretch is and however long the sample.
STRIDE_S = 3.0  # of speech, from one window's part to the next
MOST_SAMPLES_S = 900.0  # all samples together: what keeps the comparison to a few hundred windows


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


def windows(clip: AudioClip, seed: int, most: int | None = None) -> list[AudioClip]:
    """Stretches of WINDOW_S of a clip's speech, one at a random place in each part of STRIDE_S; `most` of them,
    further apart, where fewer will do.

    Empty for a clip too short to hide another's speech in. The seed must not be guessable: whoever knows
    the places can cut around them.
    """
    spoken = only_speech(clip, speech_spans(clip))
    rate, size = clip.sample_rate_hz, int(WINDOW_S * clip.sample_rate_hz)
    starts = (int(place * rate) for place in places(len(spoken) / rate, seed, most))
    return [AudioClip(spoken[start : start + size], rate) for start in starts]


def places(spoken_s: float, seed: int, most: int | None = None) -> NDArray[np.float64]:
    """Where windows begin in so much speech, in seconds: at random, two neighbours under 2 x STRIDE_S apart."""
    room = spoken_s - WINDOW_S
    parts = max(0, math.ceil(room / STRIDE_S))
    parts = min(most or parts, parts)
    return (np.arange(parts) + np.random.default_rng(seed).random(parts)) * (room / max(1, parts))


def refuse_long(samples: Sequence[AudioClip]) -> None:
    """InputRefused when the samples last longer than MOST_SAMPLES_S together."""
    seconds = sum(sample.duration_s for sample in samples)
    if seconds > MOST_SAMPLES_S:
        minutes, most = f"{seconds / 60:.1f}", round(MOST_SAMPLES_S / 60)
        raise InputRefused("consent.samples_long", minutes=minutes, most=most)


def match(
    encoder: Encoder, statement: AudioClip, samples: Sequence[AudioClip], seed: int
) -> tuple[Match, ...]:
    """Compare the statement with *every* sample and its windows, in order; InputRefused for too many minutes.

    A likeness of voices is not a proof of identity, and the studio never says so.
    """
    refuse_long(samples)
    spoken = encoder.embed(statement)
    return tuple(
        _matched(encoder, spoken, sample, windows(sample, seed + number))
        for number, sample in enumerate(samples)
    )


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
