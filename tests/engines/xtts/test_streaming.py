from typing import Any

import numpy as np
import pytest
import torch

from studio.engines.xtts.streaming import REACH_FRAMES, StreamingVocoder

TOLERANCE = 2e-6  # float32 sums in another order; full scale is 1


def latents(count: int, width: int) -> torch.Tensor:
    return torch.randn(count, width, generator=torch.Generator().manual_seed(5))


def speaker() -> torch.Tensor:
    return torch.randn(1, 512, 1, generator=torch.Generator().manual_seed(6)) * 0.3


def streamed(decoder: Any, spoken: torch.Tensor, size: int, speed: float) -> list[np.ndarray]:
    vocoder = StreamingVocoder(decoder, speaker(), speed)
    parts = [part.split(1) for part in spoken.split(size)]
    return [*(vocoder.push(part) for part in parts[:-1]), vocoder.finish(parts[-1])]


def upstream(decoder: Any, spoken: torch.Tensor, speed: float) -> np.ndarray:
    stretched = spoken[None]
    if speed != 1.0:
        stretched = torch.nn.functional.interpolate(
            stretched.transpose(1, 2), scale_factor=1 / speed, mode="linear"
        ).transpose(1, 2)
    with torch.inference_mode():
        return decoder(stretched, g=speaker())[0, 0].numpy()


@pytest.mark.parametrize(
    ("size", "speed"), [(1, 1.0), (20, 1.0), (1000, 1.0), (7, 0.9), (20, 0.5), (13, 1.37), (13, 2.0)]
)
def test_streamed_sound_equals_upstreams_whole_decode(model: Any, size: int, speed: float) -> None:
    spoken = latents(33, model.gpt.model_dim)
    whole = upstream(model.hifigan_decoder, spoken, speed)
    chunks = np.concatenate(streamed(model.hifigan_decoder, spoken, size, speed))
    assert chunks.shape == whole.shape
    assert np.abs(chunks - whole).max() < TOLERANCE


def test_a_speed_close_to_one_streams_as_it_decodes_whole(model: Any) -> None:
    spoken = latents(33, model.gpt.model_dim)
    whole = streamed(model.hifigan_decoder, spoken, 33, 0.96)[0]
    assert np.abs(np.concatenate(streamed(model.hifigan_decoder, spoken, 6, 0.96)) - whole).max() < TOLERANCE


def test_streamed_sound_equals_the_whole_with_the_vocoder_at_its_real_width() -> None:
    from TTS.tts.layers.xtts.hifigan_decoder import HifiDecoder

    torch.manual_seed(0)
    decoder = HifiDecoder(decoder_input_dim=64).eval()
    spoken = latents(10, 64)
    chunks = np.concatenate(streamed(decoder, spoken, 5, 1.0))
    assert np.abs(chunks - upstream(decoder, spoken, 1.0)).max() < TOLERANCE


def test_sound_comes_before_the_end_and_each_chunk_decodes_only_its_own_frames(
    model: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[int] = []
    generator = model.hifigan_decoder.waveform_decoder
    forward = generator.forward

    def counted(frames: torch.Tensor, g: torch.Tensor) -> torch.Tensor:
        decoded.append(frames.shape[-1])
        return forward(frames, g=g)

    monkeypatch.setattr(generator, "forward", counted)
    chunks = streamed(model.hifigan_decoder, latents(120, model.gpt.model_dim), 20, 1.0)
    assert all(len(chunk) for chunk in chunks)
    assert max(decoded) <= 20 * 4 * 160 / 147 + 2 * REACH_FRAMES + REACH_FRAMES
