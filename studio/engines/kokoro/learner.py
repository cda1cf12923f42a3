"""The embedded engine learning: its adapter is a style and the decoder's biases, fitted to all of a dataset."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from studio.audio.clip import AudioClip
from studio.engines.base import (
    EngineContext,
    EnrolmentProgress,
    ShouldStop,
    Utterance,
    VoiceState,
    never_stop,
)
from studio.engines.kokoro.decoder import Store, decode
from studio.engines.kokoro.encoders import load_encoders, similarity
from studio.engines.kokoro.engine import KokoroEngine
from studio.engines.kokoro.fitting import HALF, Fit, hear, one_thread_each
from studio.engines.kokoro.phonemes import Phonemizer
from studio.engines.kokoro.reference import Target
from studio.engines.kokoro.runtime import open_fitting
from studio.engines.kokoro.spec import ENGINE_ID, SPEC, KokoroOptions
from studio.engines.kokoro.spectrum import unlikeness
from studio.engines.kokoro.training_data import KokoroItem, Portrait, prepare_item
from studio.engines.kokoro.voice import BIAS_SIZE, KokoroVoice
from studio.engines.learning import LearnerWish, LossParts, Preparation, TrainingClip
from studio.engines.speech import spoken
from studio.errors import AudioRefused, Cancelled, InputRefused, TextRefused

METHOD = "style"
_WINDOW = 52  # frames of 25 ms heard at once
_REFERENCE_S = 25.0
# A parameter's step is the plan's rate times these: with the preset's 1e-3, the rates the fit was tuned for.
_TIMBRE_SCALE, _BIAS_SCALE = 20.0, 4.0
_TIMBRE_PULL, _BIAS_PULL = 0.1, 0.25
_CEPSTRAL_WEIGHT = 0.2


@dataclass(frozen=True)
class _Start:
    """Where training starts: the zero-shot voice, whose biases are whole."""

    voice: KokoroVoice
    biases: Tensor


class KokoroLearner:
    """Goes on from the zero-shot clone, on the speaker's own sentences and all of their recordings; see Learner.

    The loss is the unlikeness to two speaker encoders (never the judge's), and, because the words are
    known, to the recording's own spectrum at the same place of the sentence. Pitch and rhythm stay as
    the zero-shot clone has them.
    """

    def __init__(self, context: EngineContext, wish: LearnerWish) -> None:
        if wish.method != METHOD:
            raise InputRefused("kokoro.method", method=wish.method)
        self._context, self._wish = context, wish
        self._engine = KokoroEngine(context)
        self._phonemizer = Phonemizer()
        files = context.model_files
        self._fit = _fit_of(context)
        files("kokoro-voices")  # missing models are told before any work
        self._portrait = Portrait()
        self._references: list[AudioClip] = []
        self._timbre = torch.nn.Parameter(torch.zeros(HALF))
        self._delta = torch.nn.Parameter(torch.zeros(BIAS_SIZE))
        self._start: _Start | None = None
        self._target: Target | None = None
        self._report: Callable[[Preparation], None] = lambda done: None
        self._should_stop: ShouldStop = never_stop

    def prepare(
        self,
        clips: Iterable[TrainingClip],
        report: Callable[[Preparation], None],
        should_stop: ShouldStop,
    ) -> list[KokoroItem]:
        """Phonemes and cepstra of each clip; the first call also gathers what the speaker sounds like."""
        gathering = self._target is None
        self._report, self._should_stop = report, should_stop
        items: list[KokoroItem] = []
        with one_thread_each(1):
            for number, clip in enumerate(clips):
                if should_stop():
                    raise Cancelled("engines.cancelled", task=SPEC.name)
                fraction = 1 - 1 / (2 + number / 20)
                try:
                    item, speech = prepare_item(clip, self._phonemizer, self._wish.longest_s)
                except (AudioRefused, TextRefused) as error:
                    report(Preparation(fraction, clip.id, error.key, dict(error.facts)))
                    continue
                items.append(item)
                if gathering:
                    self._portrait.add(speech, item.cepstra, self._fit.encoders)
                    self._refer(clip.clip)
                report(Preparation(fraction))
        if gathering and items:
            self._target = self._portrait.target()
        report(Preparation(1.0))
        return items

    def parameters(self) -> list[torch.nn.Parameter]:
        """What is added to the zero-shot voice: timbre (128) and decoder biases (37 396)."""
        return [self._timbre, self._delta]

    def loss(self, items: Sequence[KokoroItem], step: int) -> LossParts:
        """The mean over items; each is computed on one thread, and the sum does not depend on how many there are."""
        start, training = self._started(), torch.is_grad_enabled()
        at = step if training else 0

        def one(item: KokoroItem) -> tuple[float, float, Sequence[Tensor]]:
            with torch.set_grad_enabled(training):
                return self._item_loss(item, at, start)

        with one_thread_each(self._context.threads if len(items) > 1 else 1) as pool:
            found = list(pool.map(one, items))
        alike, unlike = (float(np.mean([each[place] for each in found])) for place in (0, 1))
        pull = (
            _TIMBRE_PULL * self._moved_timbre().square().sum()
            + _BIAS_PULL * self._moved_biases().square().sum()
        )
        total = 2 * (1 - alike) + _CEPSTRAL_WEIGHT * unlike + pull
        for place, parameter in enumerate(self.parameters() if training else []):
            gradient = torch.stack([each[2][place] for each in found]).mean(0)
            reach = (parameter * gradient).sum()
            total = total + reach - reach.detach()  # nothing in value, the threads' gradient in slope
        return LossParts(total, {"similarity": alike, "spectrum": unlike})

    def export(self) -> bytes:
        """The voice with its adapter, as a voice state, and beside it what training goes on from."""
        start = self._started()
        extra = {
            "train.timbre": self._timbre.detach().numpy().copy(),
            "train.delta": self._delta.detach().numpy().copy(),
            "train.offset": start.voice.offset,
            "train.biases": start.biases.numpy(),
        }
        state = self._state()
        return replace(state, tensors={**state.tensors, **extra}).to_bytes()

    def restore(self, data: bytes) -> None:
        """Continue from what `export` gave; the zero-shot voice is in it, and is not made again."""
        state = VoiceState.from_bytes(data)
        voice = KokoroVoice.of(state, ENGINE_ID)
        extra = {name: torch.from_numpy(np.array(array)) for name, array in state.tensors.items()}
        biases = extra["train.biases"]
        self._start = _Start(
            replace(voice, offset=extra["train.offset"].numpy(), biases=biases.numpy()), biases
        )
        with torch.no_grad():
            self._timbre.copy_(extra["train.timbre"])
            self._delta.copy_(extra["train.delta"])

    def speak(self, texts: Sequence[Utterance], reference: Sequence[TrainingClip]) -> list[AudioClip]:
        """Each text in the voice as it is now; before the first step that is the zero-shot clone."""
        self._started()
        return spoken(self._engine, texts, self._state(), KokoroOptions())

    def _item_loss(self, item: KokoroItem, step: int, start: _Start) -> tuple[float, float, Sequence[Tensor]]:
        """Similarity and spectral unlikeness of one stretch of one utterance, and the gradients of its loss."""
        assert self._target is not None
        timbre, delta = self._moved_timbre(), self._moved_biases()
        frames, style = self._fit.frames(item.ids, start.voice)
        frames = frames.spoken(margin=0)
        count = frames.text.shape[-1]
        first, last = item.window(count, _WINDOW, self._wish.seed, step)
        biases = self._fit.biases(start.biases + delta)
        waveform = decode(self._fit.store, frames.between(first, last), (style[:HALF] + timbre)[None], biases)
        heard = hear(waveform, self._target)
        alike = similarity(self._fit.encoders.embed(heard), self._target.embeddings)
        unlike = unlikeness(heard, item.recorded(first, last, count), self._portrait.spread())
        loss = 2 * (1 - alike) + _CEPSTRAL_WEIGHT * unlike
        gradients: Sequence[Tensor] = (
            torch.autograd.grad(loss, self.parameters()) if loss.requires_grad else ()
        )
        return alike.item(), unlike.item(), gradients

    def _moved_timbre(self) -> Tensor:
        return self._timbre * _TIMBRE_SCALE

    def _moved_biases(self) -> Tensor:
        return self._delta * _BIAS_SCALE

    def _state(self) -> VoiceState:
        start = self._started()
        offset = start.voice.offset.copy()
        offset[:HALF] += self._moved_timbre().detach().numpy()
        biases = (start.biases + self._moved_biases().detach()).numpy()
        return replace(start.voice, offset=offset, biases=biases).state(ENGINE_ID, stage="adapter")

    def _refer(self, clip: AudioClip) -> None:
        """Keep the longest clips, up to 25 s: what the zero-shot clone is made of."""
        chosen: list[AudioClip] = []
        for each in sorted([*self._references, clip], key=lambda one: -one.duration_s):
            if not chosen or sum(one.duration_s for one in chosen) + each.duration_s <= _REFERENCE_S:
                chosen.append(each)
        self._references = chosen

    def _started(self) -> _Start:
        """The zero-shot voice, made when first needed: a resumed run has it in its checkpoint."""
        if self._start is None:
            with torch.enable_grad():
                state = self._engine.encode_voice(
                    self._references,
                    language=self._wish.language,
                    report=self._tell,
                    should_stop=self._should_stop,
                    seed=self._wish.seed,
                )
            if self._should_stop():  # a clone cut short is no measure of what cloning can do
                raise Cancelled("engines.cancelled", task=SPEC.name)
            voice = KokoroVoice.of(state, ENGINE_ID)
            biases = voice.biases if voice.biases.size else np.zeros(BIAS_SIZE, np.float32)
            self._start = _Start(replace(voice, biases=biases), torch.from_numpy(biases.copy()))
            self._references = []
        return self._start

    def _tell(self, progress: EnrolmentProgress) -> None:
        self._report(Preparation(progress.fraction))


def _fit_of(context: EngineContext) -> Fit:
    files = context.model_files
    encoders = load_encoders(files("ecapa-voxceleb"), files("campplus"))
    model = open_fitting(files("kokoro-82m") / "model.onnx", context.threads)
    return Fit(model, Store(model.weights), model.bias_names, encoders)
