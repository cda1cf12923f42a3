"""Voices that may be trained, corpora made on the spot, and a recogniser that is told what it hears."""

import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import soundfile

from studio.audio.clip import AudioClip
from studio.bootstrap import Studio
from studio.consent.purposes import Purpose
from studio.datasets.forms import BuildRequest, DatasetView, Incoming
from studio.evaluation.speech_recognition import SpeechRecognizer, Transcript, Word
from studio.privacy.access import Actor
from studio.voices.forms import VoiceView
from tests.enrolling import consent_form, enrol
from tests.fakes import FakeJudges
from tests.sounds import RATE, real_speech, wav_bytes

TRAINABLE = frozenset({Purpose.ZERO_SHOT, Purpose.INTERNAL_USE, Purpose.FINE_TUNE})
SENTENCES = (
    "The first sentence is about the sea.",
    "Nobody expected the second one.",
    "A third sentence follows at once.",
    "Four walls make a room.",
    "Five fingers are on each hand.",
    "Six is half a dozen.",
    "Seven days are a week.",
    "Eight legs has a spider.",
)
SPOKEN_S = 3.2


class ScriptedRecogniser:
    """Hears the text that was told for a sound's length (in samples), or one sentence spread over it."""

    def __init__(self) -> None:
        self.says = "This is what was said."
        self.by_content: dict[str, str] = {}
        self.languages: dict[str, str] = {}  # by content; what was asked for otherwise
        self.asked: list[str] = []  # languages, in order
        self.heard = 0

    def transcribe(self, clip: AudioClip, language: str = "") -> Transcript:
        self.heard += 1
        self.asked.append(language)
        text = self.by_content.get(clip.content_id, self.says)
        parts = text.split()
        step = clip.duration_s / max(1, len(parts))
        words = tuple(Word(w, i * step, (i + 0.9) * step, 0.95) for i, w in enumerate(parts))
        return Transcript(text, language or "en", words, 1.0)

    def spoken_language(self, clip: AudioClip) -> tuple[str, float]:
        language = self.languages.get(clip.content_id, "")
        return language, 0.9 if language else 0.0


class ListeningJudges(FakeJudges):
    """The scripted judges, with a recogniser."""

    def __init__(self) -> None:
        super().__init__()
        self.ear = ScriptedRecogniser()

    @property
    def recognizer(self) -> SpeechRecognizer:
        return self.ear


def trainable(studio: Studio, actor: Actor, name: str = "Linda") -> VoiceView:
    """A voice whose speaker agreed to training."""
    return enrol(studio, actor, name, consent=consent_form(studio, TRAINABLE, subject=actor.account_id))


def spoken(number: int, seconds: float = SPOKEN_S) -> AudioClip:
    """A stretch of the reading with silence at its edges; another one for each number."""
    said = real_speech(seconds - 0.4, start_s=(number * 1.37) % (26.0 - seconds)).samples
    edge = np.zeros(int(0.2 * RATE), np.float32)
    return AudioClip(np.concatenate([edge, said, edge]), RATE)


def sound(number: int, seconds: float = SPOKEN_S) -> bytes:
    return wav_bytes(spoken(number, seconds).samples, RATE)


def table_zip(sentences: Sequence[str] = SENTENCES, seconds: float = SPOKEN_S, **more: bytes) -> bytes:
    """A zip with ``metadata.csv`` (path, text) and a sound for each sentence."""
    lines = ["path,text", *(f'clip{n}.wav,"{text}"' for n, text in enumerate(sentences))]
    files = {f"clip{n}.wav": sound(n, seconds) for n in range(len(sentences))}
    return zipped({"metadata.csv": "\n".join(lines).encode(), **files, **more})


def zipped(files: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


def brought(folder: Path, data: bytes, name: str = "corpus.zip") -> Incoming:
    """A file as a page brings it."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_bytes(data)
    return Incoming(name, path)


def request_for(voice: VoiceView, *files: Incoming, **changes: object) -> BuildRequest:
    return replace(BuildRequest(voice.id, "My set", "en", files, listen=False), **changes)  # type: ignore[arg-type]


def make(studio: Studio, actor: Actor, request: BuildRequest) -> DatasetView:
    """Build it and wait."""
    live = studio.datasets.build(actor, request)
    live.wait()
    assert live.latest is not None
    return studio.datasets.view(actor, live.latest.dataset_id)


def small_dataset(
    studio: Studio,
    actor: Actor,
    voice: VoiceView,
    scratch: Path,
    sentences: Sequence[str] = SENTENCES,
    **changes: object,
) -> DatasetView:
    """Eight clips of real speech with eight sentences, through the whole import; nobody listens to them."""
    return make(
        studio, actor, request_for(voice, brought(scratch / "brought", table_zip(sentences)), **changes)
    )


def as_imported(number: int, seconds: float = SPOKEN_S) -> str:
    """The content of a clip once it was written as 16-bit WAV and decoded."""
    samples, rate = soundfile.read(io.BytesIO(sound(number, seconds)), dtype="float32")
    return AudioClip(samples, rate).content_id


def quiet(seconds: float) -> AudioClip:
    return AudioClip(np.zeros(int(seconds * RATE), np.float32), RATE)
