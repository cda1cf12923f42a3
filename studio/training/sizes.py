"""How large the models that can be trained are; pure figures, each with where it comes from."""

from collections.abc import Callable
from dataclasses import dataclass

from studio.training.plan import Method, TrainingPlan

MEGA, GIGA = 10**6, 10**9
BLOCKS, WIDTH = 30, 1024  # of the XTTS v2 GPT
# Counted on the real classes at their published sizes; a test counts them again.
XTTS_GPT, XTTS_VOCODER, XTTS_DVAE = 441_018_563, 25_856_300, 51_567_184
XTTS_CONDITIONING = 25_285_632 + 21_014_184  # encoder and perceiver: of the GPT, and never trained
KOKORO_STYLE = 128 + 37_396  # timbre and decoder biases


@dataclass(frozen=True)
class Sizes:
    """What a training step of an engine moves about.

    Parameters are counts. `activation_bytes_per_s` is what the forward pass keeps for one second of sound in
    single precision. `flops_per_s` is one forward pass over a second of sound; `flops_per_clip` what comes on
    top for every clip. `rtf_cpu` (two cores) and `rtf_gpu`: seconds of work for a second of speech, for the samples.
    """

    frozen: int
    trainable: Callable[[TrainingPlan], int]
    activation_bytes_per_s: float
    flops_per_s: float
    flops_per_clip: float
    rtf_cpu: float
    rtf_gpu: float
    base_bytes: int = GIGA  # Python, libraries, buffers


def lora_parameters(rank: int, mlp: bool) -> int:
    """LoRA on c_attn and c_proj (and c_fc, c_proj of the MLP) of every block: rank * (in + out) each."""
    attention = (WIDTH + 3 * WIDTH) + (WIDTH + WIDTH)
    feed_forward = (WIDTH + 4 * WIDTH) + (4 * WIDTH + WIDTH)
    return BLOCKS * rank * (attention + (feed_forward if mlp else 0))


def bottleneck_parameters(size: int) -> int:
    """Two bottlenecks a block, after attention and after the MLP: down, up and their biases."""
    return BLOCKS * 2 * (2 * WIDTH * size + size + WIDTH)


def _xtts(plan: TrainingPlan) -> int:
    if plan.method is Method.LORA:
        return lora_parameters(plan.rank, plan.adapt_mlp)
    if plan.method is Method.BOTTLENECK:
        return bottleneck_parameters(plan.adapter_size)
    return XTTS_GPT - XTTS_CONDITIONING


# Activations follow from the measured 12.2 GB (full, the conditioning encoder included) and 6.6 GB (LoRA r=16) at
# batch 2 x 11 s, less weights, gradients and Adam's two moments.
# 21.53 audio tokens a second, about 5 text tokens, 34 of prompt a clip; 392 M parameters are met by each token.
XTTS = Sizes(
    frozen=XTTS_GPT + XTTS_VOCODER + XTTS_DVAE, trainable=_xtts, activation_bytes_per_s=0.195 * GIGA,
    flops_per_s=2 * 392e6 * 26.5, flops_per_clip=2 * 392e6 * 34, rtf_cpu=12.0, rtf_gpu=0.4,
)  # fmt: skip
# Kokoro: 82 M parameters. Its adapter is the speaker's style (2 x 128 numbers) and the decoder's biases; the
# step goes through predictor and vocoder and a speaker encoder.
KOKORO = Sizes(
    frozen=90 * MEGA, trainable=lambda plan: KOKORO_STYLE, activation_bytes_per_s=0.14 * GIGA, flops_per_s=60e9,
    flops_per_clip=8e9, rtf_cpu=0.4, rtf_gpu=0.05,
)  # fmt: skip
# An engine that says nothing of itself: taken for a model of 100 M parameters, all of them trained.
UNKNOWN = Sizes(
    frozen=0, trainable=lambda plan: 100 * MEGA, activation_bytes_per_s=0.1 * GIGA, flops_per_s=20e9,
    flops_per_clip=2e9, rtf_cpu=1.0, rtf_gpu=0.2,
)  # fmt: skip
_BY_ENGINE = {"xtts": XTTS, "kokoro": KOKORO}


def sizes_of(engine_id: str) -> Sizes:
    return _BY_ENGINE.get(engine_id, UNKNOWN)
