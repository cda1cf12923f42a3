"""The speaker encoder: Kaldi's features, unit vectors, speakers told apart, bad sound refused."""

import numpy as np
import pytest

from studio.audio.clip import AudioClip
from studio.errors import AudioRefused, ModelBroken, ModelMissing
from studio.evaluation.fbank import fbank
from studio.evaluation.speaker_encoder import ACCEPT_AT, SpeakerEncoder
from tests.evaluation.recordings import recording, vowels
from tests.fetched import model_file


def test_fbank_equals_kaldi_as_torchaudio_computes_it():
    import torch
    from torchaudio.compliance import kaldi

    samples = vowels(1.3).samples
    expected = kaldi.fbank(
        torch.tensor(samples.copy())[None] * 32768,
        num_mel_bins=80,
        dither=0.0,
        sample_frequency=16_000.0,
        window_type="hamming",
        use_energy=False,
    ).numpy()
    computed = fbank(samples)
    assert computed.shape == expected.shape
    np.testing.assert_allclose(computed, expected, atol=2e-3)


def test_fbank_of_less_than_a_frame_has_no_frames():
    assert fbank(np.zeros(399, dtype=np.float32)).shape == (0, 80)


@pytest.fixture(scope="module")
def encoder() -> SpeakerEncoder:
    return SpeakerEncoder(model_file("wespeaker-resnet34", "model.onnx"))


@pytest.mark.models
def test_embedding_is_a_unit_vector_and_repeats_exactly(encoder):
    clip = vowels(2.0)
    vector = encoder.embed(clip)
    assert vector.shape == (256,) and vector.dtype == np.float32
    assert np.linalg.norm(vector) == pytest.approx(1.0, abs=1e-5)
    np.testing.assert_array_equal(vector, encoder.embed(clip))


@pytest.mark.models
def test_loudness_hardly_moves_the_embedding(encoder):
    clip = vowels(2.0)
    quiet = AudioClip(clip.samples * np.float32(0.1), clip.sample_rate_hz)
    assert encoder.embed(clip) @ encoder.embed(quiet) > 0.999


@pytest.mark.models
def test_another_sample_rate_gives_the_same_speaker(encoder):
    import soxr

    clip = recording("it-m1/vm-repeat.flac")
    higher = AudioClip(soxr.resample(clip.samples, clip.sample_rate_hz, 44_100), 44_100)
    assert encoder.embed(clip) @ encoder.embed(higher) > 0.995


@pytest.mark.models
def test_real_speakers_are_told_apart(encoder):
    man = [recording(f"it-m1/{name}.flac") for name in ("vm-repeat", "vm-toforward", "vm-mailboxfull")]
    woman = recording("en-f2/LJ001-0001.flac")
    vectors = [encoder.embed(clip) for clip in man]
    assert vectors[0] @ vectors[1] > ACCEPT_AT and vectors[1] @ vectors[2] > ACCEPT_AT
    assert max(vector @ encoder.embed(woman) for vector in vectors) < ACCEPT_AT


@pytest.mark.models
@pytest.mark.parametrize(
    ("samples", "key"),
    [
        (np.zeros(16_000), "evaluation.silent"),
        (np.full(16_000, np.nan), "evaluation.not_finite"),
        (np.ones(800) * 0.1, "evaluation.too_short"),
        (np.ones(0), "evaluation.too_short"),
    ],
)
def test_sound_that_has_no_speaker_is_refused(encoder, samples, key):
    with pytest.raises(AudioRefused) as refused:
        encoder.embed(AudioClip(samples.astype(np.float32), 16_000))
    assert refused.value.key == key
    assert refused.value.text("it") != refused.value.text("en")


def test_a_missing_model_says_so(tmp_path):
    with pytest.raises(ModelMissing, match="WeSpeaker"):
        SpeakerEncoder(tmp_path / "model.onnx")


def test_a_damaged_model_says_so(tmp_path):
    (tmp_path / "model.onnx").write_bytes(b"no graph")
    with pytest.raises(ModelBroken, match="WeSpeaker"):
        SpeakerEncoder(tmp_path / "model.onnx")
