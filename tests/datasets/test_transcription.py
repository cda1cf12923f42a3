"""Listening with the embedded recogniser: which language is spoken."""

import pytest

from studio.datasets.transcription import Ear
from studio.evaluation.judges import Judges
from tests.datasets.making import quiet
from tests.fetched import model_file
from tests.sounds import real_speech, voice_of


@pytest.mark.models
def test_the_embedded_recogniser_tells_the_language() -> None:
    ear = Ear(Judges(model_file, threads=2), (), listens=True)
    assert ear.spoken_language(real_speech(6.0)) == "en"
    assert ear.spoken_language(quiet(2.0)) == ""
    assert ear.spoken_language(voice_of("it-m1", 6.0)) == "it"
