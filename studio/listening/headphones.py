"""The headphone check: which of three tones is quietest, one of them out of phase (Woods et al. 2017).

Over loudspeakers the out-of-phase tone cancels in the air and seems the quietest; over headphones it does not.
"""

import io
import random
from dataclasses import dataclass

import numpy as np

QUESTIONS = 6
PASS = 5  # of QUESTIONS, as in the paper
RATE_HZ = 44_100
TONE_HZ = 200.0
_ORDERS = ("loud", "quiet", "phased")


@dataclass(frozen=True)
class HeadphoneQuestion:
    """The order of the three tones; `answer` is the place of the quiet one, from 1."""

    order: tuple[str, ...]

    @property
    def answer(self) -> int:
        return self.order.index("quiet") + 1


def questions(seed: int) -> tuple[HeadphoneQuestion, ...]:
    """The six questions of a listener: each order of the three tones once."""
    generator = random.Random(f"headphones:{seed}")
    orders = [(a, b, c) for a in _ORDERS for b in _ORDERS for c in _ORDERS if len({a, b, c}) == 3]
    generator.shuffle(orders)
    return tuple(HeadphoneQuestion(order) for order in orders[:QUESTIONS])


def sound(question: HeadphoneQuestion) -> bytes:
    """A stereo WAV: three tones of a second with 0.4 s between them, -6 dB for the quiet one."""
    import soundfile

    time = np.arange(RATE_HZ) / RATE_HZ
    ramp = np.minimum(1.0, np.minimum(time, time[::-1]) / 0.1)
    tone = 0.2 * ramp * np.sin(2 * np.pi * TONE_HZ * time)
    gains = {"loud": (1.0, 1.0), "quiet": (0.5, 0.5), "phased": (1.0, -1.0)}
    pause = np.zeros((int(0.4 * RATE_HZ), 2))
    parts = [piece for name in question.order for piece in (np.outer(tone, gains[name]), pause)]
    sink = io.BytesIO()
    soundfile.write(sink, np.concatenate(parts), RATE_HZ, format="WAV", subtype="PCM_16")
    return sink.getvalue()


def passed(asked: tuple[HeadphoneQuestion, ...], answers: tuple[int, ...]) -> bool:
    """Whether enough answers are right."""
    return sum(q.answer == a for q, a in zip(asked, answers, strict=False)) >= PASS
