"""Harvest's candidates: what the fundamental of every millisecond might be, and how well it fits."""

import functools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

CHANNELS_IN_OCTAVE = 40
NARROWEST_RUN = 10  # channels that must agree on a candidate
NEIGHBOURS = 3  # frames on both sides whose candidates are tried, too
HARMONICS = 6
LEAST_SCORE = 2.5
TINY = 1e-12
NUTTALL = np.array([0.355768, 0.487396, 0.144232, 0.012604])
_BLOCK = 4096
_BATCH = 4  # channels filtered together: arrays of a megabyte, which stay in a processor's cache


@dataclass(frozen=True)
class Candidates:
    """Of every frame (one millisecond): frequencies and scores, shape (frames, most); 0 where there is none."""

    f0: Floats
    scores: Floats


def candidates(sound: Floats, rate: float, frames: int, low: float, high: float) -> Candidates:
    """Candidates between `low` and `high` Hz of a sound (n,) of about 8 kHz without its mean."""
    rough = _spread(_agreed(_raw(sound, rate, frames, low, high)))
    return _continued(_refined(rough, sound, rate, low, high))


def _boundaries(low: float, high: float) -> Floats:
    count = 1 + int(np.log2(1.1 * high / (0.9 * low)) * CHANNELS_IN_OCTAVE)
    return np.asarray(0.9 * low * 2 ** (np.arange(1, count + 1) / CHANNELS_IN_OCTAVE))


# Every channel's opinion


def _raw(sound: Floats, rate: float, frames: int, low: float, high: float) -> Floats:
    """The frequency each band-pass hears at each frame, shape (channels, frames); 0 outside its band."""
    boundaries = _boundaries(low, high)
    parts = [_heard(part, bands, rate, frames) for part, bands in _filtered(sound, rate, boundaries)]
    found = np.concatenate(parts)
    band = boundaries[:, None]
    outside = (found > band * 1.1) | (found < band * 0.9) | (found > high) | (found < low)
    return np.where(outside, 0.0, found)


def _filtered(sound: Floats, rate: float, boundaries: Floats) -> Iterator[tuple[Floats, Floats]]:
    """Batches of (band-passed sounds (k, n), their boundaries): overlap-save, as long as the sound."""
    responses, halves = _bank(rate, tuple(boundaries))
    longest = 2 * int(halves.max()) + 1
    hop = _BLOCK - longest + 1
    blocks = -(-(len(sound) + longest) // hop)
    padded = np.zeros((blocks - 1) * hop + _BLOCK)
    padded[longest - 1 : longest - 1 + len(sound)] = sound
    spectra = np.fft.rfft(np.lib.stride_tricks.sliding_window_view(padded, _BLOCK)[::hop])
    for at in range(0, len(boundaries), _BATCH):
        many = slice(at, at + _BATCH)
        pieces = np.fft.irfft(responses[many, None] * spectra, n=_BLOCK)[..., longest - 1 :]
        whole = pieces.reshape(len(pieces), -1)
        shifts = halves[many] + 1  # the filter's middle, and one: as WORLD has it
        yield (
            np.stack([row[s : s + len(sound)] for row, s in zip(whole, shifts, strict=True)]),
            boundaries[many],
        )


@functools.lru_cache(maxsize=4)
def _bank(rate: float, boundaries: tuple[float, ...]) -> tuple[NDArray[np.complex128], Ints]:
    """Spectra of the band-passes (Nuttall-windowed cosines four periods long), and half their lengths."""
    halves = np.array([int(rate / f * 2 + 0.5) for f in boundaries], dtype=np.intp)
    taps = np.zeros((len(boundaries), _BLOCK))
    for row, f, half in zip(taps, boundaries, halves, strict=True):
        turn = np.pi * np.arange(-half, half + 1) / half
        window = NUTTALL @ np.cos(np.outer(np.arange(4), turn))
        row[: 2 * half + 1] = window * np.cos(2 * np.pi * f * np.arange(-half, half + 1) / rate)
    return np.fft.rfft(taps), halves


def _heard(sounds: Floats, boundaries: Floats, rate: float, frames: int) -> Floats:
    """Mean of the four rates of crossing: downwards, upwards, of peaks and of dips."""
    total, sure = np.zeros((len(sounds), frames)), np.ones(len(sounds), dtype=bool)
    for signal in (sounds, np.diff(sounds)):
        for side in (signal > 0, signal < 0):
            found, enough = _crossings(signal, side, rate, frames)
            total += found
            sure &= enough
    return np.where(sure[:, None], total / 4, 0.0)


def _crossings(
    signal: Floats, side: NDArray[np.bool_], rate: float, frames: int
) -> tuple[Floats, NDArray[np.bool_]]:
    """Crossings per second where each row leaves its `side` of 0, at every frame; and which rows have enough."""
    leaves = side.copy()
    np.logical_and(side[:, :-1], ~side[:, 1:], out=leaves[:, :-1])
    leaves[:, -1] = False
    at = np.flatnonzero(leaves)
    rows = at // signal.shape[1]
    flat = signal.ravel()
    before, after = flat[at], flat[at + 1]
    edges = at - rows * signal.shape[1] + 1 - before / (after - before)
    same = rows[1:] == rows[:-1]
    of = rows[1:][same]
    per_s = (rate / np.diff(edges))[same]
    places = ((edges[1:] + edges[:-1]) / 2 / rate)[same]
    counts = np.bincount(of, minlength=len(signal))
    enough = counts > 2
    if not enough.any():
        return np.zeros((len(signal), frames)), enough
    return _interpolated(places, per_s, of, counts, frames), enough


def _interpolated(places: Floats, values: Floats, of: Ints, counts: Ints, frames: int) -> Floats:
    """Each row's values at 0, 1, 2 ... ms, linear between its `places` (s) and beyond them."""
    first = np.concatenate([[0], np.cumsum(counts)[:-1]])
    passed_at = np.minimum(np.ceil(places * 1000).astype(np.intp), frames)
    passed = np.bincount(of * (frames + 1) + passed_at, minlength=len(counts) * (frames + 1))
    before = np.cumsum(passed.reshape(len(counts), frames + 1)[:, :frames], axis=1) - 1
    left = np.clip(before, 0, np.maximum(counts - 2, 0)[:, None]) + first[:, None]
    left = np.minimum(left, max(len(places) - 2, 0))  # rows with too few are thrown away by the caller
    slopes = np.diff(values) / np.where(np.diff(places) == 0, 1.0, np.diff(places))
    offsets = values[:-1] - slopes * places[:-1]
    return np.asarray(offsets[left] + slopes[left] * (np.arange(frames) / 1000))


# What neighbouring channels agree on


def _agreed(raw: Floats) -> Floats:
    """Means over runs of at least ten channels that heard something, shape (frames, most)."""
    heard = raw.T > 0
    heard[:, [0, -1]] = False
    change = np.diff(heard.astype(np.int8), axis=1)
    rows, starts = np.nonzero(change == 1)
    ends = np.nonzero(change == -1)[1]
    wide = ends - starts >= NARROWEST_RUN
    rows, starts, ends = rows[wide], starts[wide] + 1, ends[wide] + 1
    if not len(rows):
        return np.zeros((len(heard), 0))
    flat, width = np.ascontiguousarray(raw.T).ravel(), raw.shape[0]
    bounds = np.stack([rows * width + starts, rows * width + ends], axis=1).ravel()
    means = np.add.reduceat(flat, bounds)[::2] / (ends - starts)
    place = np.arange(len(rows)) - np.searchsorted(rows, rows)
    found = np.zeros((len(heard), int(place.max()) + 1))
    found[rows, place] = means
    return found


def _spread(found: Floats) -> Floats:
    """Every frame with the candidates of the three frames before and after it."""
    parts = [found]
    for shift in (*range(1, NEIGHBOURS + 1), *range(-1, -NEIGHBOURS - 1, -1)):
        part = np.zeros_like(found)
        if shift > 0:
            part[shift:] = found[:-shift]
        else:
            part[:shift] = found[-shift:]
        parts.append(part)
    return np.concatenate(parts, axis=1)


# Refinement by instantaneous frequency


def _refined(rough: Floats, sound: Floats, rate: float, low: float, high: float) -> Candidates:
    frames, places = np.nonzero(rough)
    f0 = rough[frames, places]
    halves = (1.5 * rate / f0 + 1.0).astype(np.intp)
    refined, scores = np.zeros_like(f0), np.zeros_like(f0)
    order = np.argsort(halves, kind="stable")
    edges = np.flatnonzero(np.diff(halves[order])) + 1
    for group in np.split(order, edges):
        if len(group):
            half = int(halves[group[0]])
            refined[group], scores[group] = _instantaneous(sound, rate, frames[group], f0[group], half)
    lost = (refined < low) | (refined > high) | (scores < LEAST_SCORE)
    return _packed(frames[~lost], refined[~lost], scores[~lost], len(rough))


def _packed(of: Ints, f0: Floats, scores: Floats, frames: int) -> Candidates:
    """Every frame's own side by side, in as few columns as the fullest frame needs."""
    place = np.arange(len(of)) - np.searchsorted(of, of)
    shape = frames, int(place.max(initial=-1)) + 1
    packed = Candidates(np.zeros(shape), np.zeros(shape))
    packed.f0[of, place], packed.scores[of, place] = f0, scores
    return packed


def _instantaneous(sound: Floats, rate: float, frames: Ints, f0: Floats, half: int) -> tuple[Floats, Floats]:
    """Frequencies and scores of candidates whose windows are all 2 * `half` + 1 samples long."""
    length = 2 * half + 1
    size = 2 ** (2 + int(np.log2(length)))
    where, back = np.unique(frames, return_inverse=True)
    harmonics = np.minimum((rate / 2 / f0).astype(np.intp), HARMONICS)
    numbers = np.arange(1, HARMONICS + 1)
    asked = numbers <= harmonics[:, None]
    bins = np.where(asked, (f0[:, None] * size / rate * numbers + 0.5).astype(np.intp), 0)
    needed, column = np.unique(bins, return_inverse=True)
    spectrum, slope = _spectra(sound, rate, where / 1000, half, needed, size)
    at = back[:, None], column.reshape(bins.shape)
    one, other = spectrum[at], slope[at]
    power = one.real**2 + one.imag**2
    turning = one.real * other.imag - one.imag * other.real
    safe = np.where(power == 0, 1.0, power)
    frequency = np.where(power == 0, 0.0, bins * rate / size + turning / safe * rate / 2 / np.pi)
    amplitude = np.where(asked, np.sqrt(power), 0.0)
    found = (amplitude * frequency).sum(1) / ((amplitude * numbers).sum(1) + TINY)
    miss = np.where(asked, np.abs((frequency / numbers - f0[:, None]) / f0[:, None]), 0.0).sum(1)
    return found, 1 / (miss / harmonics + TINY)


def _spectra(
    sound: Floats, rate: float, times: Floats, half: int, bins: Ints, size: int
) -> tuple[NDArray[np.complex128], NDArray[np.complex128]]:
    """At `bins`, with a Blackman window about each of `times` (s) and with that window's slope: (times, bins)."""
    length = 2 * half + 1
    steps = np.arange(length)
    first = np.trunc(np.where((at := (times - half / rate) * rate + 0.001) > 0, at + 0.5, at - 0.5)).astype(
        np.intp
    )
    pieces = sound[np.clip(first[:, None] + steps - 1, 0, len(sound) - 1)]
    angles = 2 * np.pi * ((first - 1) / rate - times) / (length / rate)
    turn = 2 * np.pi * steps / length
    parts = np.stack(
        [0.5 * np.cos(angles), -0.5 * np.sin(angles), 0.08 * np.cos(2 * angles), -0.08 * np.sin(2 * angles)]
    )
    window = 0.42 + parts.T @ np.stack([np.cos(turn), np.sin(turn), np.cos(2 * turn), np.sin(2 * turn)])
    slope = np.empty_like(window)
    slope[:, 1:-1] = (window[:, :-2] - window[:, 2:]) / 2
    slope[:, 0], slope[:, -1] = -window[:, 1] / 2, window[:, -2] / 2
    waves = np.exp(-2j * np.pi * (np.outer(steps, bins) % size) / size)
    both = np.concatenate([waves.real, waves.imag], axis=1)
    one, other = (pieces * window) @ both, (pieces * slope) @ both
    count = len(bins)
    return one[:, :count] + 1j * one[:, count:], other[:, :count] + 1j * other[:, count:]


def _continued(found: Candidates) -> Candidates:
    """Without those that no candidate of the frame before or after comes within 5 % of."""
    f0 = found.f0
    lonely = np.zeros(f0.shape, dtype=bool)
    safe = np.where(f0 == 0, 1.0, f0)[1:-1]
    nearest = np.full(safe.shape, np.inf)
    for beside in (f0[2:], f0[:-2]):
        for column in beside.T:
            np.minimum(nearest, np.abs(safe - column[:, None]), out=nearest)
    lonely[1:-1] = (f0[1:-1] > 0) & (nearest / safe > 0.05)
    return Candidates(np.where(lonely, 0.0, f0), np.where(lonely, 0.0, found.scores))
