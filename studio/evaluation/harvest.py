"""Harvest: the fundamental frequency of speech, as WORLD finds it and about twice as fast."""

from bisect import bisect_left
from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from studio.evaluation.harvest_candidates import Candidates, Floats, candidates
from studio.evaluation.lowpass import both_ways, butterworth, chebyshev

LOW_HZ, HIGH_HZ = 71.0, 800.0
SHORTEST_SECTION = 6  # milliseconds, as everything below
LONGEST_EXTENSION, MOST_MISSES = 100, 4
LONGEST_GAP = 9
Section = tuple[int, int]  # first and last frame


def harvest(samples: Floats, sample_rate_hz: int, frame_period_ms: float = 5.0) -> tuple[Floats, Floats]:
    """F0 in Hz (0: unvoiced) and time in s of every frame, both of shape (frames,), of samples (n,).

    The values of WORLD's Harvest to rounding: the same search between 71 and 800 Hz, done on whole arrays. It
    releases Python's lock where WORLD's binding holds it. Source: Morise, "Harvest: a high-performance fundamental
    frequency estimator from speech signals", Interspeech 2017, and the reference implementation's parameters.
    """
    sound, rate = _decimated(samples, sample_rate_hz)
    frames = _count(len(samples), sample_rate_hz, 1.0)
    found = candidates(sound - sound.mean(), rate, frames, LOW_HZ, HIGH_HZ)
    contour = _smooth(_contour(found))
    times = np.arange(_count(len(samples), sample_rate_hz, frame_period_ms)) * frame_period_ms / 1000
    return contour[np.minimum(frames - 1, (times * 1000 + 0.5).astype(np.intp))], times


def _count(samples: int, sample_rate_hz: int, period_ms: float) -> int:
    return int(1000.0 * samples / sample_rate_hz / period_ms) + 1


def _decimated(samples: Floats, sample_rate_hz: int) -> tuple[Floats, float]:
    """About 8 kHz, by a third-order Chebyshev low-pass run both ways over a sound held at its ends."""
    ratio = max(1, min(12, int(sample_rate_hz / 8000 + 0.5)))
    if ratio == 1:
        return samples, float(sample_rate_hz)
    length = -(-len(samples) // ratio)
    lag = -(-140 // ratio) * ratio
    held = np.pad(samples, lag, mode="edge")
    padded = np.pad(held, 9, mode="reflect", reflect_type="odd")
    low = both_ways(padded, chebyshev(3, 0.05, 0.8 / ratio))
    begin = len(held) - ratio * ((len(held) - 1) // ratio + 1) + ratio
    kept = low[begin + 8 : len(held) + 17 : ratio]
    return kept[lag // ratio : lag // ratio + length], sample_rate_hz / ratio


# From candidates to one contour


def _contour(found: Candidates) -> Floats:
    if not found.f0.any():
        return np.zeros(len(found.f0))
    base = np.take_along_axis(found.f0, found.scores.argmax(axis=1)[:, None], axis=1)[:, 0]
    steady = _without_short(_without_jumps(base))
    return _bridged(_extended(steady, found))


def _without_jumps(base: Floats, most: float = 0.008) -> Floats:
    """0 where a frame follows neither the line of the two before it nor the one before it."""
    kept = base.copy()
    kept[:2] = 0.0
    with np.errstate(divide="ignore", invalid="ignore"):
        line = 2 * base[1:-1] - base[:-2]
        jumps = (np.abs((base[2:] - line) / line) > most) & (
            np.abs(base[2:] - base[1:-1]) / base[1:-1] > most
        )
    kept[2:][jumps] = 0.0
    return kept


def sections(contour: Floats) -> list[Section]:
    """Where the contour is voiced; the very first and last frame never are."""
    voiced = contour > 0
    voiced[[0, -1]] = False
    change = np.diff(voiced.astype(np.int8))
    starts, ends = np.flatnonzero(change == 1) + 1, np.flatnonzero(change == -1)
    return [(int(first), int(last)) for first, last in zip(starts, ends, strict=True)]


def _without_short(contour: Floats) -> Floats:
    kept = contour.copy()
    for first, last in sections(contour):
        if last - first < SHORTEST_SECTION:
            kept[first : last + 1] = 0.0
    return kept


class _Choice:
    """The candidates of every frame, for walking along them."""

    def __init__(self, found: Candidates) -> None:
        self._found = found
        self._ordered = np.sort(found.f0, axis=1)
        self._rows: dict[int, list[float]] = {}

    def nearest(self, frame: int, f0: float, most: float = 0.18) -> float:
        """The candidate nearest to `f0`; 0 where all are further off than `most` of it."""
        row = self._rows.get(frame)
        if row is None:
            row = self._rows[frame] = self._ordered[frame].tolist()
        above = bisect_left(row, f0)
        best = row[above - 1] if above else 0.0
        if above < len(row) and row[above] - f0 < f0 - best:
            best = row[above]
        return best if abs(f0 - best) <= most * f0 else 0.0

    def score(self, track: Floats, first: int, last: int) -> float:
        """Sum of the scores of the candidates that `track` goes through from frame `first` to `last`."""
        span = slice(first, last + 1)
        through = self._found.f0[span] == track[span, None]
        return float(np.where(through, self._found.scores[span], 0.0).max(axis=1, initial=0.0).sum())


def _extended(contour: Floats, found: Candidates) -> Floats:
    """Sections followed on both sides along near candidates; short ones dropped, overlapping ones merged."""
    choice = _Choice(found)
    kept: list[tuple[Floats, Section]] = []
    mean = 0.0
    for first, last in sections(contour):
        track = np.zeros_like(contour)
        track[first : last + 1] = contour[first : last + 1]
        end = _follow(track, last, min(len(contour) - 2, last + LONGEST_EXTENSION), 1, choice)
        start = _follow(track, first, max(1, first - LONGEST_EXTENSION), -1, choice)
        mean = (mean + float(track[start:end].sum())) / (end - start)  # WORLD carries the mean on
        if 2200.0 / mean < end - start:
            kept.append((track, (start, end)))
    return _merged(kept, choice) if kept else contour


def _follow(track: Floats, origin: int, last: int, step: int, choice: _Choice) -> int:
    """Write candidates into `track` beyond `origin` until four frames have none; the last frame that had one."""
    f0, reached, misses = float(track[origin]), origin, 0
    for frame in range(origin + step, last + 2 * step, step):
        track[frame] = found = choice.nearest(frame, f0)
        if found == 0.0:
            misses += 1
        else:
            f0, reached, misses = found, frame, 0
        if misses == MOST_MISSES:
            break
    return reached


def _merged(tracks: list[tuple[Floats, Section]], choice: _Choice) -> Floats:
    """One contour of all; where two overlap, the better scored one."""
    merged = tracks[0][0].copy()
    spans = [span for _, span in tracks]
    for index in list(_by_start(spans))[1:]:
        track, (first, last) = tracks[index][0], spans[index]
        start, end = spans[0]
        if first > end:
            merged[first : last + 1] = track[first : last + 1]
            spans[0] = (first, last)
        elif not (start <= first and end >= last):
            ours, theirs = (choice.score(one, first, end) for one in (merged, track))
            begin = end if ours > theirs else first
            merged[begin : last + 1] = track[begin : last + 1]
            spans[0] = (start, last)
    return merged


def _by_start(spans: list[Section]) -> Iterator[int]:
    """Indices by first frame, in the order WORLD's sorting leaves them (it compares with the moved one)."""
    order = list(range(len(spans)))
    for i in range(1, len(order)):
        for j in range(i - 1, -1, -1):
            if spans[order[j]][0] <= spans[order[i]][0]:
                break
            order[i], order[j] = order[j], order[i]
    return iter(order)


def _bridged(contour: Floats) -> Floats:
    """Short gaps filled with a line from a little above the left end to a little under the right one."""
    filled, voiced = contour.copy(), sections(contour)
    for (_, left), (right, _) in pairwise(voiced):
        gap = right - left - 1
        if gap < LONGEST_GAP:
            low, high = contour[left] + 1, contour[right] - 1
            filled[left + 1 : right] = low + (high - low) / (gap + 1.0) * np.arange(1, gap + 1)
    return filled


def _smooth(contour: Floats) -> Floats:
    """Every section by a Butterworth low-pass of 30 Hz run both ways, held at its ends."""
    response, smooth = butterworth(2, 0.06), np.zeros_like(contour)
    margin = len(response)  # by then the filter has settled on the held value
    for first, last in sections(np.pad(contour, 1)):
        held = contour[first - 1 : last]
        track = np.pad(held, margin, mode="edge")
        smooth[first - 1 : last] = both_ways(track, response)[margin:-margin]
    return smooth
