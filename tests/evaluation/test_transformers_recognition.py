"""Recognisers of transformers, on tiny models of the same classes, against transformers' own pipeline."""

import httpx
import numpy as np
import pytest
from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError, RepositoryNotFoundError

from studio.audio.clip import AudioClip
from studio.audio.speech import Span
from studio.errors import AudioRefused, InputRefused, ModelBroken, NotFound, SourceUnavailable
from studio.evaluation import transformers_recognition as recognition
from studio.evaluation.transformers_recognition import CtcRecognizer, TransformersWhisper, windows
from tests.evaluation.recordings import vowels

CLIP = vowels(2.0, seed=4)
SPEECH = [Span(0.0, 2.0)]
ASKED = httpx.Request("GET", "https://hub.invalid")


@pytest.fixture(autouse=True)
def all_of_it_is_speech(monkeypatch):
    """The clips are synthetic: the detector of real speech would find none."""
    monkeypatch.setattr(recognition, "speech_spans", lambda clip: [Span(0.0, clip.duration_s)])


@pytest.fixture(scope="module")
def ctc_folder(tmp_path_factory):
    from tests.evaluation.tiny_models import write_wav2vec2

    return str(write_wav2vec2(tmp_path_factory.mktemp("wav2vec2")))


def test_ctc_reads_what_transformers_reads_with_the_same_times(ctc_folder):
    from transformers import Wav2Vec2ForCTC, Wav2Vec2Processor, pipeline

    processor = Wav2Vec2Processor.from_pretrained(ctc_folder)
    reference = pipeline(
        "automatic-speech-recognition",
        model=Wav2Vec2ForCTC.from_pretrained(ctc_folder),
        tokenizer=processor.tokenizer,
        feature_extractor=processor.feature_extractor,
    )
    expected = reference({"raw": CLIP.samples.copy(), "sampling_rate": 16_000}, return_timestamps="word")
    heard = CtcRecognizer(ctc_folder, "it").transcribe(CLIP, "it")
    assert len(heard.words) > 1, "the tiny model must say several words for this to prove anything"
    assert heard.text.split() == expected["text"].split()
    times = [(word.start_s, word.end_s) for word in heard.words]
    np.testing.assert_allclose(times, [chunk["timestamp"] for chunk in expected["chunks"]], atol=0.021)
    assert all(0 < word.probability <= 1 for word in heard.words)


def test_ctc_repeats_exactly_and_knows_one_language(ctc_folder):
    recognizer = CtcRecognizer(ctc_folder, "it")
    assert recognizer.transcribe(CLIP) == recognizer.transcribe(CLIP, "it")
    with pytest.raises(InputRefused) as refused:
        recognizer.transcribe(CLIP, "en")
    assert refused.value.key == "evaluation.language"
    with pytest.raises(AudioRefused):
        recognizer.transcribe(AudioClip(np.zeros(16_000, np.float32), 16_000))


@pytest.mark.parametrize("aligned", [True, False])
def test_whisper_reads_what_generate_reads(tmp_path, aligned):
    from transformers import WhisperForConditionalGeneration, WhisperProcessor

    from tests.evaluation.tiny_models import write_whisper

    folder = str(write_whisper(tmp_path, aligned))
    processor = WhisperProcessor.from_pretrained(folder)
    model = WhisperForConditionalGeneration.from_pretrained(folder)
    features = processor(CLIP.samples, sampling_rate=16_000, return_tensors="pt").input_features
    tokens = model.generate(features, language="it", task="transcribe", do_sample=False)
    expected = processor.batch_decode(tokens, skip_special_tokens=True)[0]

    recognizer = TransformersWhisper(folder)
    heard = recognizer.transcribe(CLIP, "it")
    assert heard.text == expected.strip() and heard.text
    assert heard == recognizer.transcribe(CLIP, "it")
    assert all(0 < word.probability <= 1 and word.end_s >= word.start_s for word in heard.words)
    if not aligned:
        assert {(word.start_s, word.end_s) for word in heard.words} == {(0.0, 2.0)}
    told = recognizer.transcribe(CLIP)
    assert told.language in ("en", "it") and 0.5 <= told.language_probability <= 1.0
    with pytest.raises(InputRefused):
        recognizer.transcribe(CLIP, "fr")


def test_a_folder_without_a_model_says_so(tmp_path):
    for load in (lambda: CtcRecognizer(str(tmp_path), "it"), lambda: TransformersWhisper(str(tmp_path))):
        with pytest.raises(ModelBroken) as broken:
            load()
        assert broken.value.key == "evaluation.model_broken"


@pytest.mark.parametrize(
    ("trouble", "kind", "key"),
    [
        (lambda: LocalEntryNotFoundError("no answer"), SourceUnavailable, "evaluation.hub_unreachable"),
        (lambda: HFValidationError("no such form"), NotFound, "evaluation.hub_unknown"),
        (
            lambda: RepositoryNotFoundError("404", response=httpx.Response(404, request=ASKED)),
            NotFound,
            "evaluation.hub_unknown",
        ),
    ],
)
def test_a_hub_that_does_not_answer_is_no_damaged_model(monkeypatch, trouble, kind, key):
    def ask(model, file):
        raise trouble()

    monkeypatch.setattr("huggingface_hub.hf_hub_download", ask)
    for load in (lambda: CtcRecognizer("a/b", "it", local_only=False), lambda: whisper_of_the_hub()):
        with pytest.raises(kind) as refused:
            load()
        assert refused.value.key == key and "a/b" in refused.value.text("it")


def whisper_of_the_hub() -> TransformersWhisper:
    return TransformersWhisper("a/b", local_only=False)


def test_windows_cut_between_spans_and_never_exceed_their_length():
    samples = np.arange(70 * 16_000, dtype=np.float32)
    spans = [Span(1, 11), Span(12, 20), Span(22, 30), Span(31, 69)]
    found = [(w.start_s, w.start_s + len(w.samples) / 16_000) for w in windows(samples, spans)]
    assert found == [(1, 20), (22, 30), (31, 56), (56, 69)]
    assert list(windows(samples, [])) == []
