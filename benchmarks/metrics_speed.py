"""Seconds per clip of each metric on 100 clips of 5 s, and MCD beside `pymcd` on the same pairs, with the verdict.

Every measure of a run is in it but RTF and first sound, which are read off the clock while a voice speaks.
Exits with 1 where the studio's MCD is slower than pymcd's.

Run: python -m benchmarks.metrics_speed RECORDINGS STORAGE_MODELS [--clips 100]
RECORDINGS holds a manifest.tsv (path, speaker, language, duration_s, text) and its audio files; clips are
made 5 s long by joining a speaker's recordings. `pymcd` is for this benchmark only:
pip install --no-deps pymcd==0.2.1 fastdtw==0.3.4 && pip install pysptk==1.0.1   (its `pyworld` is ours already)
"""

import argparse
import csv
import itertools
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import soundfile

from studio.audio.clip import AudioClip
from studio.evaluation.mcd import MelCepstralDistortion, mcd
from studio.evaluation.mcd_pairs import Distortions
from studio.evaluation.mel_cepstrum import Pitch
from studio.evaluation.predicted_mos import MosPredictor
from studio.evaluation.similarity import similarity
from studio.evaluation.speaker_encoder import SpeakerEncoder
from studio.evaluation.speech_recognition import WhisperRecognizer
from studio.evaluation.wer import wer

SECONDS, RATE_HZ, CORES, TURN = 5, 22_050, 2, 10
PYMCD = "pymcd 0.2.1 (dtw; DIO)"
STUDIO = f"recipe (Harvest), {CORES} cores"
Way = Callable[[Sequence[tuple[str, str]]], list[float]]


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


def beside_pymcd(clips: Sequence[AudioClip]) -> bool:
    """Every way measures the same pairs from the same files, in turns of ten: the machine is the same for all.

    Whether the studio's way, the recipe on all cores, took no longer than pymcd's.
    """
    try:
        from pymcd.mcd import Calculate_MCD
    except ImportError:
        raise SystemExit("pymcd is not installed: see this file's first lines") from None
    theirs = Calculate_MCD(MCD_mode="dtw")
    pool = Distortions(CORES)
    ways: dict[str, Way] = {
        STUDIO: lambda pairs: values(pool, pairs, "harvest"),
        "recipe (Harvest), 1 core": lambda pairs: [mcd(read(a), read(b), RATE_HZ).value for a, b in pairs],
        f"DIO as pymcd has it, {CORES} cores": lambda pairs: values(pool, pairs, "dio"),
        "DIO as pymcd has it, 1 core": lambda pairs: [
            mcd(read(a), read(b), RATE_HZ, "dio").value for a, b in pairs
        ],
        PYMCD: lambda pairs: [theirs.calculate_mcd(a, b) for a, b in pairs],
    }
    with tempfile.TemporaryDirectory() as folder:
        paths = [str(Path(folder) / f"{index}.wav") for index in range(len(clips))]
        for path, clip in zip(paths, clips, strict=True):
            soundfile.write(path, clip.samples, RATE_HZ, subtype="FLOAT")
        pairs = list(zip(paths[::2], paths[1::2], strict=False))
        print("MCD, every clip in one pair:")
        ratios = [in_turns(ways, pairs, pool)]
        print("MCD, three systems against the same reference:")
        references = range(0, len(paths) - 3, 4)
        again = [(paths[r], paths[r + s]) for r in references for s in (1, 2, 3)][:30]
        ratios.append(in_turns(ways, again, pool))
    pool.close()
    fast = max(ratios) <= 1.0
    told = ", ".join(f"{ratio:.2f}" for ratio in ratios)
    print(f"VERDICT: the studio's MCD takes {told} of pymcd's time: {'no slower' if fast else 'SLOWER'}")
    return fast


def in_turns(ways: dict[str, Way], pairs: Sequence[tuple[str, str]], pool: Distortions) -> float:
    """Print every way's time; the studio's wall time over pymcd's."""
    seconds = {name: [0.0, 0.0] for name in ways}
    for way in ways.values():
        way(pairs[:1])  # loading and starting up are not the metric's speed
    pool.forget()
    for at in range(0, len(pairs), TURN):
        for name, way in ways.items():
            wall, cpu = time.perf_counter(), cpu_s()
            way(pairs[at : at + TURN])
            seconds[name][0] += time.perf_counter() - wall
            seconds[name][1] += cpu_s() - cpu
    beside = seconds[PYMCD][0]
    for name, (wall, cpu) in seconds.items():
        of_theirs = f"{wall / beside:.2f} of pymcd"
        print(
            f"{name:<32}{wall / len(pairs):7.3f} s per pair of {len(pairs)} ({cpu / len(pairs):.3f} CPU s), {of_theirs}"
        )
    print(f"load {load()}", flush=True)
    return seconds[STUDIO][0] / beside


def cpu_s() -> float:
    """Processor seconds of this process and of those that work for it now."""
    import psutil

    own = psutil.Process()
    times = [one.cpu_times() for one in (own, *own.children(recursive=True))]
    return sum(found.user + found.system for found in times)


def values(pool: Distortions, pairs: Sequence[tuple[str, str]], pitch: Pitch) -> list[float]:
    found = pool.of_pairs(((read(one), read(other)) for one, other in pairs), pitch)
    return [one.value for one in found if isinstance(one, MelCepstralDistortion)]


def load() -> str:
    return "/".join(f"{value:.1f}" for value in os.getloadavg())


def read(path: str) -> AudioClip:
    samples, rate = soundfile.read(path, dtype="float32")
    return AudioClip(samples, rate)


def main() -> None:
    import torch

    torch.set_num_threads(CORES)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recordings", type=Path)
    parser.add_argument("models", type=Path)
    parser.add_argument("--clips", type=int, default=100)
    parser.add_argument("--parts", nargs="+", choices=("judges", "mcd"), default=("judges", "mcd"))
    given = parser.parse_args()
    clips = joined_clips(given.recordings, given.clips)
    print(f"{len(clips)} clips of {SECONDS} s, {RATE_HZ} Hz, {CORES} cores; load before {load()}", flush=True)
    if "judges" in given.parts:
        judged(clips, given.models)
    if "mcd" in given.parts and not beside_pymcd(clips):
        raise SystemExit(1)


def judged(clips: Sequence[AudioClip], models: Path) -> None:
    """Every metric but MCD, one clip after the other on two threads."""
    encoder = SpeakerEncoder(models / "wespeaker-resnet34" / "model.onnx", CORES)
    reference = encoder.embed(clips[0])
    per_clip("similarity", lambda clip: similarity(encoder.embed(clip), [reference]), clips)
    recognizer = WhisperRecognizer(models / "whisper-base-ct2", CORES)
    per_clip("speech recognition (WER)", lambda clip: recognizer.transcribe(clip, "it"), clips)
    text = "Il 3 aprile 2024 l'utente ha pagato 12,50 € per il servizio."
    per_clip("WER of a known transcript", lambda clip: wer([text], [text], "it"), clips)
    per_clip("predicted MOS", MosPredictor().predict, clips)
    pool = Distortions(CORES)
    per_clip("MCD to a known recording", lambda clip: pool.of_clips(clips[0], clip), clips)
    pool.close()


if __name__ == "__main__":
    main()
