"""Files of every kind come back as sound."""

import io
import resource

import av
import numpy as np
import pytest
import soundfile

from studio.audio.clip import AudioClip
from studio.audio.decode import decode, decode_file
from studio.audio.encode import AudioFormat, encode
from studio.audio.resample import resample
from tests.sounds import RATE, real_speech, wav_bytes


def alike(made: AudioClip, original: AudioClip) -> float:
    """Correlation of two clips at 16 kHz, at the best of all delays: codecs add a little at the start."""
    a, b = resample(made, RATE).samples, resample(original, RATE).samples
    size = 2 ** (len(a) + len(b)).bit_length()
    crossed = np.fft.irfft(np.fft.rfft(a, size) * np.conj(np.fft.rfft(b, size)))
    return float(crossed.max() / np.sqrt(np.sum(a**2) * np.sum(b**2)))


def muxed(container: str, codec: str, rate: int = 48_000) -> bytes:
    """The real speech as a browser or a telephone would have recorded it."""
    out = io.BytesIO()
    with av.open(out, "w", format=container) as file:
        stream = file.add_stream(codec, rate=rate, layout="mono")
        samples = resample(real_speech(3), rate).samples
        frame = av.AudioFrame.from_ndarray(samples[None, :], format="fltp", layout="mono")
        frame.sample_rate = rate
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            file.mux(packet)
    return out.getvalue()


@pytest.mark.parametrize(
    ("container", "codec", "found"),
    [("webm", "libopus", "webm"), ("mp4", "aac", "mp4"), ("adts", "aac", "aac"), ("ogg", "libopus", "ogg")],
)
def test_recordings_of_browsers_and_telephones(container: str, codec: str, found: str) -> None:
    made = decode_file(muxed(container, codec), f"take.{container}")
    assert (made.container, made.channels) == (found, 1)
    assert made.clip.sample_rate_hz == 48_000
    assert made.clip.duration_s == pytest.approx(3, abs=0.1)
    assert alike(made.clip, real_speech(3)) > 0.97


@pytest.mark.parametrize(
    ("format", "subtype"),
    [("WAV", "FLOAT"), ("WAV", "PCM_24"), ("WAV", "PCM_U8"), ("AIFF", "PCM_16"), ("RF64", "PCM_16")],
)
def test_pcm_comes_back_as_it_was(format: str, subtype: str) -> None:
    out, speech = io.BytesIO(), real_speech(2)
    soundfile.write(out, speech.samples, RATE, format=format, subtype=subtype)
    clip = decode(out.getvalue(), "a.wav")
    steps = 128 if subtype == "PCM_U8" else 32768
    assert np.abs(clip.samples - speech.samples).max() <= 1.01 / steps


def test_vorbis() -> None:
    out, speech = io.BytesIO(), real_speech(2)
    soundfile.write(out, speech.samples, RATE, format="OGG", subtype="VORBIS")
    made = decode_file(out.getvalue(), "a.ogg")
    assert made.codec == "vorbis"
    assert alike(made.clip, speech) > 0.97


@pytest.mark.parametrize(
    ("format", "least"),
    [
        (AudioFormat.WAV, 0.9999),
        (AudioFormat.FLAC, 0.9999),
        (AudioFormat.MP3, 0.97),
        (AudioFormat.OGG_OPUS, 0.97),
    ],
)
def test_what_is_encoded_is_decoded_again(format: AudioFormat, least: float) -> None:
    speech = real_speech(4)
    clip = decode(encode(speech, format), f"a{format.suffix}")
    assert clip.duration_s == pytest.approx(speech.duration_s, abs=0.03)
    assert alike(clip, speech) > least


def test_channels_are_averaged() -> None:
    speech = real_speech(2).samples
    made = decode_file(wav_bytes(np.stack([speech, 0.5 * speech], 1)), "stereo.wav")
    assert made.channels == 2
    assert np.abs(made.clip.samples - 0.75 * speech).max() < 2e-4


def test_channels_out_of_phase_do_not_cancel_the_voice() -> None:
    speech = real_speech(2).samples
    clip = decode(wav_bytes(np.stack([speech, -speech], 1)), "stereo.wav")
    assert np.abs(clip.samples - speech).max() < 2e-4


def test_a_stream_of_unknown_length_is_not_a_lie() -> None:
    data = bytearray(wav_bytes(real_speech(2).samples))
    data[40:44] = b"\xff\xff\xff\xff"
    assert decode(bytes(data), "streamed.wav").duration_s == pytest.approx(2, abs=0.01)


def test_the_content_counts_and_not_the_name() -> None:
    made = decode_file(encode(real_speech(2), AudioFormat.FLAC), "really.mp3")
    assert (made.container, made.codec) == ("flac", "flac")


def test_a_few_damaged_packets_are_passed_over() -> None:
    data = bytearray(encode(real_speech(6), AudioFormat.MP3))
    data[len(data) // 2 : len(data) // 2 + 40] = bytes(40)
    clip = decode(bytes(data), "scratched.mp3")
    assert clip.duration_s == pytest.approx(6, abs=0.2)
    assert alike(AudioClip(clip.samples[: 2 * RATE], RATE), real_speech(2)) > 0.97


def test_ten_seconds_cost_little_processor_time() -> None:
    data = encode(real_speech(10), AudioFormat.MP3)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    decode(data, "a.mp3")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 1.5  # 0.15 s measured
