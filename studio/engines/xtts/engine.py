"""The XTTS engine: clone from recordings, speak in chunks."""

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
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
from studio.engines.xtts.decoding import Draw, decode
from studio.engines.xtts.loading import load_model, load_speakers
from studio.engines.xtts.spec import MODEL_ID, SPEC, XttsOptions
from studio.engines.xtts.streaming import StreamingVocoder, stream
from studio.engines.xtts.tail import TailTrimmer
from studio.engines.xtts.tokens import Piece, pieces
from studio.errors import EngineTrouble, InputRefused, NotFound


class XttsEngine:
    """XTTS v2; loads on first use, from the model store's folder, and asks no licence question of its own."""

    spec = SPEC

    def __init__(self, context: EngineContext) -> None:
        self._context = context
        self._lock = threading.Lock()
        self._loaded: Any = None

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
        latents, embedding = conditioning.voice_tensors(model, voice)
        most = model.args.gpt_max_text_tokens
        spoken = [pieces(model.tokenizer, r.text, _language(r.language), most) for r in requests]
        return _chunks(_Speech(model, latents, embedding, settings), spoken)

    def unload(self) -> None:
        """Drop the model; a synthesis under way keeps it until it ends."""
        with self._lock:
            self._loaded = None
        if self._context.device.startswith("cuda"):
            torch.cuda.empty_cache()

    def _model(self) -> Any:
        with self._lock, _memory_told():
            if self._loaded is None:
                self._loaded = load_model(self._context.model_files(MODEL_ID), self._context.device)
            return self._loaded


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


def _chunks(speech: _Speech, utterances: Sequence[Sequence[Piece]]) -> Iterator[AudioChunk]:
    with _memory_told():
        for index, parts in enumerate(utterances):
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
