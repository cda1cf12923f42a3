"""What listeners hear of a machine is marked: through levelling, dither and the silence around it."""

from collections.abc import Iterator, Sequence

import pytest

from studio.audio.decode import decode
from studio.bootstrap import Studio
from studio.engines.base import AudioChunk, EngineOptions, Utterance, VoiceState
from studio.privacy.access import Actor
from studio.provenance.perth import PerthWatermarker
from tests.enrolling import real_speech
from tests.fakes import ScriptedEngine
from tests.listening.taking_part import form, guest, opened, patient, spoken


def speech(
    self: ScriptedEngine, requests: Sequence[Utterance], voice: VoiceState, options: EngineOptions
) -> Iterator[AudioChunk]:
    """Real speech in the engine's place: Perth's mark is made for voices, not for test tones."""
    for index, _ in enumerate(requests):
        yield AudioChunk(real_speech(4.0, 2.0), index)


def test_a_listener_hears_marked_stimuli(
    studio: Studio, admin: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ScriptedEngine, "synthesize", speech)
    studio.marker.watermarker = PerthWatermarker()
    asked = form(systems=(spoken("One"), spoken("Two", 1.3)), sentences=("Buongiorno a tutti.",))
    clock, view = patient(studio), opened(studio, admin, asked)
    listener = guest(studio, view, clock)
    listener.hear(listener.join())
    (heard,) = listener.received
    assert studio.marker.read(decode(heard, "heard.wav")).found
    assert not studio.marker.read(real_speech(4.0, 2.0)).found
