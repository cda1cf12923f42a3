"""The XTTS engine: clone from recordings, speak in chunks."""

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import torch

from studio.audio.clip import AudioClip, Samples
from studio.engines.base import (
    AudioChunk,
    EngineContext,
    EngineOptions,
    EnrolmentProgress,
    PresetVoice,
    ShouldStop,
    Utterance,
    VoiceState,
    ignore_progress,
    never_stop,
)
from studio.engines.xtts import conditioning, text
from studio.engines.xtts.adapters import Adapters
from studio.engines.xtts.decoding import Draw, decode
from studio.engines.xtts.loading import load_model, load_speakers
from studio.engines.xtts.precision import half_type
from studio.engines.xtts.spec import MODEL_ID, SPEC, XttsOptions
from studio.engines.xtts.streaming import StreamingVocoder, stream
from studio.engines.xtts.tail import TailTrimmer
from studio.engines.xtts.tokens import Piece, pieces
from studio.engines.xtts.tuning import ADAPTER, Tunings
from studio.errors import EngineTrouble, InputRefused, NotFound


class XttsEngine:
    """XTTS v2; loads on first use, from the model store's folder, and asks no licence question of its own."""

    spec = SPEC

    def __init__(self, context: EngineContext) -> None:
        self._context = context
        self._lock = threading.Lock()
        self._loaded: Any = None
        self._tunings: Tunings | None = None

    @classmethod
    def around(cls, context: EngineContext, model: Any) -> "XttsEngine":
        """An engine on a model that is loaded already, as a learner has one."""
        engine = cls(context)
        engine._loaded, engine._tunings = model, Tunings(model.gpt)
        return engine

    @property
    def dtype(self) -> str:
        """Of the language model, where the time goes; the vocoder is float32 everywhere."""
        return str(half_type(torch.device(self._context.device)) or torch.float32).removeprefix("torch.")

    def presets(self) -> tuple[PresetVoice, ...]:
        """The speakers of `speakers_xtts.pth`, which speak every language, so `language` is empty."""
        names = load_speakers(self._context.model_files(MODEL_ID))
        return tuple(PresetVoice(id=name, name=name, language="") for name in sorted(names))

    def preset_voice(self, preset_id: str) -> VoiceState:
        """The state of a preset; NotFound for an unknown id."""
        speaker = load_speakers(self._context.model_files(MODEL_ID)).get(preset_id)
        if speaker is None:
            raise NotFound("xtts.preset", name=preset_id)
        latents, embedding = speaker["gpt_cond_latent"], speaker["speaker_embedding"]
        return conditioning.voice_state(latents, embedding, {"preset": preset_id})

    def encode_voice(
        self,
        clips: Sequence[AudioClip],
        *,
        language: str = "",
        report: Callable[[EnrolmentProgress], None] = ignore_progress,
        should_stop: ShouldStop = never_stop,
    ) -> VoiceState:
        """A voice from clips of 1 s and more; the language spoken in them does not matter.

        Raises AudioRefused (no clip, too short, silent), Cancelled, ModelMissing, ModelBroken.
        """
        if language:
            _language(language)
        with _memory_told():
            return conditioning.encode_clips(self._model(), clips, report, should_stop)

    def synthesize(
        self,
        requests: Sequence[Utterance],
        voice: VoiceState,
        options: EngineOptions,
    ) -> Iterator[AudioChunk]:
        """Speak the requests; everything that can be refused is refused before the first chunk.

        An utterance's sound depends on its text, the voice and the options alone, not on its neighbours.
        """
        model = self._model()
        settings = XttsOptions.model_validate(options.model_dump())
        tunings, adapter = self._tuned(), voice.facts.get(ADAPTER, "")
        tunings.check(adapter)
        latents, embedding = conditioning.voice_tensors(model, voice)
        most = model.args.gpt_max_text_tokens
        spoken = [pieces(model.tokenizer, r.text, _language(r.language), most) for r in requests]
        # Switched when the sound is asked for: until then another voice may have spoken.
        return _chunks(_Speech(model, latents, embedding, settings), spoken, lambda: tunings.use(adapter))

    def adapt(self, voice: VoiceState, adapter_id: str, read: Callable[[], bytes]) -> VoiceState:
        """The voice speaking with an adapter or a full fine-tuning, for as long as the engine stays loaded.

        `read` is called only when it is not loaded yet. Switching costs no reload. ModelBroken when it
        does not fit this model.
        """
        with _memory_told():
            tunings = self._tuned()
            if not tunings.has(adapter_id):
                tunings.load(adapter_id, read())
        return self.speaks_with(voice, adapter_id)

    def add_adapter(self, name: str, *, adapter_size: int = 64, method: str = "bottleneck") -> int:
        """A new adapter in the frozen model, changing nothing yet; returns its number of parameters.

        `adapter_size` is a bottleneck's width or LoRA's rank. Learners train it, `adapt` speaks with it.
        """
        return self._tuned().add(name, method, adapter_size)

    @property
    def adapters(self) -> Adapters:
        """The adapters in the loaded model."""
        return self._tuned().adapters

    @staticmethod
    def speaks_with(voice: VoiceState, adapter_id: str) -> VoiceState:
        """The voice with the name of the adapter it speaks with; "" for the base."""
        facts = {name: value for name, value in voice.facts.items() if name != ADAPTER}
        return replace(voice, facts=facts | ({ADAPTER: adapter_id} if adapter_id else {}))

    def unload(self) -> None:
        """Drop the model; a synthesis under way keeps it until it ends."""
        with self._lock:
            self._loaded = self._tunings = None
        if self._context.device.startswith("cuda"):
            torch.cuda.empty_cache()

    def _model(self) -> Any:
        with self._lock, _memory_told():
            if self._loaded is None:
                self._loaded = load_model(self._context.model_files(MODEL_ID), self._context.device)
                self._tunings = Tunings(self._loaded.gpt)
            return self._loaded

    def _tuned(self) -> Tunings:
        self._model()
        assert self._tunings is not None
        return self._tunings


class _Speech:
    """One voice speaking with one set of options."""

    def __init__(
        self, model: Any, latents: torch.Tensor, embedding: torch.Tensor, options: XttsOptions
    ) -> None:
        self._model = model
        self._latents = latents
        self._embedding = embedding
        self._options = options

    def say(self, parts: Sequence[Piece]) -> Iterator[Samples]:
        """The sound of an utterance's pieces, in order."""
        generator = torch.Generator(self._latents.device).manual_seed(self._options.seed)
        for piece in parts:
            yield from self._trimmed(piece, generator)

    def _trimmed(self, piece: Piece, generator: torch.Generator) -> Iterator[Samples]:
        burst_s = text.shortest_last_word_s(piece.spoken, self._options.speed)
        trimmer = TailTrimmer(SPEC.sample_rate_hz, burst_s)
        draw = Draw(self._options, generator, text.token_limit(piece.spoken))
        latents = decode(self._model.gpt, self._latents, piece.ids, draw)
        vocoder = StreamingVocoder(self._model.hifigan_decoder, self._embedding, self._options.speed)
        yield from stream(latents, vocoder, trimmer, self._options.stream_chunk_size)


def _chunks(
    speech: _Speech, utterances: Sequence[Sequence[Piece]], ready: Callable[[], None]
) -> Iterator[AudioChunk]:
    with _memory_told():
        for index, parts in enumerate(utterances):
            ready()
            for samples in speech.say(parts):
                if samples.size:
                    yield AudioChunk(AudioClip(samples, SPEC.sample_rate_hz), index)


@contextlib.contextmanager
def _memory_told() -> Iterator[None]:
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise EngineTrouble("xtts.memory") from error


def _language(code: str) -> str:
    base = code.lower().replace("_", "-").split("-")[0]
    if base not in SPEC.languages:
        raise InputRefused(
            "engines.language", engine=SPEC.name, language=code, languages=", ".join(SPEC.languages)
        )
    return base
