"""What is saved is what was heard, in every format, whole or streamed."""

import io

import numpy as np
import pytest
import soundfile

from studio.audio.clip import AudioClip
from studio.audio.decode import decode, decode_file
from studio.audio.encode import MEDIA_TYPES, AudioFormat, StreamEncoder, encode, stream_encoded
from studio.audio.loudness import CEILING_DBTP, level, loudness_lufs, true_peak_dbtp
from studio.audio.measures import bandwidth_hz
from studio.audio.resample import resample
from studio.audio.speech import speech_mask, speech_spans
from tests.audio.test_decode import alike
from tests.sounds import RATE, noise, real_speech, silence, tone

STREAMED = [AudioFormat.MP3, AudioFormat.OGG_OPUS]


def pieces(clip: AudioClip, seconds: float) -> list[AudioClip]:
    step = int(seconds * clip.sample_rate_hz)
    return [
        AudioClip(clip.samples[i : i + step], clip.sample_rate_hz) for i in range(0, len(clip.samples), step)
    ]


@pytest.mark.parametrize("format", list(AudioFormat))
def test_each_format_has_a_name_a_suffix_and_a_type(format: AudioFormat) -> None:
    assert format.label and format.suffix.startswith(".")
    assert MEDIA_TYPES[format] == format.media_type
    assert format.media_type.startswith("audio/")


@pytest.mark.parametrize("rate", [8_000, 11_025, 16_000, 22_050, 24_000, 44_100, 48_000])
@pytest.mark.parametrize("format", list(AudioFormat))
def test_every_rate_can_be_saved_in_every_format(format: AudioFormat, rate: int) -> None:
    data = encode(resample(real_speech(1), rate), format)
    if format not in STREAMED:
        assert soundfile.info(io.BytesIO(data)).duration == pytest.approx(1, abs=0.01)
    else:
        assert len(data) > 1000


def test_the_telephone_file_is_mu_law_at_8_khz_and_has_no_alias() -> None:
    made = decode_file(encode(resample(tone(2, 6000), 24_000), AudioFormat.MULAW), "a.wav")
    assert (made.codec, made.clip.sample_rate_hz) == ("pcm_mulaw", 8_000)
    assert np.abs(made.clip.samples[800:-800]).max() < 0.01  # 6 kHz cannot be held: it must not fold to 2 kHz


def test_a_clip_over_full_scale_is_turned_down_and_not_cut() -> None:
    loud = AudioClip(real_speech(2).samples * 4, RATE)
    clip = decode(encode(loud, AudioFormat.WAV), "a.wav")
    assert np.abs(clip.samples).max() < 1
    assert alike(clip, loud) > 0.9999


@pytest.mark.parametrize("format", STREAMED)
def test_a_stream_is_the_same_sound_as_the_whole(format: AudioFormat) -> None:
    speech = resample(real_speech(4), 24_000)
    clip = decode(b"".join(stream_encoded(pieces(speech, 0.37), format)), "stream")
    assert clip.duration_s == pytest.approx(4, abs=0.15)
    assert alike(clip, speech) > 0.97


@pytest.mark.parametrize("format", STREAMED)
def test_a_stream_gives_sound_long_before_its_end(format: AudioFormat) -> None:
    encoder = StreamEncoder(format, 24_000)
    begun = b"".join(encoder.feed(piece) for piece in pieces(resample(real_speech(2), 24_000), 0.5))
    assert decode(begun, "begun").duration_s > 1.5  # what has come so far can be played
    encoder.close()


def test_a_stream_that_is_too_loud_is_bent_under_full_scale() -> None:
    loud = AudioClip(real_speech(2).samples * 3, RATE)
    clip = decode(b"".join(stream_encoded(pieces(loud, 0.5), AudioFormat.OGG_OPUS)), "stream")
    assert alike(clip, loud) > 0.9
    assert np.abs(clip.samples).max() < 1.3  # the codec itself overshoots a little


def test_a_stream_refuses_what_it_cannot_be_fed() -> None:
    with pytest.raises(ValueError, match="streamed"):
        StreamEncoder(AudioFormat.WAV, RATE)
    encoder = StreamEncoder(AudioFormat.MP3, RATE)
    with pytest.raises(ValueError, match="Hz"):
        encoder.feed(tone(rate=8000))
    encoder.close()
    assert encoder.close() == b""
    with pytest.raises(ValueError, match="closed"):
        encoder.feed(tone())
    assert list(stream_encoded([])) == []


def test_resampling_keeps_what_fits_and_drops_what_does_not() -> None:
    assert alike(resample(resample(real_speech(2), 44_100), RATE), real_speech(2)) > 0.999
    assert np.abs(resample(tone(1, 7000), 8000).samples[400:-400]).max() < 1e-4


def test_loudness_of_a_known_tone() -> None:
    # BS.1770: a 997 Hz sine at full scale measures -3.01 LKFS
    assert loudness_lufs(tone(3, 997, 48_000, 1.0)) == pytest.approx(-3.01, abs=0.1)
    assert loudness_lufs(tone(0.1, 997, 48_000, 1.0)) == pytest.approx(-3.01, abs=0.4)
    assert loudness_lufs(silence()) == float("-inf")


def test_true_peak_sees_between_the_samples() -> None:
    times = np.arange(48_000) / 48_000
    between = AudioClip(np.sin(2 * np.pi * 12_000 * times + np.pi / 4).astype(np.float32), 48_000)
    assert np.abs(between.samples).max() == pytest.approx(0.707, abs=0.01)
    assert true_peak_dbtp(between) == pytest.approx(0, abs=0.3)


def test_levelling_meets_the_target_or_the_ceiling() -> None:
    speech = real_speech(6)
    levelled = level(speech)
    assert loudness_lufs(levelled.clip) == pytest.approx(-23, abs=0.1)
    assert not levelled.held_by_ceiling
    held = level(speech, target_lufs=0)
    assert held.held_by_ceiling
    assert true_peak_dbtp(held.clip) == pytest.approx(CEILING_DBTP, abs=0.1)


def test_speech_is_found_where_it_is() -> None:
    speech = real_speech(3)
    padded = AudioClip(np.concatenate([silence(2).samples, speech.samples, silence(1).samples]), RATE)
    spans = speech_spans(padded)
    assert spans[0].start_s == pytest.approx(2, abs=0.15)
    assert spans[-1].end_s == pytest.approx(5, abs=0.3)
    assert speech_spans(noise(3)) == speech_spans(silence(3)) == speech_spans(silence(0)) == []


def test_bandwidth_tells_a_telephone_from_a_microphone() -> None:
    speech = real_speech(4)
    phone = resample(decode(encode(speech, AudioFormat.MULAW), "a.wav"), 24_000)
    assert bandwidth_hz(speech, speech_mask(speech, speech_spans(speech))) > 7000
    assert 3000 < bandwidth_hz(phone, speech_mask(phone, speech_spans(phone))) < 4200
