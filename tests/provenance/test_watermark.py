"""The watermark: found in what was marked, in no recording, wherever a stream was cut, and never left out."""

import io
import os
import sys
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from studio.audio.clip import AudioClip
from studio.audio.encode import AudioFormat, encode
from studio.audio.loudness import loudness_lufs
from studio.audio.resample import resample
from studio.errors import EngineTrouble
from studio.provenance.perth import PerthWatermarker
from studio.provenance.perth_net import PerthNet
from studio.provenance.watermark import CERTAIN, DOUBTFUL, StreamMarker, marked, read_mark
from tests.enrolling import real_speech
from tests.fakes import FakeWatermarker


@pytest.fixture(scope="module")
def perth() -> PerthWatermarker:
    watermarker = PerthWatermarker()
    watermarker.load()
    return watermarker


@pytest.fixture(scope="module")
def speech() -> AudioClip:
    return real_speech(5.0, 1.0)


@pytest.fixture(scope="module")
def with_mark(perth: PerthWatermarker, speech: AudioClip) -> AudioClip:
    return marked(perth, speech)


def in_pieces(watermarker: PerthWatermarker | FakeWatermarker, clip: AudioClip, step: int) -> AudioClip:
    stream = StreamMarker(watermarker, clip.sample_rate_hz)
    out = [
        stream.feed(AudioClip(clip.samples[i : i + step], clip.sample_rate_hz))
        for i in range(0, len(clip.samples), step)
    ]
    return AudioClip(
        np.concatenate([p.samples for p in (*out, stream.close()) if p is not None]), clip.sample_rate_hz
    )


def test_the_mark_is_found_in_what_was_marked_and_in_no_recording(
    perth: PerthWatermarker, speech: AudioClip, with_mark: AudioClip
) -> None:
    assert read_mark(perth, with_mark).confidence >= CERTAIN
    assert read_mark(perth, speech).confidence < DOUBTFUL


def test_a_mark_leaves_length_loudness_and_everything_above_two_kilohertz(
    speech: AudioClip, with_mark: AudioClip
) -> None:
    assert len(with_mark.samples) == len(speech.samples)
    assert abs(loudness_lufs(with_mark) - loudness_lufs(speech)) < 0.5
    mark = with_mark.samples - speech.samples
    power = np.abs(np.fft.rfft(mark)) ** 2
    above = np.fft.rfftfreq(len(mark), 1 / speech.sample_rate_hz) > 2200
    assert power[above].sum() < 1e-3 * power.sum()


@pytest.mark.parametrize("step", [777, 4001, 30_000])
def test_a_stream_is_marked_as_the_whole_wherever_it_is_cut(
    perth: PerthWatermarker, speech: AudioClip, with_mark: AudioClip, step: int
) -> None:
    streamed = in_pieces(perth, speech, step)
    assert len(streamed.samples) == len(with_mark.samples)
    off = np.abs(streamed.samples - with_mark.samples).max()
    assert off < 1e-3 * np.abs(with_mark.samples - speech.samples).max()


def test_a_stream_gives_back_all_but_its_last_moment_at_once() -> None:
    stream = StreamMarker(FakeWatermarker(), 24_000)
    first = stream.feed(AudioClip(np.full(24_000, 0.1, dtype=np.float32), 24_000))
    assert first is not None and 0.7 < first.duration_s <= 0.76


@pytest.mark.parametrize("rate_hz", [8000, 11_025, 16_000, 22_050, 44_100, 48_000])
def test_every_rate_can_be_marked(perth: PerthWatermarker, speech: AudioClip, rate_hz: int) -> None:
    clip = resample(speech, rate_hz)
    assert read_mark(perth, in_pieces(perth, clip, rate_hz)).confidence >= CERTAIN


def mp3_64(clip: AudioClip) -> AudioClip:
    sink = io.BytesIO()
    with av.open(sink, "w", format="mp3") as container:
        stream = container.add_stream("libmp3lame", rate=clip.sample_rate_hz, layout="mono")
        stream.bit_rate = 64_000
        frame = av.AudioFrame.from_ndarray(clip.samples[None].copy(), format="fltp", layout="mono")
        frame.sample_rate = clip.sample_rate_hz
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return AudioClip(*soundfile.read(io.BytesIO(sink.getvalue()), dtype="float32"))


def telephone(clip: AudioClip) -> AudioClip:
    return AudioClip(*soundfile.read(io.BytesIO(encode(clip, AudioFormat.MULAW)), dtype="float32"))


@pytest.mark.parametrize("copy", [mp3_64, telephone, lambda clip: AudioClip(clip.samples * 0.2, 16_000)])
def test_the_mark_outlives_copying(perth: PerthWatermarker, with_mark: AudioClip, copy: object) -> None:
    assert callable(copy)
    assert read_mark(perth, copy(with_mark)).confidence >= CERTAIN


def test_a_marked_stretch_is_found_in_a_longer_recording(perth: PerthWatermarker) -> None:
    before, said = real_speech(8.0, 18.0), marked(perth, real_speech(18.0))
    spliced = AudioClip(np.concatenate([before.samples, said.samples]), said.sample_rate_hz)
    assert read_mark(perth, spliced).confidence >= CERTAIN


def test_silence_and_a_click_carry_nothing_and_say_so(perth: PerthWatermarker) -> None:
    silent = AudioClip(np.zeros(16_000, dtype=np.float32), 16_000)
    assert not marked(perth, silent).samples.any()
    reading = read_mark(perth, silent)
    assert not reading.found and reading.doubtful
    click = AudioClip(np.eye(1, 50, dtype=np.float32)[0], 16_000)
    assert len(marked(perth, click).samples) == 50 and read_mark(perth, click).doubtful


def test_memory_does_not_grow_with_the_clip() -> None:
    longest = 0

    class Watching(FakeWatermarker):
        def mark_of(self, clip: AudioClip) -> np.ndarray:
            nonlocal longest
            longest = max(longest, len(clip.samples))
            return super().mark_of(clip)

    clip = AudioClip(np.full(16_000 * 120, 0.1, dtype=np.float32), 16_000)
    assert len(marked(Watching(), clip).samples) == len(clip.samples)
    assert longest <= 16_000 * 11


def test_a_missing_package_is_said_and_nothing_is_marked(monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.util

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    for ask in (PerthWatermarker().check, PerthWatermarker().load):
        with pytest.raises(EngineTrouble, match="not installed"):
            ask()


def test_other_weights_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("studio.provenance.perth_weights.SHA256", "0" * 64)
    with pytest.raises(EngineTrouble, match="weights"):
        PerthWatermarker().load()


def test_a_pickle_among_the_weights_runs_nothing() -> None:
    import pickle
    import zipfile

    from studio.provenance.perth_weights import _Reader

    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.mkdir, ("owned",)

    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(Evil()))
    with zipfile.ZipFile(sink) as archive, pytest.raises(ValueError, match="mkdir"):
        _Reader(archive).load()


@pytest.mark.slow
def test_the_sums_are_those_of_the_package_itself(perth: PerthWatermarker, speech: AudioClip) -> None:
    import torch
    from perth.perth_net import PREPACKAGED_MODELS_DIR
    from perth.perth_net.perth_net_implicit.model.perth_net import PerthNet as Original

    ours, original = PerthNet(), Original.load("implicit", PREPACKAGED_MODELS_DIR).eval()
    sound = resample(speech, 32_000).samples
    with torch.inference_mode():
        magnitude, phase = original.ap.signal_to_magphase(torch.from_numpy(sound.copy()))
        with_mark, _ = original.encoder(magnitude[None])
        theirs = original.ap.magphase_to_signal(with_mark[0], phase)
        theirs = (theirs - original.ap.magphase_to_signal(magnitude, phase)).numpy()
        their_confidence = float(original.decoder(magnitude[None])[0])
    mark = ours.mark(sound)[: len(theirs)]
    assert np.square(mark - theirs).sum() < 1e-9 * np.square(theirs).sum()
    assert abs(ours.confidence(sound) - their_confidence) < 1e-4


def test_a_network_that_does_not_find_its_own_mark_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PerthNet, "confidence", lambda *_: 0.3)
    with pytest.raises(EngineTrouble, match="its own test failed"):
        PerthWatermarker().load()


def test_marking_loads_no_torch() -> None:
    import subprocess

    code = (
        "import sys; from studio.provenance.perth import PerthWatermarker; PerthWatermarker().load()\n"
        "assert not {'torch', 'perth', 'librosa'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2], check=True)
