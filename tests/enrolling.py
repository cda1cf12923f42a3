"""Helpers that enrol a voice in one line."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import soundfile

from studio.audio.clip import AudioClip
from studio.audio.encode import AudioFormat, encode
from studio.bootstrap import Studio
from studio.consent.forms import ATTESTATIONS, ConsentForm
from studio.consent.purposes import Category, Purpose
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
    studio: Studio,
    purposes: frozenset[Purpose] = PURPOSES,
    language: str = "en",
    *,
    subject: str = "",
    **changes: object,
) -> ConsentForm:
    """A form that passes, answering a challenge of its own; by the administrator unless `subject` says who."""
    subject = subject or studio.accounts.ensure_administrator().id
    notice = studio.consent.notice(language)
    form = ConsentForm(
        category=Category.SELF,
        purposes=purposes,
        attestations=frozenset(ATTESTATIONS),
        challenge=studio.consent.challenge(subject, language, purposes, notice.hash).token,
        recording=fresh_recording(),
    )
    return replace(form, **changes)  # type: ignore[arg-type]


def fresh_recording() -> AudioClip:
    """The same reading with a breath of new noise: no recording of a statement is accepted twice."""
    spoken = real_speech(4.0, 9.0)
    noise = np.random.default_rng().normal(0, 1e-4, len(spoken.samples)).astype(np.float32)
    return AudioClip(spoken.samples + noise, spoken.sample_rate_hz)


def voice_form(studio: Studio, actor: Actor, name: str = "Linda", **changes: object) -> VoiceForm:
    clips = (checked_speech(studio, actor),)
    given = changes.pop("consent", None)  # a second challenge would end the first
    consent = given or consent_form(studio, subject=actor.account_id)
    assert isinstance(consent, ConsentForm)
    form = VoiceForm(name, "en", clips, consent, "Linda Real", "linda@x.example")
    return replace(form, **changes)  # type: ignore[arg-type]


def enrol(studio: Studio, actor: Actor, name: str = "Linda", **changes: object) -> VoiceView:
    return studio.voices.enrol(actor, voice_form(studio, actor, name, **changes))
