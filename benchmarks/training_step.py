"""A training step of ours against GPTTrainer's, on the same model, batch and device, in one run.

Run: python -m benchmarks.training_step [--size tiny|real] [--steps N] [--batch N] [--device cpu|cuda] [--seconds S]

Upstream trains the whole GPT and computes codes, mel spectrograms and conditioning of the batch at every
step; it is given its batch ready in memory, so reading and decoding files costs it nothing here. Ours
starts a step from prepared items. What preparing costs once a clip is printed beside it. Both use AdamW.
The quickest step counts; on a CPU the ratio is of processor time. At the tiny size steps are taken in turn;
at the real size one model after the other, which takes about 9 GB.
"""

import argparse
import gc
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import soundfile
import torch

from studio.audio.clip import AudioClip
from studio.engines.base import EngineContext
from studio.engines.learning import LearnerWish, TrainingClip
from studio.engines.xtts.learner import XttsLearner
from studio.engines.xtts.training_data import RATE_HZ
from tests.tiny_xtts import REAL_SIZE, Size, narrow_vocoder, write_tiny_xtts

TEXT = "Questa mattina il treno per Bologna parte con venti minuti di ritardo dal binario sette."
_WARM_UP = 1


@dataclass(frozen=True)
class Timing:
    """Seconds of the quickest step, by the clock and of the processor; on a GPU the most memory held."""

    wall_s: float
    cpu_s: float
    memory_gb: float

    def beside(self, other: "Timing", device: str) -> float:
        """How many times as fast as `other`: by processor time on a CPU, which others may be using too."""
        return other.wall_s / self.wall_s if device == "cuda" else other.cpu_s / self.cpu_s


def in_turn(
    first: Callable[[], None], second: Callable[[], None], steps: int, device: str
) -> tuple[Timing, Timing]:
    """Time two kinds of step, one after the other, so that whatever else the machine does meets both."""
    found: tuple[list[Timing], list[Timing]] = ([], [])
    for number in range(_WARM_UP + steps):
        for step, timings in zip((first, second), found, strict=True):
            timing = timed(step, device)
            if number >= _WARM_UP:
                timings.append(timing)
    return quickest(found[0]), quickest(found[1])


def timed(step: Callable[[], None], device: str) -> Timing:
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
        torch.cuda.synchronize()
    wall, cpu = time.perf_counter(), time.process_time()
    step()
    if device == "cuda":
        torch.cuda.synchronize()
    held = torch.cuda.max_memory_allocated() / 1e9 if device == "cuda" else 0.0
    return Timing(time.perf_counter() - wall, time.process_time() - cpu, held)


def quickest(timings: list[Timing]) -> Timing:
    return Timing(*(min(getattr(one, name) for one in timings) for name in ("wall_s", "cpu_s", "memory_gb")))


def sounds(batch: int, seconds: float) -> list[AudioClip]:
    generator = np.random.default_rng(0)
    lengths = np.linspace(0.7, 1.0, batch) * seconds * RATE_HZ
    return [AudioClip((0.1 * generator.standard_normal(int(n))).astype(np.float32), RATE_HZ) for n in lengths]


def optimizer_of(parameters: Any) -> torch.optim.Optimizer:
    return torch.optim.AdamW(parameters, lr=1e-5, betas=(0.9, 0.96), weight_decay=1e-2)


def upstream_step(folder: Path, clips: list[AudioClip], device: str) -> Callable[[], None]:
    """GPTTrainer's own format_batch_on_device and train_step, then backward and the optimiser."""
    from TTS.tts.layers.xtts.trainer.dataset import XTTSDataset
    from TTS.tts.layers.xtts.trainer.gpt_trainer import GPTArgs, GPTTrainer, GPTTrainerConfig

    config = GPTTrainerConfig()
    config.load_json(folder / "config.json")
    sizes = {
        key: value for key, value in config.model_args.to_dict().items() if key in GPTArgs.__annotations__
    }
    inherited = {
        key: getattr(config.model_args, key)
        for key in vars(config.model_args)
        if key.startswith(("gpt_", "decoder_"))
    }
    config.model_args = GPTArgs(**(sizes | inherited))
    config.model_args.mel_norm_file = str(folder / "mel_stats.pth")
    config.model_args.dvae_checkpoint = str(folder / "dvae.pth")
    config.model_args.xtts_checkpoint = str(folder / "model.pth")
    config.model_args.tokenizer_file = str(folder / "vocab.json")
    config.audio.dvae_sample_rate = RATE_HZ
    trainer = GPTTrainer(config).to(device)
    samples = []
    for number, clip in enumerate(clips):
        path = folder / f"clip-{number}.wav"
        soundfile.write(path, clip.samples, RATE_HZ)
        samples.append({"text": TEXT, "audio_file": str(path), "language": "it"})
    dataset = XTTSDataset(config, samples, trainer.xtts.tokenizer, RATE_HZ)
    with mock.patch("TTS.tts.layers.xtts.trainer.dataset.load_audio", read_audio):
        rows = [row_of(dataset, sample) for sample in samples]
    trainer.on_train_epoch_start(_Holder(trainer))
    optimizer = optimizer_of(trainer.xtts.gpt.parameters())

    def step() -> None:
        batch = dataset.collate_fn([dict(row) for row in rows])
        batch = {
            key: value.to(device) if isinstance(value, torch.Tensor) else value
            for key, value in batch.items()
        }
        batch = trainer.format_batch_on_device(batch)
        _, losses = trainer.train_step(batch, None)
        losses["loss"].backward()
        torch.nn.utils.clip_grad_norm_(trainer.xtts.gpt.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()

    return step


def read_audio(path: str, sampling_rate: int) -> torch.Tensor:
    """In the place of upstream's, which needs the system's FFmpeg."""
    samples, rate = soundfile.read(path, dtype="float32")
    assert rate == sampling_rate
    return torch.from_numpy(samples)[None]


class _Holder:
    """What GPTTrainer looks at in a Trainer."""

    def __init__(self, model: Any) -> None:
        self.model = model


def row_of(dataset: Any, sample: dict[str, str]) -> dict[str, Any]:
    """What XTTSDataset makes of this very sample; its own __getitem__ would draw one at random."""
    text, path, wave, prompt, _, span = dataset.load_item(sample)
    return {
        "text": text, "text_lengths": torch.tensor(len(text)), "wav": wave, "wav_lengths": torch.tensor(wave.shape[-1]),
        "filenames": path, "conditioning": prompt.unsqueeze(1), "cond_lens": torch.tensor([float("nan")]),
        "cond_idxs": torch.tensor(span),
    }  # fmt: skip


def our_step(
    folder: Path, clips: list[AudioClip], device: str, method: str
) -> tuple[Callable[[], None], float]:
    """A step of a learner, and the seconds that preparing took for each clip."""
    context = EngineContext(lambda model_id: folder, folder, device, torch.get_num_threads())
    learner = XttsLearner(context, LearnerWish(method, "it", longest_s=12.0))
    started = time.perf_counter()
    named = [TrainingClip(f"clip_{n}", TEXT, "it", clip) for n, clip in enumerate(clips)]
    items = learner.prepare(named, lambda done: None, lambda: False)
    prepare_s = (time.perf_counter() - started) / len(clips)
    assert len(items) == len(clips)
    optimizer = optimizer_of(learner.parameters())

    def step() -> None:
        learner.loss(items, 0).total.backward()
        torch.nn.utils.clip_grad_norm_(learner.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()

    return step, prepare_s


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", choices=("tiny", "real"), default="tiny")
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument(
        "--methods", nargs="+", choices=("full", "lora", "bottleneck"), default=["full", "lora", "bottleneck"]
    )
    parser.add_argument("--batch", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    wish = parser.parse_args()
    clips = sounds(wish.batch, wish.seconds)
    # The DVAE is of the published size in both: what upstream computes at each step is what it is.
    size = REAL_SIZE if wish.size == "real" else Size(dvae=512)
    print(
        f"{wish.size} model, batch {wish.batch} of up to {wish.seconds:g} s, {wish.device}, {wish.threads} threads"
    )
    with tempfile.TemporaryDirectory() as folder_name, narrow_vocoder():
        folder = write_tiny_xtts(Path(folder_name) / "xtts", size)
        if wish.size == "real":
            one_after_the_other(folder, clips, wish)
            return
        theirs = upstream_step(folder, clips, wish.device)
        for method in wish.methods:
            ours, prepare_s = our_step(folder, clips, wish.device, method)
            torch.set_num_threads(wish.threads)  # coqui-tts's dataset module sets it to one
            base, timing = in_turn(theirs, ours, wish.steps, wish.device)
            show("GPTTrainer, full", base, 1.0, wish, 0.0)
            show(f"ours, {method}", timing, timing.beside(base, wish.device), wish, prepare_s)
            del ours


def one_after_the_other(folder: Path, clips: list[AudioClip], wish: argparse.Namespace) -> None:
    """The same with one model in memory at a time."""
    step = upstream_step(folder, clips, wish.device)
    torch.set_num_threads(wish.threads)
    base = quickest([timed(step, wish.device) for _ in range(_WARM_UP + wish.steps)][_WARM_UP:])
    show("GPTTrainer, full", base, 1.0, wish, 0.0)
    del step
    for method in wish.methods:
        gc.collect()
        ours, prepare_s = our_step(folder, clips, wish.device, method)
        torch.set_num_threads(wish.threads)
        timing = quickest([timed(ours, wish.device) for _ in range(_WARM_UP + wish.steps)][_WARM_UP:])
        show(f"ours, {method}", timing, timing.beside(base, wish.device), wish, prepare_s)
        del ours


def show(name: str, timing: Timing, ratio: float, wish: argparse.Namespace, prepare_s: float) -> None:
    memory = f", {timing.memory_gb:.2f} GB" if timing.memory_gb else ""
    once = f" (before training, once a clip: {prepare_s:.2f} s)" if prepare_s else ""
    per_s, per_cpu_s = wish.batch / timing.wall_s, wish.batch / timing.cpu_s
    print(
        f"  {name:17} {per_s:7.3f} clips/s {per_cpu_s:7.3f} clips/CPU s {ratio:6.2f}x{memory}{once}",
        flush=True,
    )


if __name__ == "__main__":
    main()
