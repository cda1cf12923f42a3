"""The embedded recogniser: real recordings, silence, unknown languages, damaged models."""

import numpy as np
import pytest

from studio.audio.clip import AudioClip
from studio.audio.speech import Span
from studio.errors import AudioRefused, InputRefused, ModelBroken, ModelMissing
from studio.evaluation.speech_recognition import WhisperRecognizer, Word, spoken_words
from studio.evaluation.wer import wer
from tests.evaluation.recordings import recording
from tests.fetched import model_file


@pytest.fixture(scope="module")
def recognizer() -> WhisperRecognizer:
    return WhisperRecognizer(model_file("whisper-base-ct2"))


@pytest.mark.models
def test_an_italian_recording_is_written_down_with_times(recognizer):
    clip = recording("it-m1/vm-repeat.flac")
    heard = recognizer.transcribe(clip, "it")
    assert wer(["premere 5 per ripetere il messaggio corrente."], [heard.text], "it").corpus == 0.0
    starts = [word.start_s for word in heard.words]
    assert starts == sorted(starts) and heard.words[-1].end_s <= clip.duration_s + 0.1
    assert all(0 < word.probability <= 1 and word.text == word.text.strip() for word in heard.words)
    assert heard == recognizer.transcribe(clip, "it")


@pytest.mark.models
def test_the_language_is_told_where_none_is_given(recognizer):
    heard = recognizer.transcribe(recording("en-f2/LJ001-0002.flac"))
    assert heard.language == "en" and 0.5 < heard.language_probability <= 1.0


@pytest.mark.models
def test_noise_without_a_voice_is_no_words(recognizer):
    noise = np.random.default_rng(0).standard_normal(48_000).astype(np.float32) * 0.01
    heard = recognizer.transcribe(AudioClip(noise, 16_000), "it")
    assert heard.text == "" and heard.words == ()


@pytest.mark.models
@pytest.mark.parametrize(
    ("samples", "key"),
    [(np.zeros(16_000), "silent"), (np.ones(800), "too_short"), (np.full(16_000, np.nan), "not_finite")],
)
def test_what_cannot_be_heard_is_refused(recognizer, samples, key):
    with pytest.raises(AudioRefused) as refused:
        recognizer.transcribe(AudioClip(samples.astype(np.float32), 16_000), "it")
    assert refused.value.key == f"evaluation.{key}"


@pytest.mark.models
def test_an_unknown_language_is_refused(recognizer):
    with pytest.raises(InputRefused) as refused:
        recognizer.transcribe(AudioClip(np.ones(16_000, np.float32) * 0.1, 16_000), "xx")
    assert refused.value.key == "evaluation.language"


def test_words_far_from_any_speech_were_imagined():
    words = [Word(" ciao", 0.9, 1.4, 0.9), Word(" sottotitoli", 4.0, 5.0, 0.3)]
    assert [word.text for word in spoken_words(words, [Span(1.0, 2.0)])] == [" ciao"]


def test_a_missing_model_and_a_damaged_one_say_so(tmp_path):
    with pytest.raises(ModelMissing, match="Whisper"):
        WhisperRecognizer(tmp_path)
    for name in ("model.bin", "config.json", "tokenizer.json"):
        (tmp_path / name).write_bytes(b"{}")
    with pytest.raises(ModelBroken, match="Whisper"):
        WhisperRecognizer(tmp_path)
