"""Peak memory of making a dataset: hours of recordings, cut and sealed, must need no more than one hour does.

    .venv/bin/python -m benchmarks.dataset_memory [--hours 1 10]

Each length is one FLAC file of real speech (16 kHz, the tests' public-domain reader, over and over), built by the
real room in a child process of its own: decoding, speech detection, cutting, sealing, judging and splitting are
real, only recogniser, speaker encoder and watermark are scripted. Printed is the child's peak resident memory, as
the system counts it: what native libraries take is in it.

Bar: the longest needs at most 1.25 times the memory of the shortest.
"""

import argparse
import itertools
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile

from studio.audio.clip import AudioClip
from studio.audio.speech import speech_spans
from studio.evaluation.speech_recognition import Transcript, Word
from studio.settings import Settings
from tests.conftest import open_home
from tests.datasets.making import ListeningJudges, make, request_for, trainable
from tests.datasets.making import brought as bring
from tests.sounds import RATE, real_speech

BAR = 1.25
MB = 1024  # ru_maxrss is in kB


class Counting:
    """Hears one sentence of its own in every stretch of speech."""

    def __init__(self) -> None:
        self._numbers = itertools.count()

    def transcribe(self, clip: AudioClip, language: str = "") -> Transcript:
        words = tuple(
            word for span in speech_spans(clip) for word in self._sentence(span.start_s, span.end_s)
        )
        return Transcript(" ".join(word.text for word in words), language or "en", words, 1.0)

    def _sentence(self, start_s: float, end_s: float) -> Iterator[Word]:
        spelled = "".join("abcdefghij"[int(digit)] for digit in str(next(self._numbers)))
        texts = ("This", "is", "sentence", f"{spelled}.")
        step = (end_s - start_s) / len(texts)
        return (Word(t, start_s + i * step, start_s + (i + 1) * step, 0.9) for i, t in enumerate(texts))


def write_recording(file: Path, hours: float) -> None:
    """A reading of that length, with a pause after every 26 s; never whole in memory."""
    unit = np.concatenate([real_speech(26.0).samples, np.zeros(RATE, np.float32)])
    left = int(hours * 3600 * RATE)
    with soundfile.SoundFile(file, "w", RATE, 1, format="FLAC", subtype="PCM_16") as out:
        while left > 0:
            out.write(unit[:left])
            left -= len(unit)


def child(folder: Path, hours: float) -> None:
    """Build the dataset and print clips, seconds and peak kB."""
    judges = ListeningJudges()
    judges.ear = Counting()  # type: ignore[assignment]
    studio = open_home(Settings(storage=folder / "storage", device="cpu"), judges)
    actor = studio.accounts.actor_of(studio.accounts.ensure_administrator().id)
    voice = trainable(studio, actor)
    file = bring(folder / "brought", b"", "long.flac")
    write_recording(file.path, hours)
    began = time.monotonic()
    view = make(studio, actor, request_for(voice, file))
    took = time.monotonic() - began
    clips = view.kept + view.dropped
    studio.close()
    print(clips, round(took), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def measure(hours: float) -> int:
    """Peak kB of one length, told with what was made in which time."""
    with tempfile.TemporaryDirectory() as folder:
        command = [
            sys.executable,
            "-m",
            "benchmarks.dataset_memory",
            "--child",
            folder,
            "--hours",
            str(hours),
        ]
        told = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    clips, took, peak = (int(one) for one in told[-3:])
    print(f"{hours:5.1f} h: peak {peak / MB:6.0f} MB, {clips} clips, {took} s", flush=True)
    return peak


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=float, nargs="+", default=[1.0, 10.0])
    parser.add_argument("--child", type=Path)
    given = parser.parse_args()
    if given.child:
        child(given.child, given.hours[0])
        return 0
    peaks = [measure(hours) for hours in given.hours]
    ratio = peaks[-1] / peaks[0]
    print(f"ratio {ratio:.2f} (bar {BAR})")
    return 0 if ratio <= BAR else 1


if __name__ == "__main__":
    sys.exit(main())
