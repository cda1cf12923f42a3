"""XTTS learning: LoRA, bottleneck or full fine-tuning of the GPT, everything else frozen."""

from collections.abc import Callable, Iterable, Sequence

import torch
from safetensors.torch import load
from transformers.activations import NewGELUActivation

from studio.audio.clip import AudioClip
from studio.engines.base import EngineContext, ShouldStop, Utterance
from studio.engines.learning import LearnerWish, LossParts, Preparation, TrainingClip
from studio.engines.speech import spoken
from studio.engines.xtts import finetuned
from studio.engines.xtts.adapters import Adapters, Shape
from studio.engines.xtts.engine import XttsEngine
from studio.engines.xtts.gpt_loss import MEL_WEIGHT, TEXT_WEIGHT, collate, gpt_losses
from studio.engines.xtts.loading import load_model
from studio.engines.xtts.spec import MODEL_ID, SPEC, XttsOptions
from studio.engines.xtts.training_data import Preparer, XttsItem, refusal
from studio.errors import AudioRefused, Cancelled, InputRefused, TextRefused

METHODS = ("lora", "bottleneck", "full")
_NAME = "run"


class XttsLearner:
    """Trains one adapter, or the GPT itself, in a model of its own; see Learner.

    Codes and conditioning latents of a clip are computed once: a step is GPT work only. The conditioning
    encoder is frozen in every method, so voices encoded before training stay valid after it.
    """

    def __init__(self, context: EngineContext, wish: LearnerWish) -> None:
        if wish.method not in METHODS:
            raise InputRefused("xtts.method", method=wish.method)
        self._wish = wish
        self._folder = context.model_files(MODEL_ID)
        self._model = load_model(self._folder, context.device, half=False)
        self._model.requires_grad_(False)
        self._gpt = self._model.gpt
        in_one_piece(self._gpt)
        self._engine = XttsEngine.around(context, self._model)
        self._preparer = Preparer(self._model, self._folder, wish.longest_s, wish.seed)
        self._adapters: Adapters = self._engine.adapters
        self._parameters = self._chosen()

    def prepare(
        self,
        clips: Iterable[TrainingClip],
        report: Callable[[Preparation], None],
        should_stop: ShouldStop,
    ) -> list[XttsItem]:
        """Codes, latents and ids of every clip; the refused ones are told and left out."""
        clips = list(clips) if isinstance(clips, Sequence) else clips
        total = len(clips) if isinstance(clips, Sequence) else 0
        items: list[XttsItem] = []
        for number, clip in enumerate(clips):
            if should_stop():
                raise Cancelled("engines.cancelled", task=SPEC.name)
            fraction = (number + 1) / total if total else 1 - 1 / (2 + number / 100)
            try:
                items.append(self._preparer.item(clip))
                report(Preparation(fraction))
            except (AudioRefused, TextRefused) as error:
                reason, facts = refusal(error)
                report(Preparation(fraction, clip.id, reason, facts))
        report(Preparation(1.0))
        return items

    def parameters(self) -> list[torch.nn.Parameter]:
        """The adapter's tensors, or the GPT's without its conditioning encoder."""
        return self._parameters

    def loss(self, items: Sequence[XttsItem], step: int) -> LossParts:
        """0.01 * CE of the text + CE of the audio codes; with gradients off, without dropout."""
        self._gpt.train(torch.is_grad_enabled())
        text, codes = gpt_losses(self._gpt, collate(self._gpt, items, self._model.device))
        total = TEXT_WEIGHT * text + MEL_WEIGHT * codes
        return LossParts(total, {"text": float(text.detach()), "codes": float(codes.detach())})

    def export(self) -> bytes:
        """The adapter, or the fine-tuned parts of the GPT, in float32."""
        return finetuned.export(self._gpt) if self._full else self._adapters.export(_NAME)

    def restore(self, data: bytes) -> None:
        """Put back what `export` gave, into the same parameters."""
        if self._full:
            finetuned.put(self._gpt, load(data))
        else:
            self._adapters.load(_NAME, data)

    def speak(self, texts: Sequence[Utterance], reference: Sequence[TrainingClip]) -> list[AudioClip]:
        """Each text, drawn with the same seed, in the voice of the reference clips."""
        self._gpt.eval()
        voice = self._engine.encode_voice([one.clip for one in reference])
        return spoken(
            self._engine, texts, self._engine.speaks_with(voice, "" if self._full else _NAME), XttsOptions()
        )

    @property
    def _full(self) -> bool:
        return self._wish.method == "full"

    def _chosen(self) -> list[torch.nn.Parameter]:
        if self._full:
            found = list(finetuned.trained_parts(self._gpt).values())
            for parameter in found:
                parameter.requires_grad_(True)
            return found
        wish = self._wish
        kind = "lora" if wish.method == "lora" else "bottleneck"
        shape = Shape(kind, wish.rank, wish.adapt_mlp, wish.adapter_size)  # type: ignore[arg-type]
        self._adapters.add(_NAME, shape, wish.seed)
        return self._adapters.trainable(_NAME)


def in_one_piece(gpt: torch.nn.Module) -> None:
    """The same GELU (tanh form) by one kernel: transformers' takes eight passes over the widest activations
    forward, and keeps each of them for the way back.
    """
    for block in gpt.modules():
        for name, part in block.named_children():
            if isinstance(part, NewGELUActivation):
                setattr(block, name, torch.nn.GELU(approximate="tanh"))
