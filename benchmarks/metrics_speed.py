"""Seconds per clip of each metric on 100 clips of 5 s, and MCD beside `pymcd` on the same pairs.

Run: python -m benchmarks.metrics_speed RECORDINGS STORAGE_MODELS [--clips 100]
RECORDINGS holds a manifest.tsv (path, speaker, language, duration_s, text) and its audio files; clips are
made 5 s long by joining a speaker's recordings. `pymcd` is for this benchmark only:
pip install --no-deps pymcd==0.2.1 fastdtw==0.3.4 && pip install pysptk==1.0.1   (its `pyworld` is ours already)
"""

import argparse
import csv
import itertools
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import soundfile

from studio.audio.clip import AudioClip
from studio.evaluation.mcd import mcd
from studio.evaluation.predicted_mos import MosPredictor
from studio.evaluation.similarity import similarity
from studio.evaluation.speaker_encoder import SpeakerEncoder
from studio.evaluation.speech_recognition import WhisperRecognizer
from studio.evaluation.wer import wer

SECONDS, RATE_HZ = 5, 22_050


def joined_clips(folder: Path, count: int) -> list[AudioClip]:
    """`count` clips of 5 s at 22.05 kHz, each of one speaker, cut from that speaker's joined recordings."""
    import soxr

    with (folder / "manifest.tsv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    length, clips = SECONDS * RATE_HZ, []
    for _, group in itertools.groupby(
        sorted(rows, key=lambda row: row["speaker"]), key=lambda row: row["speaker"]
    ):
        sounds = [soundfile.read(folder / row["path"], dtype="float32") for row in group]
        whole = np.concatenate([soxr.resample(samples, rate, RATE_HZ) for samples, rate in sounds])
        clips += [AudioClip(whole[at : at + length], RATE_HZ) for at in range(0, len(whole) - length, length)]
    order = np.random.default_rng(0).permutation(len(clips))[:count]
    return [clips[index] for index in order]


def per_clip(name: str, judge: Callable[[AudioClip], object], clips: Sequence[AudioClip]) -> None:
    judge(clips[0])  # loading and warming up are not the metric's speed
    start = time.perf_counter()
    for clip in clips:
        judge(clip)
    print(f"{name:<28}{(time.perf_counter() - start) / len(clips):8.3f} s per clip", flush=True)


def beside_pymcd(clips: Sequence[AudioClip]) -> None:
    """Both read nothing but the same wav files' sound; turns alternate so that the machine is the same for both."""
    try:
        from pymcd.mcd import Calculate_MCD
    except ImportError:
        print("pymcd is not installed: see this file's first lines")
        return
    theirs = Calculate_MCD(MCD_mode="dtw")
    with tempfile.TemporaryDirectory() as folder:
        paths = [str(Path(folder) / f"{index}.wav") for index in range(len(clips))]
        for path, clip in zip(paths, clips, strict=True):
            soundfile.write(path, clip.samples, RATE_HZ, subtype="FLOAT")
        pairs = list(zip(paths[::2], paths[1::2], strict=False))
        ways: dict[str, Callable[[str, str], float]] = {
            "MCD (Harvest: the recipe)": lambda one, other: mcd(read(one), read(other), RATE_HZ).value,
            "MCD (DIO: for batches)": lambda one, other: mcd(read(one), read(other), RATE_HZ, "dio").value,
            "pymcd 0.2.1 (dtw, DIO)": theirs.calculate_mcd,
        }
        seconds = dict.fromkeys(ways, 0.0)
        for way in ways.values():
            way(*pairs[0])
        for pair in pairs:
            for name, way in ways.items():
                start = time.perf_counter()
                way(*pair)
                seconds[name] += time.perf_counter() - start
    beside = seconds["pymcd 0.2.1 (dtw, DIO)"]
    for name, total in seconds.items():
        print(
            f"{name:<28}{total / len(pairs):8.3f} s per pair of {len(pairs)}, {total / beside:.2f} of pymcd"
        )


def read(path: str) -> AudioClip:
    samples, rate = soundfile.read(path, dtype="float32")
    return AudioClip(samples, rate)


def main() -> None:
    import torch

    torch.set_num_threads(2)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recordings", type=Path)
    parser.add_argument("models", type=Path)
    parser.add_argument("--clips", type=int, default=100)
    given = parser.parse_args()
    clips = joined_clips(given.recordings, given.clips)
    print(f"{len(clips)} clips of {SECONDS} s, {RATE_HZ} Hz, two threads")
    encoder = SpeakerEncoder(given.models / "wespeaker-resnet34" / "model.onnx", 2)
    reference = encoder.embed(clips[0])
    per_clip("similarity", lambda clip: similarity(encoder.embed(clip), [reference]), clips)
    recognizer = WhisperRecognizer(given.models / "whisper-base-ct2", 2)
    per_clip("speech recognition (WER)", lambda clip: recognizer.transcribe(clip, "it"), clips)
    text = "Il 3 aprile 2024 l'utente ha pagato 12,50 € per il servizio."
    per_clip("WER of a known transcript", lambda clip: wer([text], [text], "it"), clips)
    per_clip("predicted MOS", MosPredictor().predict, clips)
    beside_pymcd(clips)


if __name__ == "__main__":
    main()
