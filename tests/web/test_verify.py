"""The verify page over real HTTP: three answers, for anybody, in both languages, within bounds."""

import io
import re
import secrets

import httpx
import numpy as np
import pytest
import soundfile

from studio.audio.clip import AudioClip
from studio.audio.encode import AudioFormat, encode
from studio.privacy.access import Actor
from studio.provenance.verify import MOST_BYTES
from studio.synthesis.requests import SynthesisRequest, VoiceChoice
from studio.web.limits import RATES, Budget
from tests.enrolling import real_speech
from tests.fakes import buzz
from tests.web.conftest import Served

REAL = encode(real_speech(3.0), AudioFormat.WAV)


@pytest.fixture(scope="module")
def admin(served: Served) -> Actor:
    return served.studio.accounts.actor_of(served.studio.accounts.ensure_administrator().id)


@pytest.fixture(scope="module")
def take_id(served: Served, admin: Actor) -> str:
    request = SynthesisRequest(VoiceChoice("", "fake", "tone"), "Una frase da verificare.", "it", "fake")
    return served.studio.synthesis.preview(admin, request).take().id


def audio(served: Served, admin: Actor, take_id: str, format_name: str) -> bytes:
    return served.studio.studio.synthesis.audio(admin, take_id, format_name)[0]


def ask(served: Served, data: bytes, name: str = "sound.wav", language: str = "en") -> httpx.Response:
    with served.anonymous() as client:
        return client.post(f"/verify?language={language}", files={"file": (name, data)})


def verdict(answer: httpx.Response) -> str:
    found = re.search(r'data-verdict="(\w+)"', answer.text)
    assert found, (answer.status_code, answer.text[-3000:])
    return found[1]


@pytest.mark.parametrize("format_name", ["wav", "flac", "mp3", "mulaw"])
def test_a_download_is_ours_by_its_signature(
    served: Served, admin: Actor, take_id: str, format_name: str
) -> None:
    answer = ask(served, audio(served, admin, take_id, format_name))
    assert verdict(answer) == "ours" and "Generated in this studio" in answer.text
    assert "Valid, signed by this studio" in answer.text


def test_a_format_without_manifest_is_ours_by_its_mark_and_the_page_says_what_that_proves(
    served: Served, admin: Actor, take_id: str
) -> None:
    answer = ask(served, audio(served, admin, take_id, "ogg-opus"))
    assert verdict(answer) == "ours" and "other programs that use the same library" in answer.text
    assert "Absent" in answer.text


def test_a_real_recording_shows_no_sign_and_is_not_called_genuine(served: Served) -> None:
    answer = ask(served, REAL)
    assert verdict(answer) == "not_found" and "does not prove" in answer.text


def test_a_faint_mark_is_inconclusive(served: Served) -> None:
    clip = buzz(2.0, 220, 1)
    faint = served.studio.marker.watermarker.mark_of(clip) * np.float32(0.8)
    answer = ask(served, encode(AudioClip(clip.samples + faint, clip.sample_rate_hz), AudioFormat.WAV))
    assert verdict(answer) == "inconclusive" and "Uncertain" in answer.text


def test_too_little_sound_is_inconclusive(served: Served) -> None:
    silent = io.BytesIO()
    soundfile.write(silent, np.zeros(16_000), 16_000, format="WAV")
    assert verdict(ask(served, silent.getvalue())) == "inconclusive"


@pytest.mark.parametrize(("language", "said"), [("it", "Verifica un audio"), ("en", "Verify a sound")])
def test_the_page_speaks_both_languages_to_anybody(served: Served, language: str, said: str) -> None:
    with served.anonymous() as client:
        by_choice = client.get(f"/verify?language={language}")
        by_browser = client.get("/verify", headers={"accept-language": language})
    for page in (by_choice, by_browser):
        assert page.status_code == 200 and said in page.text and f'<html lang="{language}"' in page.text
        assert page.headers["content-security-policy"].startswith("default-src 'none'")
    assert said in ask(served, REAL, language=language).text


def test_the_answer_names_nobody(served: Served, admin: Actor, take_id: str) -> None:
    text = ask(served, audio(served, admin, take_id, "wav")).text
    assert take_id not in text and admin.account_id not in text and "Tone" not in text


def test_a_name_is_text(served: Served) -> None:
    answer = ask(served, REAL, name="<img src=x onerror=alert(1)>.wav")
    assert "<img" not in answer.text and "&lt;img" in answer.text


@pytest.mark.parametrize(
    ("data", "status", "said"),
    [
        (b"", 400, "No file was sent"),
        (b"<html>hello</html>", 400, "not"),
        (b"RIFF" + secrets.token_bytes(2000), 400, ""),
        (REAL[:900], 400, ""),
    ],
)
def test_what_is_no_sound_is_refused_on_the_page(served: Served, data: bytes, status: int, said: str) -> None:
    answer = ask(served, data)
    assert answer.status_code == status and 'role="alert"' in answer.text and said in answer.text
    assert "<form" in answer.text


def test_a_form_without_a_file_or_no_form_is_refused(served: Served) -> None:
    cut_off = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\nabc'
    with served.anonymous() as client:
        for content, kind in (
            (b"a=b", "application/x-www-form-urlencoded"),
            (REAL, "audio/wav"),
            (b"--x\r\n\x00garbage", "multipart/form-data; boundary=x"),
            (b"--x", "multipart/form-data"),
            (cut_off, "multipart/form-data; boundary=x"),
        ):
            answer = client.post("/verify", content=content, headers={"content-type": kind})
            assert answer.status_code == 400 and 'role="alert"' in answer.text, content[:20]


def test_a_file_over_the_limit_is_refused_and_the_sender_hears_why(served: Served) -> None:
    answer = ask(served, bytes(MOST_BYTES + 1_000_000))
    assert answer.status_code == 400 and "at most 20 MB" in answer.text


def test_many_files_from_one_address_are_slowed_down(served: Served) -> None:
    statuses = [ask(served, b"x").status_code for _ in range(int(RATES[Budget.VERIFY].burst) + 2)]
    assert statuses[0] == 400 and statuses[-1] == 429


def test_nothing_of_the_file_is_kept(served: Served) -> None:
    mark = secrets.token_bytes(24)
    wave = io.BytesIO()
    soundfile.write(wave, np.frombuffer(mark * 2000, dtype=np.int16), 16_000, format="WAV")
    ask(served, wave.getvalue())
    storage = served.studio.settings.storage
    assert not [path for path in storage.rglob("*") if path.is_file() and mark in path.read_bytes()]


def test_a_missing_watermarker_is_said_not_guessed(served: Served) -> None:
    watermarker = served.studio.marker.watermarker
    watermarker.missing = True
    try:
        answer = ask(served, REAL)
    finally:
        watermarker.missing = False
    assert answer.status_code == 500 and "watermark" in answer.text and "data-verdict" not in answer.text


def test_other_methods_and_paths_stay_closed(served: Served) -> None:
    with served.anonymous() as client:
        assert client.put("/verify").status_code in (401, 404)
        assert client.get("/verify/page.py").status_code in (401, 404)
        assert client.get("/verify/../studio.db").status_code in (401, 404)
        foreign = {"origin": "https://evil.example"}
        assert client.post("/verify", files={"file": ("a", REAL)}, headers=foreign).status_code == 403
