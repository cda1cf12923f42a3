"""Pictures show the sound."""

import io

import numpy as np
import pytest
from matplotlib.image import imread
from numpy.typing import NDArray

from studio.audio.clip import AudioClip
from studio.audio.picture import Look, peaks, spectrogram_db, spectrogram_png, waveform_png
from tests.sounds import RATE, real_speech, silence, tone


def pixels(png: bytes) -> NDArray[np.float32]:
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    return np.asarray(imread(io.BytesIO(png)))[..., :3]


@pytest.mark.parametrize("draw", [waveform_png, spectrogram_png])
def test_a_picture_has_the_size_the_paper_and_something_on_it(draw: object) -> None:
    for dark in (False, True):
        look = Look(dark=dark, width=400, height=160)
        image = pixels(draw(real_speech(2), look))  # type: ignore[operator]
        assert image.shape == (160, 400, 3)
        assert bool(image[0, 0].mean() < 0.5) is dark
        assert len(np.unique(image.reshape(-1, 3), axis=0)) > 20


@pytest.mark.parametrize("draw", [waveform_png, spectrogram_png])
def test_different_sounds_look_different(draw: object) -> None:
    made = {
        draw(clip) for clip in (real_speech(2), tone(2), silence(2), AudioClip(np.zeros(0, np.float32), RATE))
    }  # type: ignore[operator]
    assert len(made) >= 3


def test_a_tone_stands_at_its_frequency() -> None:
    levels = spectrogram_db(tone(1, 2000))
    assert levels.mean(axis=0).argmax() / (levels.shape[1] - 1) * RATE / 2 == pytest.approx(2000, abs=32)
    assert len(spectrogram_db(silence(200))) == 1200


def test_peaks_hold_the_extremes() -> None:
    speech = real_speech(2)
    drawn = peaks(speech, 100)
    assert drawn.shape == (100, 2)
    assert drawn[:, 0].min() == speech.samples.min()
    assert drawn[:, 1].max() == speech.samples.max()
    assert not peaks(silence(0), 10).any()
    assert peaks(tone(0.001), 100).shape == (100, 2)
    with pytest.raises(ValueError, match="positive"):
        peaks(speech, 0)
