"""False accepts and false rejects of statement-against-sample matching, over every real speaker at hand.

    .venv/bin/python -m benchmarks.speaker_match [--statements 6] [--threads 2]

A statement is about twelve seconds of a speaker's clips, taken at random; it is compared with every clip of that
speaker it was not made of, and with clips and windows of every other speaker. The bars in
`studio/consent/matching.py` were chosen from what this prints.
"""

import argparse
import logging
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from studio.audio.clip import AudioClip
from studio.consent import matching
from studio.evaluation.speaker_encoder import SpeakerEncoder

ROOT = Path(__file__).parent.parent
VOICES = ROOT.parent / "shared" / "voices"
STATEMENT_S = 12.0
RATE = 16_000
MOST = 30  # clips of a speaker
Vectors = NDArray[np.float32]
log = logging.getLogger("benchmarks.speaker_match")


def clips_of(folder: Path) -> list[AudioClip]:
    read = [soundfile.read(path, dtype="float32")[0] for path in sorted(folder.glob("*.flac"))]
    return [AudioClip(samples, RATE) for samples in read if len(samples) >= 1.5 * RATE]


def joined(clips: Sequence[AudioClip], order: Iterable[int], seconds: float) -> tuple[AudioClip, set[int]]:
    """About `seconds` of the clips in this order, and which were used."""
    used: set[int] = set()
    pieces: list[NDArray[np.float32]] = []
    for index in order:
        if sum(map(len, pieces)) >= seconds * RATE:
            break
        used.add(index)
        pieces.append(clips[index].samples)
    return AudioClip(np.concatenate(pieces)[: int(seconds * RATE)], RATE), used


class Speakers:
    """Everybody's statements, clips and windows as vectors; a statement knows the clips it was made of."""

    def __init__(self, encoder: SpeakerEncoder, statements: int, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.statements: dict[str, list[tuple[Vectors, set[int]]]] = {}
        self.clips: dict[str, list[Vectors]] = {}
        self.windows: dict[str, list[tuple[Vectors, int]]] = {}
        for folder in sorted(path for path in VOICES.iterdir() if path.is_dir()):
            clips = clips_of(folder)
            chosen = [clips[i] for i in sorted(rng.permutation(len(clips))[:MOST])]
            self.clips[folder.name] = [encoder.embed(clip) for clip in chosen]
            self.statements[folder.name] = [
                (encoder.embed(statement), used)
                for statement, used in (
                    joined(chosen, rng.permutation(len(chosen)), STATEMENT_S) for _ in range(statements)
                )
            ]
            self.windows[folder.name] = [
                (encoder.embed(window), index)
                for index, clip in enumerate(chosen)
                for window in matching.windows(clip, int(rng.integers(2**32)), 2)
            ]
            log.info("%s: %d clips, %d windows", folder.name, len(chosen), len(self.windows[folder.name]))

    def scores(self, *, window: bool) -> tuple[Vectors, Vectors]:
        """Cosines of one person and of two."""
        same, other = [], []
        for name, statements in self.statements.items():
            for vector, used in statements:
                for whose, samples in self._samples(window).items():
                    for sample, index in samples:
                        if whose != name:
                            other.append(float(vector @ sample))
                        elif index not in used:
                            same.append(float(vector @ sample))
        return np.array(same, np.float32), np.array(other, np.float32)

    def _samples(self, window: bool) -> dict[str, list[tuple[Vectors, int]]]:
        if window:
            return self.windows
        return {name: [(v, i) for i, v in enumerate(vectors)] for name, vectors in self.clips.items()}


def rates(same: Vectors, other: Vectors, bar: float) -> tuple[float, float]:
    """False accepts (another's at or above the bar) and false rejects (one's own below it), as fractions."""
    return float((other >= bar).mean()), float((same < bar).mean())


def equal_error(same: Vectors, other: Vectors) -> tuple[float, float]:
    """The rate where both errors meet, and the cosine where they do."""
    bars = np.linspace(-0.2, 0.9, 1101)
    far, frr = np.array([rates(same, other, bar) for bar in bars]).T
    at = int(np.abs(far - frr).argmin())
    return float((far[at] + frr[at]) / 2), float(bars[at])


def report(title: str, same: Vectors, other: Vectors, accept: float, refuse: float) -> list[str]:
    error, at = equal_error(same, other)
    lines = [
        f"\n{title}: {len(same)} comparisons of one person, {len(other)} of two",
        f"  equal error {100 * error:.2f} % at {at:.2f}; own voice: median {np.median(same):.2f}, lowest "
        f"{same.min():.2f}; another's: median {np.median(other):.2f}, highest {other.max():.2f}",
        "  bar    false accepts  false rejects",
    ]
    for bar in (0.10, 0.15, 0.20, 0.25, 0.30, 0.35, 0.40, 0.45, 0.50):
        far, frr = rates(same, other, bar)
        lines.append(f"  {bar:.2f}   {100 * far:9.2f} %   {100 * frr:9.2f} %")
    far, frr = rates(same, other, accept)
    asked = float(((same < accept) & (same >= refuse)).mean())
    lines += [
        f"  accepted from {accept:.2f}: another's voice accepted {100 * far:.2f} %",
        f"  refused under {refuse:.2f}: own voice refused {100 * rates(same, other, refuse)[1]:.2f} %; "
        f"own voice sent to a person {100 * asked:.2f} %; another's refused outright "
        f"{100 * float((other < refuse).mean()):.2f} %",
    ]
    return lines


def main() -> None:
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(message)s")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--statements", type=int, default=6)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    if not VOICES.is_dir():
        raise SystemExit("the measuring voices are not on this machine")
    started = time.perf_counter()
    encoder = SpeakerEncoder(ROOT / "storage/models/wespeaker-resnet34/model.onnx", given.threads)
    speakers = Speakers(encoder, given.statements, given.seed)
    lines = [f"speaker match {matching.MATCH_VERSION}: {len(speakers.clips)} speakers, seed {given.seed}"]
    for title, window, accept, refuse in (
        ("whole clips", False, matching.SAMPLE_SAME, matching.SAMPLE_OTHER),
        (f"windows of {matching.WINDOW_S:g} s", True, matching.WINDOW_SAME, matching.WINDOW_OTHER),
    ):
        lines += report(title, *speakers.scores(window=window), accept, refuse)
    lines.append(f"\n{time.perf_counter() - started:.0f} s")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
