"""A clip in memory: mono, decimals, its own; and what is no clip."""

import numpy as np
import pytest

from studio.audio.clip import AudioClip
from studio.errors import AudioRefused


def test_a_clip_cannot_be_written_and_leaves_the_callers_array_as_it_was() -> None:
    given = np.zeros(100, dtype=np.float32)
    clip = AudioClip(given, 16_000)
    with pytest.raises(ValueError, match="read-only"):
        clip.samples[0] = 1.0
    given[0] = 0.5
    assert given.flags.writeable


@pytest.mark.parametrize(
    ("samples", "key"),
    [
        (np.zeros((100, 2), np.float32), "audio.not_mono"),
        (np.float32(1.0), "audio.not_mono"),
        (np.zeros(100, np.int16), "audio.whole_numbers"),
        (np.zeros(100, np.uint8), "audio.whole_numbers"),
    ],
)
def test_several_channels_and_whole_numbers_are_refused(samples: np.ndarray, key: str) -> None:
    with pytest.raises(AudioRefused) as refused:
        AudioClip(samples, 16_000)
    assert refused.value.key == key and refused.value.text("it") != refused.value.text("en")
