"""Attacks 25, 32 and 33 of the security notes against the served app; the marker is the real one where it counts."""

import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from studio.audio.clip import AudioClip
from studio.audio.decode import decode
from studio.audio.encode import AudioFormat, encode
from studio.errors import EngineTrouble
from studio.privacy.access import Actor
from studio.provenance.certificate import open_credentials
from studio.provenance.manifest import Signer
from studio.provenance.perth import PerthWatermarker
from studio.provenance.watermark import Watermarker
from studio.settings import Settings
from studio.synthesis.requests import SynthesisRequest, VoiceChoice
from tests.enrolling import real_speech
from tests.web.conftest import Served
from tests.web.test_attacks_consent import invited
from tests.web.test_verify import ask, verdict
from tests.web.visitor import Visitor

TONE = SynthesisRequest(VoiceChoice("", "fake", "tone"), "Buongiorno a tutti, si parte.", "it", "fake")


@pytest.fixture(scope="module")
def admin(served: Served) -> Actor:
    return served.studio.accounts.actor_of(served.studio.accounts.ensure_administrator().id)


@pytest.fixture(scope="module")
def perth() -> PerthWatermarker:
    return PerthWatermarker()


@pytest.fixture
def real_mark(served: Served, perth: PerthWatermarker) -> Iterator[Watermarker]:
    """The studio marks and listens with Perth itself."""
    scripted, served.studio.marker.watermarker = served.studio.marker.watermarker, perth
    yield perth
    served.studio.marker.watermarker = scripted


# -- 25 -----------------------------------------------------------------------------------------------


def copied(clip: AudioClip) -> AudioClip:
    """Through an MP3 and back, as somebody would bring it."""
    return decode(encode(clip, AudioFormat.MP3), "copy.mp3")


def test_attack_25_a_copy_of_generated_speech_is_no_consent_and_no_sample(
    served: Served, admin: Actor, real_mark: Watermarker
) -> None:
    """With Perth's own mark in real speech: only the mark tells it from a person's recording."""
    phone, marker = invited(served, admin, "Rosa sintetica"), served.studio.marker
    answer = phone.answer(phone.challenge()["token"], copied(marker.clip(real_speech(6.0, 9.0))))
    assert answer.status_code == 400 and "a machine spoke it" in answer.text
    samples = [real_speech(8.0, 9.0), copied(marker.clip(real_speech(8.0)))]
    answer = phone.answer(phone.challenge()["token"], clips=samples)
    assert answer.status_code == 400 and "Recording 2 carries the watermark" in answer.text
    assert phone.consent()["phase"] == "granted"  # the same speech without the mark


# -- 32 -----------------------------------------------------------------------------------------------


def downloaded(served: Served, ada: Visitor, ending: str) -> bytes:
    """A take as its owner downloads it."""
    actor = served.studio.accounts.actor_of(ada.account_id)
    take = served.studio.synthesis.preview(actor, TONE).take()
    answer = ada.client.get(f"/media/take/{take.id}.{ending}?download")
    assert answer.status_code == 200
    return answer.content


@pytest.mark.parametrize("ending", ["wav", "flac", "mp3"])
def test_attack_32_one_flipped_bit_breaks_the_manifest(served: Served, ada: Visitor, ending: str) -> None:
    data = bytearray(downloaded(served, ada, ending))
    assert "Valid, signed by this studio" in ask(served, bytes(data)).text
    data[len(data) * 3 // 4] ^= 1
    answer = ask(served, bytes(data))
    assert answer.status_code == 200, answer.text
    assert "something was changed after it was signed" in answer.text and "Valid, signed" not in answer.text


def test_attack_32_a_forged_manifest_is_not_ours(served: Served, ada: Visitor, tmp_path: Path) -> None:
    """Somebody else's studio of the same name signs a recording of a person."""
    signer = Signer(open_credentials(Settings(storage=tmp_path)), "Timbro", "0.1.0")
    real = encode(real_speech(3.0), AudioFormat.WAV)
    answer = ask(served, signer.sign(real, AudioFormat.WAV, "2026-11-23T08:00:00"))
    assert verdict(answer) == "not_found" and "signed by somebody else" in answer.text


@pytest.mark.parametrize("ending", ["wav", "ogg"])
def test_attack_32_a_stripped_manifest_leaves_the_watermark(
    served: Served, ada: Visitor, real_mark: Watermarker, ending: str
) -> None:
    """The sound alone, in a new file, as any editor writes it: real speech spoken by the scripted voice."""
    clip = served.studio.marker.clip(real_speech(6.0, 3.0))
    signed = served.studio.marker.file(clip, AudioFormat.WAV, "2026-11-23T08:00:00")
    samples, rate = soundfile.read(io.BytesIO(signed), dtype="float32")
    format = AudioFormat.WAV if ending == "wav" else AudioFormat.OGG_OPUS
    answer = ask(served, encode(AudioClip(np.asarray(samples), rate), format))
    assert verdict(answer) == "ours" and "Absent" in answer.text and "Present" in answer.text


# -- 33 -----------------------------------------------------------------------------------------------


def test_attack_33_without_the_watermarker_nothing_is_generated(served: Served, ada: Visitor) -> None:
    watermarker = served.studio.marker.watermarker
    actor = served.studio.accounts.actor_of(ada.account_id)
    before = len(served.studio.synthesis.takes.search(actor, limit=1000))
    watermarker.missing = True
    try:
        _, token = served.studio.api_keys.create(actor, "program", ["speak"])
        answer = ada.client.post(
            "/v1/audio/speech",
            json={"input": "Buongiorno.", "voice": "preset:fake:tone"},
            headers={"authorization": f"Bearer {token}"},
        )
    finally:
        watermarker.missing = False
    assert answer.status_code == 500 and "watermark" in answer.text, answer.text
    assert len(served.studio.synthesis.takes.search(actor, limit=1000)) == before


def test_attack_33_a_watermarker_that_dies_on_the_way_streams_no_sound(
    served: Served, ada: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise EngineTrouble("provenance.no_watermark", reason="gone")

    monkeypatch.setattr(served.studio.marker.watermarker, "mark_of", broken)
    actor = served.studio.accounts.actor_of(ada.account_id)
    preview = served.studio.synthesis.preview(actor, replace(TONE, fresh=True))
    heard = ada.client.get(f"/media/live/{preview.token}.mp3").content
    with pytest.raises(EngineTrouble):
        preview.take()
    try:
        samples, _ = soundfile.read(io.BytesIO(heard))
    except soundfile.LibsndfileError:
        samples = np.zeros(0)
    assert np.abs(samples).max(initial=0.0) < 1e-3
