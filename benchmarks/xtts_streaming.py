"""XTTS streaming, the studio's against coqui-tts's `inference_stream`: same model, seed, chunk size and device.

Run from the root: `python -m benchmarks.xtts_streaming`. Weights are random, so the sound is noise and the
cost is real. By default the GPT is tiny and the vocoder narrow (minutes become seconds, the ratio leans on the
vocoder); `--real-size` builds the published dimensions (about 8 GB of memory, 2 GB of disk while it runs).
"""

import argparse
import contextlib
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from studio.engines.base import EngineContext
from studio.engines.xtts.conditioning import voice_tensors
from studio.engines.xtts.decoding import Draw, decode
from studio.engines.xtts.engine import XttsEngine
from studio.engines.xtts.spec import XttsOptions
from studio.engines.xtts.streaming import StreamingVocoder, stream
from studio.engines.xtts.tail import TailTrimmer
from tests.tiny_xtts import REAL_SIZE, Size, narrow_vocoder, write_tiny_xtts

TEXT = "nel mezzo del cammin di nostra vita mi ritrovai per una selva oscura"


@dataclass(frozen=True)
class Cost:
    """What one take cost: seconds to the first sound and to the last, frames through the vocoder."""

    first_s: float
    total_s: float
    frames: int


@dataclass(frozen=True)
class Bench:
    """A loaded model, a voice and the settings that both streams share."""

    model: Any
    latents: torch.Tensor
    speaker: torch.Tensor
    options: XttsOptions

    def upstream(self) -> Iterable[Any]:
        torch.manual_seed(self.options.seed)
        drawing = self.options.model_dump(include={"temperature", "top_p", "top_k", "repetition_penalty"})
        size = self.options.stream_chunk_size
        return self.model.inference_stream(
            TEXT, "it", self.latents, self.speaker, stream_chunk_size=size, **drawing
        )

    def ours(self) -> Iterable[Any]:
        ids = self.model.tokenizer.encode(TEXT, lang="it")
        generator = torch.Generator(self.latents.device).manual_seed(self.options.seed)
        latents = decode(self.model.gpt, self.latents, ids, Draw(self.options, generator, 10**6))
        vocoder = StreamingVocoder(self.model.hifigan_decoder, self.speaker)
        return stream(latents, vocoder, TailTrimmer(24_000, 0.1), self.options.stream_chunk_size)

    def cost(self, take: Callable[[], Iterable[Any]]) -> Cost:
        frames = 0

        def count(module: Any, inputs: tuple[torch.Tensor, ...], output: Any) -> None:
            nonlocal frames
            frames += inputs[0].shape[-1]

        hook = self.model.hifigan_decoder.waveform_decoder.register_forward_hook(count)
        started, first = time.perf_counter(), None
        for sound in take():
            if first is None and len(sound):
                first = time.perf_counter() - started
        hook.remove()
        return Cost(first or 0.0, time.perf_counter() - started, frames)


def load(folder: Path, real_size: bool, device: str) -> Any:
    """A model that never says stop, and its engine's preset voice, on `device`."""
    size = REAL_SIZE if real_size else Size()
    never_stops = Size(size.layers, size.width, size.heads, stop_bias=-100.0)
    with contextlib.nullcontext() if real_size else narrow_vocoder(64):
        write_tiny_xtts(folder, never_stops)
        engine = XttsEngine(EngineContext(lambda model_id: folder, folder, device))
        return engine._model(), engine.preset_voice("Alba Rossi")


def compare(bench: Bench, tokens: int, repeats: int) -> None:
    """Print one line: medians of takes in turn, ours and upstream's."""
    bench.model.gpt.max_gen_mel_tokens = tokens
    pairs = [(bench.cost(bench.ours), bench.cost(bench.upstream)) for _ in range(repeats)]

    def ratio(name: str) -> str:
        ours, upstream = (statistics.median(getattr(pair[i], name) for pair in pairs) for i in (0, 1))
        return f"{name} {ours:.4g} against {upstream:.4g} (x{upstream / ours:.2f})"

    print(
        f"{tokens:4d} tokens, {tokens / 21.533:5.1f} s: {ratio('total_s')}; {ratio('first_s')}; {ratio('frames')}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--real-size", action="store_true")
    parser.add_argument("--tokens", type=int, nargs="+", default=[60, 120, 240])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    with tempfile.TemporaryDirectory() as folder:
        model, voice = load(Path(folder) / "xtts", given.real_size, given.device)
        bench = Bench(model, *voice_tensors(model, voice), XttsOptions())
        for take in (bench.ours, bench.upstream):  # warm up
            model.gpt.max_gen_mel_tokens = 24
            bench.cost(take)
        for tokens in given.tokens:
            compare(bench, tokens, given.repeats)


if __name__ == "__main__":
    main()
