"""Fitting a Kokoro voice to a speaker by gradient: pitch first, then timbre and decoder biases together."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from studio.engines.base import ShouldStop
from studio.engines.kokoro import graph
from studio.engines.kokoro.decoder import Frames, Store, decode, predict_pitch, shared_text
from studio.engines.kokoro.encoders import RATE_HZ, SpeakerEncoders, similarity
from studio.engines.kokoro.reference import Target, resample, telephone
from studio.engines.kokoro.runtime import Fitting
from studio.engines.kokoro.voice import BIAS_SIZE, STYLE_SIZE, Array, KokoroVoice

HALF = STYLE_SIZE // 2
_PITCH_SENTENCES = 3
_BATCH = 2
_LEVEL = 0.06  # RMS the encoders hear everything at


@dataclass(frozen=True)
class Recipe:
    """How hard to fit. Rates are Adam's; pulls hold the voice near natural ones."""

    steps: int
    timbre_rate: float = 0.03
    bias_rate: float = 4e-3
    timbre_pull: float = 0.2
    bias_pull: float = 0.5
    window: int = 52  # frames of 25 ms heard at once: a sentence in full costs twice the time
    pitch_rounds: int = 2
    pitch_steps: int = 8


@dataclass(frozen=True)
class Progress:
    """One step of a fit: the voice so far and how like the target it sounds to the encoders in the loss."""

    step: int
    voice: KokoroVoice
    similarity: float


@dataclass(frozen=True)
class Fit:
    """The parts a fit works with; nothing here changes while it runs."""

    model: Fitting
    store: Store
    bias_names: tuple[str, ...]
    encoders: SpeakerEncoders

    def frames(self, ids: Sequence[int], voice: KokoroVoice) -> tuple[Frames, Tensor]:
        """Decoder inputs for a sentence, and the style (256,) they were made with."""
        style = voice.style_for(len(ids))
        parts = {name: torch.from_numpy(array) for name, array in self.model.front(ids, style).items()}
        names = (graph.ALIGNED_TEXT, graph.F0_CURVE, graph.ENERGY, graph.HARMONICS)
        return Frames(*(parts[name] for name in names)), torch.from_numpy(style)

    def biases(self, delta: Tensor) -> dict[str, Tensor]:
        """The shipped biases with a flat delta (37396,) added, by name; keeps the gradient."""
        shipped = [self.store.named(name) for name in self.bias_names]
        pieces = delta.split([base.numel() for base in shipped])
        return {n: base + piece for n, base, piece in zip(self.bias_names, shipped, pieces, strict=True)}


def hear(waveform: Tensor, target: Target) -> Tensor:
    """Generated 24 kHz sound as the encoders heard the reference: 16 kHz, same level, same band."""
    samples = resample(waveform, 24_000, RATE_HZ)
    samples = samples / (samples.square().mean().sqrt() + 1e-6) * _LEVEL
    return telephone(samples) if target.narrow_band else samples


def fit_pitch(
    fit: Fit, voice: KokoroVoice, sentences: Sequence[Sequence[int]], target: Target, recipe: Recipe
) -> KokoroVoice:
    """Move the prosody half until the median pitch over `sentences` is the target's; a second or two."""
    offset = torch.zeros(HALF)
    for _ in range(recipe.pitch_rounds):
        moved = _with_prosody(voice, offset)
        texts = []
        for ids in sentences[:_PITCH_SENTENCES]:
            style = moved.style_for(len(ids))
            text = fit.model.front(ids, style)[graph.PROSODY_TEXT]
            texts.append(
                (
                    shared_text(fit.store, torch.from_numpy(text)),
                    torch.from_numpy(voice.style_for(len(ids)))[HALF:],
                )
            )
        offset = _pitch_round(fit, texts, offset, target, recipe)
    return _with_prosody(voice, offset)


def _pitch_round(
    fit: Fit, texts: list[tuple[Tensor, Tensor]], start: Tensor, target: Target, recipe: Recipe
) -> Tensor:
    offset = start.clone().requires_grad_()
    optimizer = torch.optim.Adam([offset], lr=0.015)
    for _ in range(recipe.pitch_steps):
        curves = [predict_pitch(fit.store, text, (prosody + offset)[None]) for text, prosody in texts]
        voiced = torch.cat([curve[curve > 40.0] for curve in curves])
        if not voiced.numel():
            break
        loss = 20 * (voiced.log().mean() - target.log_f0_mean).square() + 0.3 * offset.square().sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return offset.detach()


def _with_prosody(voice: KokoroVoice, prosody: Tensor) -> KokoroVoice:
    offset = voice.offset.copy()
    offset[HALF:] = prosody.numpy()
    return replace(voice, offset=offset)


@dataclass(frozen=True)
class Task:
    """What a refinement works on: the start, the fitting sentences' ids, the target and how hard to try."""

    voice: KokoroVoice
    sentences: Sequence[Sequence[int]]
    target: Target
    recipe: Recipe
    seed: int
    workers: int


def refine(fit: Fit, task: Task, should_stop: ShouldStop) -> Iterator[Progress]:
    """Adam on timbre and decoder biases; alignment and pitch stay as they are. Yields after every step.

    A step hears _BATCH sentences, each on one thread of its own: no thread waits for another within a
    sentence, so a busy machine slows the fit in proportion only, and the sum does not depend on `workers`.
    """
    recipe = task.recipe
    prepared = [fit.frames(ids, task.voice) for ids in task.sentences]
    prepared = [(frames.spoken(), style) for frames, style in prepared]
    windows = _windows(prepared, recipe, task.seed)
    timbre, delta = torch.zeros(HALF, requires_grad=True), torch.zeros(BIAS_SIZE, requires_grad=True)
    groups = [{"params": [timbre], "lr": recipe.timbre_rate}, {"params": [delta], "lr": recipe.bias_rate}]
    optimizer = torch.optim.Adam(groups, betas=(0.8, 0.98))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, _warm_cosine(recipe.steps))
    heard: list[float] = []

    def hear_one(window: tuple[Frames, Tensor]) -> tuple[float, Tensor, Tensor]:
        return _gradient(fit, *window, task.target, timbre, delta)

    with one_thread_each(task.workers) as pool:
        for step in range(recipe.steps):
            if should_stop():
                return
            parts = list(pool.map(hear_one, windows[step * _BATCH : (step + 1) * _BATCH]))
            heard += [alike for alike, _, _ in parts]
            timbre.grad = sum(part[1] for part in parts) / _BATCH + 2 * recipe.timbre_pull * timbre.detach()
            delta.grad = sum(part[2] for part in parts) / _BATCH + 2 * recipe.bias_pull * delta.detach()
            torch.nn.utils.clip_grad_norm_([timbre, delta], 5.0)
            optimizer.step()
            schedule.step()
            recent = heard[-len(prepared) :]
            yield Progress(step + 1, _moved(task.voice, timbre, delta), float(np.mean(recent)))


def _gradient(
    fit: Fit, frames: Frames, style: Tensor, target: Target, timbre: Tensor, delta: Tensor
) -> tuple[float, Tensor, Tensor]:
    """Similarity of one sentence to the target, and the gradients of twice its lack in timbre and biases."""
    waveform = decode(fit.store, frames, (style[:HALF] + timbre)[None], fit.biases(delta))
    alike = similarity(fit.encoders.embed(hear(waveform, target)), target.embeddings)
    to_timbre, to_biases = torch.autograd.grad(2 * (1 - alike), [timbre, delta])
    return alike.item(), to_timbre, to_biases


@contextmanager
def one_thread_each(workers: int) -> Iterator[ThreadPoolExecutor]:
    """A pool whose threads compute alone: PyTorch's own threads wait for each other at every operation."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with ThreadPoolExecutor(max(1, workers), initializer=torch.set_num_threads, initargs=(1,)) as pool:
            yield pool
    finally:
        torch.set_num_threads(before)


def _moved(voice: KokoroVoice, timbre: Tensor, delta: Tensor) -> KokoroVoice:
    offset = voice.offset.copy()
    offset[:HALF] += timbre.detach().numpy()
    return replace(voice, offset=offset, biases=delta.detach().numpy().copy())


def _warm_cosine(steps: int) -> Callable[[int], float]:
    def rate(step: int) -> float:
        warm = min(1.0, (step + 1) / 5)
        return warm * (0.05 + 0.95 * 0.5 * (1 + np.cos(np.pi * step / max(steps, 1))))

    return rate


def _windows(prepared: list[tuple[Frames, Tensor]], recipe: Recipe, seed: int) -> list[tuple[Frames, Tensor]]:
    """What each step hears: every sentence once a round, a stretch of it each time, as the seed has it."""
    generator = np.random.default_rng(seed)
    chosen: list[tuple[Frames, Tensor]] = []
    while len(chosen) < recipe.steps * _BATCH:
        for index in generator.permutation(len(prepared)):
            frames, style = prepared[index]
            room = max(0, frames.text.shape[-1] - recipe.window)
            first = int(generator.integers(room + 1))
            chosen.append((frames.between(first, first + recipe.window), style))
    return chosen


def scaled(voice: KokoroVoice, strength: float) -> KokoroVoice:
    """The voice with what timbre and biases gained scaled by `strength`; pitch is kept whole."""
    offset: Array = voice.offset.copy()
    offset[:HALF] *= strength
    return replace(voice, offset=offset, biases=voice.biases * np.float32(strength))
