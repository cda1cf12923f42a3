"""Helpers that enrol a voice in one line."""

from dataclasses import replace

from studio.audio.encode import AudioFormat, encode
from studio.bootstrap import Studio
from studio.consent.purposes import Category, Purpose
from studio.consent.service import ATTESTATIONS, ConsentForm
from studio.privacy.access import Actor
from studio.voices.forms import CheckedClip, Upload, VoiceForm, VoiceView
from tests.sounds import real_speech

PURPOSES = frozenset({Purpose.ZERO_SHOT, Purpose.INTERNAL_USE})


def checked_speech(studio: Studio, actor: Actor, *, seconds: float = 8.0, start_s: float = 0.0) -> CheckedClip:
    """A stretch of a real, public-domain recording, through the real decoder and report card."""
    data = encode(real_speech(seconds, start_s), AudioFormat.WAV)
    return studio.voices.check(actor, Upload("speech.wav", data))


def consent_form(studio: Studio, purposes: frozenset[Purpose] = PURPOSES, language: str = "en") -> ConsentForm:
    return ConsentForm(
        category=Category.SELF,
        purposes=purposes,
        attestations=frozenset(ATTESTATIONS),
        language=language,
        statement=studio.consent.statement(language, purposes),
        recording=real_speech(4.0, 9.0),
    )


def voice_form(studio: Studio, actor: Actor, name: str = "Linda", **changes: object) -> VoiceForm:
    form = VoiceForm(name, "en", (checked_speech(studio, actor),), consent_form(studio), "Linda Real", "linda@x.example")
    return replace(form, **changes)  # type: ignore[arg-type]


def enrol(studio: Studio, actor: Actor, name: str = "Linda", **changes: object) -> VoiceView:
    return studio.voices.enrol(actor, voice_form(studio, actor, name, **changes))


