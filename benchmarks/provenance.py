"""The watermark after copying, on real recordings, and what it costs: python -m benchmarks.provenance [VOICES]

Fifty sentences of Kokoro's presets are marked and sent through an MP3 of 64 kbit/s, 16 kHz, telephone (8 kHz
mu-law) and a tempo of 90 and 110 %; prints how many are still found. Then every recording of people below VOICES
(default: tests/data) is looked at; prints false alarms. Last: word errors and predicted MOS with and without the
mark, and the processor time it takes.
"""

import argparse
import io
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import numpy as np
import soundfile

from studio.audio.clip import AudioClip
from studio.audio.encode import AudioFormat, encode
from studio.audio.loudness import loudness_lufs
from studio.audio.resample import resample
from studio.engines.base import Engine, EngineContext, Utterance
from studio.engines.kokoro.presets import PRESET_IDS
from studio.engines.registry import build_registry
from studio.evaluation.judges import Judges
from studio.evaluation.wer import wer
from studio.provenance.perth import PerthWatermarker
from studio.provenance.watermark import CERTAIN, DOUBTFUL, Reading, StreamMarker, marked, read_mark
from studio.scores.sentences import built_in

CLIPS, JUDGED = 50, 12


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("voices", type=Path, nargs="?", default=Path("tests/data"))
    arguments.add_argument("--models", type=Path, default=Path("storage/models"))
    given = arguments.parse_args()
    watermarker = PerthWatermarker()
    _real(watermarker, given.voices)
    spoken = list(_spoken(given.models))
    with_mark = [marked(watermarker, clip) for clip, _, _ in spoken]
    _copies(watermarker, [clip for clip, _, _ in spoken], with_mark)
    _cost(watermarker, [clip for clip, _, _ in spoken], with_mark)
    _quality(given.models, spoken, with_mark)


def _real(watermarker: PerthWatermarker, folder: Path) -> None:
    found = {p: read_mark(watermarker, _clip(p)) for p in sorted(folder.rglob("*.flac"))}
    alarms = [path.name for path, reading in found.items() if reading.found]
    doubts = [path.name for path, reading in found.items() if reading.doubtful]
    highest = max(found, key=lambda path: found[path].confidence)
    print(f"real recordings: {len(found)}, false alarms {len(alarms)} {alarms}, inconclusive {len(doubts)}")
    print(
        f"  highest confidence {found[highest].confidence:.3f} ({highest.name}), bars {DOUBTFUL} and {CERTAIN}"
    )


def _clip(path: Path) -> AudioClip:
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    return AudioClip(samples.mean(axis=1), rate)


def _spoken(models: Path) -> Iterator[tuple[AudioClip, str, str]]:
    """Sound, text and language: presets and sentences in turn, half Italian, half English."""
    context = EngineContext(lambda name: models / name, models / "derived", "cpu", 2)
    engine: Engine = build_registry(context).engine("kokoro")
    texts = {
        language: [s.text for one in built_in() if one.language == language for s in one.sentences]
        for language in ("it", "en")
    }
    for number in range(CLIPS):
        language = "it" if number % 2 else "en"
        text = texts[language][number // 2 % len(texts[language])]
        voice = engine.preset_voice(PRESET_IDS[number % len(PRESET_IDS)])
        chunks = list(engine.synthesize([Utterance(text, language)], voice, engine.spec.options()))
        samples = np.concatenate([chunk.clip.samples for chunk in chunks])
        yield AudioClip(samples, chunks[0].clip.sample_rate_hz), text, language


def _mp3_64(clip: AudioClip) -> AudioClip:
    sink = io.BytesIO()
    with av.open(sink, "w", format="mp3") as container:
        stream = container.add_stream("libmp3lame", rate=clip.sample_rate_hz, layout="mono")
        stream.bit_rate = 64_000
        frame = av.AudioFrame.from_ndarray(clip.samples[None].copy(), format="fltp", layout="mono")
        frame.sample_rate = clip.sample_rate_hz
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return _read(sink.getvalue())


def _read(data: bytes) -> AudioClip:
    return AudioClip(*soundfile.read(io.BytesIO(data), dtype="float32"))


def _tempo(clip: AudioClip, factor: float) -> AudioClip:
    """FFmpeg's atempo: another pace at the same pitch."""
    graph, rate = av.filter.Graph(), clip.sample_rate_hz
    source = graph.add_abuffer(sample_rate=rate, format="fltp", layout="mono", time_base=f"1/{rate}")  # type: ignore[arg-type]
    change, sink = graph.add("atempo", str(factor)), graph.add("abuffersink")
    source.link_to(change)
    change.link_to(sink)
    graph.configure()
    frame = av.AudioFrame.from_ndarray(clip.samples[None].copy(), format="fltp", layout="mono")
    frame.sample_rate, frame.pts = rate, 0
    graph.push(frame)
    graph.push(None)
    pieces = []
    while True:
        try:
            pieces.append(graph.pull().to_ndarray()[0])
        except (av.error.BlockingIOError, av.error.EOFError):
            return AudioClip(np.concatenate(pieces), rate)


COPIES: dict[str, Callable[[AudioClip], AudioClip]] = {
    "as made": lambda clip: clip,
    "MP3 64 kbit/s": _mp3_64,
    "16 kHz": lambda clip: resample(clip, 16_000),
    "8 kHz mu-law": lambda clip: _read(encode(clip, AudioFormat.MULAW)),
    "Ogg Opus": lambda clip: _read(encode(clip, AudioFormat.OGG_OPUS)),
    "tempo 90 %": lambda clip: _tempo(clip, 0.9),
    "tempo 110 %": lambda clip: _tempo(clip, 1.1),
    "quarter as loud": lambda clip: AudioClip(clip.samples / 4, clip.sample_rate_hz),
    "first 2 s": lambda clip: AudioClip(clip.samples[: 2 * clip.sample_rate_hz], clip.sample_rate_hz),
    "noise at 20 dB": lambda clip: _noisy(clip, 20),
    "noise at 30 dB": lambda clip: _noisy(clip, 30),
}


def _noisy(clip: AudioClip, snr_db: float) -> AudioClip:
    level = float(np.sqrt(np.mean(clip.samples**2))) * 10 ** (-snr_db / 20)
    noise = np.random.default_rng(0).normal(0, level, len(clip.samples)).astype(np.float32)
    return AudioClip(clip.samples + noise, clip.sample_rate_hz)


def _copies(watermarker: PerthWatermarker, plain: list[AudioClip], with_mark: list[AudioClip]) -> None:
    print(f"{len(plain)} generated clips, {sum(clip.duration_s for clip in plain):.0f} s")
    for name, copy in COPIES.items():
        found = [read_mark(watermarker, copy(clip)) for clip in with_mark]
        without = [read_mark(watermarker, copy(clip)) for clip in plain]
        print(
            f"  {name:16} found {_share(found)}, without the mark {_share(without)}, lowest {_least(found):.2f}"
        )


def _share(readings: list[Reading]) -> str:
    return f"{sum(one.found for one in readings)}/{len(readings)}"


def _least(readings: list[Reading]) -> float:
    return min(one.confidence for one in readings)


def _cost(watermarker: PerthWatermarker, plain: list[AudioClip], with_mark: list[AudioClip]) -> None:
    seconds = sum(clip.duration_s for clip in plain)
    started = time.process_time()
    for clip in plain:
        _streamed(watermarker, clip)
    marking = (time.process_time() - started) / seconds
    started = time.process_time()
    for clip in with_mark:
        watermarker.confidence(clip)
    print(f"processor time a second of sound: marking as a stream {marking:.3f} s, "
          f"looking {(time.process_time() - started) / seconds:.3f} s")  # fmt: skip
    first = AudioClip(plain[0].samples[: plain[0].sample_rate_hz], plain[0].sample_rate_hz)
    started = time.perf_counter()
    ready = StreamMarker(watermarker, first.sample_rate_hz).feed(first)
    wait_ms = 1000 * (time.perf_counter() - started)
    print(
        f"first second of a stream: {ready.duration_s if ready else 0:.2f} s of it ready after {wait_ms:.0f} ms"
    )


def _streamed(watermarker: PerthWatermarker, clip: AudioClip) -> None:
    stream = StreamMarker(watermarker, clip.sample_rate_hz)
    for start in range(0, len(clip.samples), clip.sample_rate_hz):
        stream.feed(AudioClip(clip.samples[start : start + clip.sample_rate_hz], clip.sample_rate_hz))
    stream.close()


def _quality(models: Path, spoken: list[tuple[AudioClip, str, str]], with_mark: list[AudioClip]) -> None:
    plain = [clip for clip, _, _ in spoken]
    louder = [loudness_lufs(b) - loudness_lufs(a) for a, b in zip(plain, with_mark, strict=True)]
    ratios = [_snr_db(a, b) for a, b in zip(plain, with_mark, strict=True)]
    print(f"loudness changes by {np.mean(louder):+.2f} LU on average (at most {np.abs(louder).max():.2f}), "
          f"the mark lies {np.mean(ratios):.1f} dB below the speech, all of it under 2 kHz")  # fmt: skip
    judges = Judges(lambda name: models / name, 2)
    chosen = range(0, len(plain), len(plain) // JUDGED)
    for name, clips in (("without", plain), ("with", with_mark)):
        mos = np.mean([judges.mos.predict(clips[n]).value for n in chosen])
        errors = np.mean([
            wer([spoken[n][1]], [judges.recognizer.transcribe(clips[n], spoken[n][2]).text], spoken[n][2]).corpus
            for n in chosen
        ])  # fmt: skip
        print(
            f"{name} the mark, {len(chosen)} clips: predicted MOS {mos:.2f}, word error rate {100 * errors:.1f} %"
        )
    same = [float(judges.embed(plain[n]) @ judges.embed(with_mark[n])) for n in chosen]
    print(
        f"likeness of a voice to itself with the mark: mean cosine {np.mean(same):.3f}, lowest {min(same):.3f}"
    )


def _snr_db(plain: AudioClip, with_mark: AudioClip) -> float:
    mark = with_mark.samples - plain.samples
    return float(10 * np.log10(np.square(plain.samples).sum() / np.square(mark).sum()))


if __name__ == "__main__":
    main()
