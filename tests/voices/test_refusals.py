"""What the studio refuses, each with a message that says what to do, and nothing stored of it anywhere."""

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import func, select

from studio.audio.clip import AudioClip
from studio.audio.encode import AudioFormat, encode
from studio.audio.resample import resample
from studio.bootstrap import Studio
from studio.db.tables import Base
from studio.errors import AudioRefused, ConsentMissing, InputRefused, StudioError, TextRefused
from studio.evaluation.speaker_encoder import SpeakerEncoder
from studio.privacy.access import Actor
from studio.synthesis.requests import SynthesisRequest, VoiceChoice
from studio.ui.uploads import take_in
from studio.voices.forms import Upload
from tests.enrolling import consent_form, enrol, voice_form
from tests.fakes import FakeJudges
from tests.fetched import STORAGE_MODELS
from tests.sounds import after_each_other, chords, clipped, real_speech, silence

MB = 2**20
ENCODER = STORAGE_MODELS / "wespeaker-resnet34" / "model.onnx"
HTML = b"<!doctype html><html><body><script>alert(1)</script></body></html>" * 50


def lowered(clip: AudioClip) -> AudioClip:
    """The same reading by a longer throat: another speaker to any encoder."""
    return resample(AudioClip(clip.samples, round(0.6 * clip.sample_rate_hz)), clip.sample_rate_hz)


def wav(clip: AudioClip) -> bytes:
    return encode(clip, AudioFormat.WAV)


RECORDINGS: dict[str, tuple[Callable[[], bytes], str]] = {
    "silence": (lambda: wav(silence(8)), "audio.card_silence"),
    "one second": (lambda: wav(real_speech(1)), "audio.card_speech"),
    "clipped": (lambda: wav(clipped(real_speech(8))), "audio.card_clipping"),
    "music": (lambda: wav(chords(8)), "audio.card_no_voice"),
    "html named .wav": (lambda: HTML, "audio.not_audio_text"),
    "200 MB": (lambda: bytes(200 * MB), "audio.too_big"),
    "no bytes": (lambda: b"", "audio.no_bytes"),
}


@pytest.fixture
def traces(
    studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], dict[str, object]]:
    """What is stored: rows by table (the audit log apart), sealed files, and temporary files anywhere."""
    elsewhere = tmp_path / "temp"
    elsewhere.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(elsewhere))
    monkeypatch.setenv("TMPDIR", str(elsewhere))

    def look() -> dict[str, object]:
        with studio.database.read() as session:
            rows: dict[str, object] = {
                table.name: session.scalar(select(func.count()).select_from(table))
                for table in Base.metadata.sorted_tables
                if not table.name.startswith("audit") and table.name != "consent_challenge"
            }
        folders = (studio.settings.storage / "assets", studio.settings.scratch, elsewhere)
        return rows | {str(f): sorted(str(p) for p in f.rglob("*") if p.is_file()) for f in folders}

    return look


def says_what_to_do(error: StudioError) -> bool:
    """What happened, why, and what next: in both languages."""
    parts = [error.part(part, language) for part in ("what", "why", "next") for language in ("it", "en")]
    return all(len(part) > 10 and "{" not in part for part in parts)


@pytest.mark.parametrize("name", RECORDINGS)
def test_a_recording_that_cannot_be_used_is_refused_and_leaves_nothing(
    studio: Studio, admin: Actor, traces: Callable[[], dict[str, object]], name: str
) -> None:
    make, key = RECORDINGS[name]
    consent = consent_form(studio, subject=admin.account_id)
    before = traces()
    with pytest.raises(AudioRefused) as refusal:
        checked = studio.voices.check(admin, Upload("speech.wav", make()))
        assert key in {finding.key for finding in checked.card.findings if finding.severity.name == "REFUSE"}
        studio.voices.enrol(admin, voice_form(studio, admin, clips=(checked,), consent=consent))
    assert refusal.value.key in (key, "voices.clip_refused") and says_what_to_do(refusal.value)
    assert traces() == before


@pytest.mark.models
def test_two_speakers_are_refused_in_one_recording_and_in_two(
    studio: Studio, admin: Actor, judges: FakeJudges, monkeypatch: pytest.MonkeyPatch,
    traces: Callable[[], dict[str, object]],
) -> None:  # fmt: skip
    encoder = SpeakerEncoder(ENCODER, 1)
    monkeypatch.setattr(judges, "embed", encoder.embed)
    one, other = real_speech(8), lowered(real_speech(8, 12))
    consent = consent_form(studio, subject=admin.account_id)
    before = traces()
    both = studio.voices.check(admin, Upload("both.wav", wav(after_each_other(one, other))))
    assert both.card.speakers == 2
    apart = tuple(studio.voices.check(admin, Upload(f"{n}.wav", wav(c))) for n, c in enumerate((one, other)))
    for clips, key in (((both,), "voices.clip_refused"), (apart, "voices.different_speakers")):
        with pytest.raises(AudioRefused) as refusal:
            studio.voices.enrol(admin, voice_form(studio, admin, clips=clips, consent=consent))
        assert refusal.value.key == key and says_what_to_do(refusal.value)
    assert traces() == before


@pytest.mark.parametrize("lacking", ["attestations", "purposes", "challenge"])
def test_without_consent_nothing_is_stored(
    studio: Studio, admin: Actor, traces: Callable[[], dict[str, object]], lacking: str
) -> None:
    form = voice_form(studio, admin)
    empty: dict[str, object] = {
        "attestations": frozenset(),
        "purposes": frozenset(),
        "challenge": "never asked",
    }
    before = traces()
    with pytest.raises((ConsentMissing, InputRefused)) as refusal:
        studio.voices.enrol(admin, replace(form, consent=replace(form.consent, **{lacking: empty[lacking]})))  # type: ignore[arg-type]
    assert says_what_to_do(refusal.value)
    assert traces() == before


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"text": ""}, "text.empty"),
        ({"text": "a" * 100_000}, "text.too_long"),
        ({"text": "😀🎉 😀"}, "text.nothing_to_say"),
        ({"language": "xx"}, "engines.language"),
    ],
)
def test_a_text_that_cannot_be_said_is_refused_and_leaves_nothing(
    studio: Studio, admin: Actor, traces: Callable[[], dict[str, object]], change: dict[str, str], key: str
) -> None:
    voice = enrol(studio, admin)
    asked = SynthesisRequest(VoiceChoice(voice_id=voice.id), "Buongiorno.", "it", "fake")
    before = traces()
    with pytest.raises((TextRefused, InputRefused)) as refusal:
        studio.synthesis.preview(admin, replace(asked, **change))  # type: ignore[arg-type]
    assert refusal.value.key == key and says_what_to_do(refusal.value)
    assert traces() == before and studio.synthesis.running(admin) == []


def test_a_file_of_200_mb_is_refused_unread_and_taken_off_the_disk(tmp_path: Path) -> None:
    file = tmp_path / "big.wav"
    with file.open("wb") as big:
        big.truncate(200 * MB)  # sparse: it takes no room
    assert file.stat().st_size == 200 * MB
    with pytest.raises(AudioRefused) as refusal:
        take_in(str(file), "upload", 50)
    assert refusal.value.key == "audio.too_big" and refusal.value.facts["size_mb"] == 200
    assert not file.exists()


def test_what_is_refused_here_would_pass_if_it_were_well(
    studio: Studio, admin: Actor, traces: Callable[[], dict[str, object]]
) -> None:
    """The same way in, with a good recording: rows and files appear, so their absence above means something."""
    consent = consent_form(studio, subject=admin.account_id)
    before = traces()
    checked = studio.voices.check(admin, Upload("speech.wav", wav(real_speech(8))))
    studio.voices.enrol(admin, voice_form(studio, admin, clips=(checked,), consent=consent))
    after = traces()
    changed = {name for name in before if before[name] != after[name]}
    assert {"speaker", "voice", "reference_clip", "asset"} <= changed
