"""The report card says what is wrong with a recording, and nothing about what is not."""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict

import numpy as np
import pytest
from numpy.typing import NDArray

from studio.audio.card import Severity
from studio.audio.clip import AudioClip
from studio.audio.decode import decode
from studio.audio.encode import AudioFormat, encode
from studio.audio.fix import PAD_S, fix
from studio.audio.loudness import loudness_lufs
from studio.audio.report import ReportCard, report_card
from studio.audio.resample import resample
from studio.errors import LANGUAGES
from tests.audio.test_decode import alike
from tests.fetched import model_file
from tests.sounds import (
    RATE,
    after_each_other,
    chords,
    clipped,
    drums,
    noise,
    over,
    real_speech,
    silence,
    tone,
    voice_of,
)

SPEAKERS = ("it-m1", "fr-f1", "cs-m2")  # docs/audio.md has the figures over all of them
Embed = Callable[[AudioClip], NDArray[np.float32]]


def told(card: ReportCard, severity: Severity) -> set[str]:
    return {f.key.removeprefix("audio.card_") for f in card.findings if f.severity is severity}


def refusals(clip: AudioClip) -> set[str]:
    return told(report_card(clip), Severity.REFUSE)


@pytest.fixture(scope="module")
def embed() -> Iterator[Embed]:
    from studio.evaluation.speaker_encoder import SpeakerEncoder

    yield SpeakerEncoder(model_file("wespeaker-resnet34", "model.onnx"), threads=1).embed


def test_good_speech_is_good() -> None:
    card = report_card(real_speech(10))
    assert card.worst is Severity.OK
    assert card.refusal() == ""
    assert not card.fixable
    assert 8 < card.speech_s <= card.duration_s == 10
    assert card.snr_db > 25


@pytest.mark.parametrize(
    ("clip", "why"),
    [
        (silence(5), "silence"),
        (silence(0), "silence"),
        (chords(), "no_voice"),
        (drums(), "no_voice"),
        (noise(5), "no_voice"),
        (tone(5), "no_voice"),
        (real_speech(1), "speech"),
        (clipped(real_speech(8)), "clipping"),
        (over(real_speech(8), noise(), 2), "noise"),
    ],
)
def test_what_cannot_be_used_is_refused(clip: AudioClip, why: str) -> None:
    card = report_card(clip)
    assert told(card, Severity.REFUSE) == {why}
    assert all(len(card.refusal(language)) > 40 for language in LANGUAGES)


@pytest.mark.parametrize("format", [AudioFormat.MP3, AudioFormat.OGG_OPUS])
def test_clipping_is_found_after_compression_too(format: AudioFormat) -> None:
    assert "clipping" in refusals(decode(encode(clipped(real_speech(8)), format), "a"))
    assert "clipping" not in refusals(decode(encode(real_speech(8), format), "a"))


def test_music_behind_the_speech_gets_a_warning_and_noise_another() -> None:
    assert "music" in told(report_card(over(real_speech(8), chords(), 15)), Severity.WARN)
    assert told(report_card(over(real_speech(8), noise(), 15)), Severity.WARN) == {"noise"}


@pytest.mark.parametrize("wanted", [5, 10, 20])
def test_the_noise_is_measured_right(wanted: int) -> None:
    assert report_card(over(real_speech(8), noise(), wanted)).snr_db == pytest.approx(wanted, abs=1.5)


def test_a_telephone_recording_gets_a_warning() -> None:
    phone = resample(decode(encode(real_speech(8), AudioFormat.MULAW), "a.wav"), 16_000)
    assert "bandwidth" in told(report_card(phone), Severity.WARN)


@pytest.mark.models
def test_two_readings_of_one_voice_are_one_speaker(embed: Embed) -> None:
    assert report_card([real_speech(8), real_speech(8, 12)], embed).speakers == 1


@pytest.mark.models
@pytest.mark.parametrize("speaker", SPEAKERS)
def test_one_real_voice_is_one_and_two_are_two(embed: Embed, speaker: str) -> None:
    alone = voice_of(speaker, 10)
    assert report_card(alone, embed).speakers == 1
    both = report_card(after_each_other(alone, real_speech(6)), embed)
    assert both.speakers == 2
    assert told(both, Severity.REFUSE) == {"speakers"}


@pytest.mark.models
def test_a_stranger_in_another_clip_is_found(embed: Embed) -> None:
    assert report_card([real_speech(6), voice_of("it-m1", 6)], embed).speakers == 2


def test_without_an_encoder_speakers_are_not_counted() -> None:
    card = report_card(real_speech(6))
    assert card.speakers == 0
    assert "audio.card_speakers" not in {f.key for f in card.findings}


def test_a_card_can_be_stored_and_read_in_both_languages() -> None:
    for clip in (real_speech(8), silence(1), chords(2)):
        card = report_card(clip)
        assert "Infinity" not in json.dumps(asdict(card))
        for finding in card.findings:
            for language in LANGUAGES:
                assert finding.label(language) and finding.text(language)
                assert bool(finding.next(language)) is (finding.severity is not Severity.OK)


def poor_recording() -> AudioClip:
    quiet = np.concatenate([np.zeros(2 * RATE), real_speech(6).samples * 0.05, np.zeros(2 * RATE)]) + 0.01
    return resample(AudioClip(quiet.astype(np.float32), RATE), 96_000)


def test_fix_trims_centres_converts_and_levels() -> None:
    poor = poor_recording()
    card = report_card(poor)
    assert card.fixable
    assert {"edges", "loudness", "offset"} <= told(card, Severity.WARN)
    mended, done = fix(poor, card)
    assert done == ["trim", "offset", "convert", "level"]
    after = report_card(mended)
    assert not after.fixable
    assert mended.sample_rate_hz == 48_000
    assert loudness_lufs(mended) == pytest.approx(-23, abs=0.2)
    assert max(after.leading_silence_s, after.trailing_silence_s) < PAD_S + 0.15
    assert mended.samples[0] == pytest.approx(0, abs=2e-3)


def test_fix_invents_nothing() -> None:
    poor = poor_recording()
    mended, _ = fix(poor, report_card(poor))
    start = int(1.5 * poor.sample_rate_hz)
    body = poor.samples[start : start + 7 * poor.sample_rate_hz] - 0.01
    assert alike(mended, AudioClip(body, poor.sample_rate_hz)) > 0.999


def test_fix_leaves_alone_what_is_well_and_what_has_no_voice() -> None:
    for clip in (silence(3), chords(3)):
        assert fix(clip, report_card(clip)) == (clip, [])
    mended, _ = fix(real_speech(6), report_card(real_speech(6)))
    again, done = fix(mended, report_card(mended))
    assert again is mended
    assert done == []


def test_fix_does_not_pretend_to_mend_clipping() -> None:
    cut = clipped(real_speech(8))
    card = report_card(cut)
    mended, _ = fix(cut, card)
    assert "clipping" in refusals(mended)
