"""Helpers that enrol a voice in one line."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import soundfile

from studio.audio.clip import AudioClip
from studio.audio.encode import AudioFormat, encode
from studio.bootstrap import Studio
from studio.consent.purposes import Category, Purpose
from studio.consent.service import ATTESTATIONS, ConsentForm
from studio.privacy.access import Actor
from studio.voices.forms import CheckedClip, Upload, VoiceForm, VoiceView

PURPOSES = frozenset({Purpose.ZERO_SHOT, Purpose.INTERNAL_USE})


@cache
def _reading() -> AudioClip:
    """The committed recordings of one reader, one after the other."""
    files = sorted((Path(__file__).parent / "data").glob("LJ*.flac"))
    read = [soundfile.read(file, dtype="float32") for file in files]
    return AudioClip(np.concatenate([samples for samples, _ in read]), read[0][1])


def real_speech(seconds: float, start_s: float = 0.0) -> AudioClip:
    """A stretch of a real, public-domain reading (tests/data, about 26 s in all)."""
    rate = _reading().sample_rate_hz
    return AudioClip(_reading().samples[int(start_s * rate) : int((start_s + seconds) * rate)], rate)


def checked_speech(
    studio: Studio, actor: Actor, *, seconds: float = 8.0, start_s: float = 0.0
) -> CheckedClip:
    """A stretch of the reading, through the real decoder and report card."""
    data = encode(real_speech(seconds, start_s), AudioFormat.WAV)
    return studio.voices.check(actor, Upload("speech.wav", data))


def consent_form(
    studio: Studio, purposes: frozenset[Purpose] = PURPOSES, language: str = "en"
) -> ConsentForm:
    return ConsentForm(
        category=Category.SELF,
        purposes=purposes,
        attestations=frozenset(ATTESTATIONS),
        language=language,
        statement=studio.consent.statement(language, purposes),
        recording=real_speech(4.0, 9.0),
    )


def voice_form(studio: Studio, actor: Actor, name: str = "Linda", **changes: object) -> VoiceForm:
    clips = (checked_speech(studio, actor),)
    form = VoiceForm(name, "en", clips, consent_form(studio), "Linda Real", "linda@x.example")
    return replace(form, **changes)  # type: ignore[arg-type]


def enrol(studio: Studio, actor: Actor, name: str = "Linda", **changes: object) -> VoiceView:
    return studio.voices.enrol(actor, voice_form(studio, actor, name, **changes))
