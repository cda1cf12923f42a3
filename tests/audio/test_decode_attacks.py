"""Hostile files: each refused with a message in both languages, and the process lives. Numbers: web-security.md."""

import io
import os
import resource
import struct
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.audio.decode import DecodeLimits, decode, decode_file, shown_name
from studio.audio.encode import AudioFormat, encode
from studio.errors import LANGUAGES, AudioRefused
from tests.sounds import noise, real_speech, tone, wav_bytes


def refused(
    data: bytes, key: str, name: str = "a.wav", limits: DecodeLimits | None = None, **more: object
) -> AudioRefused:
    with pytest.raises(AudioRefused) as caught:
        decode_file(data, name, limits, **more)  # type: ignore[arg-type]
    assert caught.value.key == f"audio.{key}"
    assert all(len(caught.value.text(language)) > 40 for language in LANGUAGES)
    return caught.value


def riff(
    channels: int = 1, rate: int = 16_000, declared: int | None = None, data: bytes = bytes(32_000)
) -> bytes:
    form = struct.pack(
        "<HHIIHH", 1, channels, rate, rate * channels * 2 & 0xFFFFFFFF, channels * 2 & 0xFFFF, 16
    )
    body = (
        b"fmt "
        + struct.pack("<I", 16)
        + form
        + b"data"
        + struct.pack("<I", len(data) if declared is None else declared)
    )
    return b"RIFF" + struct.pack("<I", 36 + len(data)) + b"WAVE" + body + data


def long_silence(format: str, subtype: str, rate: int, seconds: int) -> bytes:
    out = io.BytesIO()
    with soundfile.SoundFile(out, "w", rate, 1, subtype, format=format) as file:
        for _ in range(seconds // 60):
            file.write(np.zeros(rate * 60, np.int16))
    return out.getvalue()


def test_attack_12_a_file_of_51_mb() -> None:
    refused(wav_bytes(np.zeros(8, np.float32)) + bytes(51_000_000), "too_big")


@pytest.mark.parametrize(
    ("format", "subtype", "rate", "minutes"), [("FLAC", "PCM_16", 44_100, 16), ("OGG", "VORBIS", 8_000, 3)]
)
def test_attack_13_bombs_are_refused_before_they_unpack(
    format: str, subtype: str, rate: int, minutes: int
) -> None:
    bomb = long_silence(format, subtype, rate, minutes * 60)
    assert len(bomb) < 1_000_000
    spent = children_cpu_s()
    refused(bomb, "too_long", limits=DecodeLimits(max_duration_s=(minutes - 1) * 60))
    assert children_cpu_s() - spent < 1.5


def children_cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def test_attack_13_a_bomb_that_hides_its_length_is_stopped_at_the_cap() -> None:
    bomb = bytearray(long_silence("FLAC", "PCM_16", 44_100, 5 * 60))
    bomb[21] &= 0xF0  # STREAMINFO's number of samples: 36 bits, 0 for "not known"
    bomb[22:26] = bytes(4)
    refused(bytes(bomb), "too_long", limits=DecodeLimits(max_duration_s=60))


def test_attack_13_duration_times_channels_times_rate_is_capped() -> None:
    many = np.zeros((48_000 * 20, 8), np.int16)
    refused(wav_bytes(many, 48_000), "too_much_sound", limits=DecodeLimits(max_values=5_000_000))


@pytest.mark.parametrize(
    ("data", "key"),
    [
        (riff(declared=2_000_000), "lying_header"),
        (riff(rate=1), "silly_rate"),
        (riff(rate=4_000_000_000), "silly_rate"),
        (riff(rate=0), "silly_rate"),
        (riff(channels=65_535), "too_many_channels"),
        (riff(channels=0), "too_many_channels"),
        (riff(data=b""), "no_sound"),
        (riff()[:30], "lying_header"),
        (b"", "no_bytes"),
        (b"<!doctype html><html><script>alert(1)</script>", "not_audio_text"),
        (b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>', "not_audio_text"),
        (b"#EXTM3U\nhttp://169.254.169.254/latest/meta-data", "not_audio_text"),
        (b"ffconcat version 1.0\nfile /etc/passwd\n", "not_audio_text"),
        (b"\x89PNG\r\n\x1a\n" + bytes(64), "not_audio"),
        (b"\x7fELF" + bytes(64), "not_audio"),
    ],
)
def test_attack_14_and_18_files_that_are_not_what_they_say(data: bytes, key: str) -> None:
    refused(data, key)


def test_attack_14_a_flac_that_was_cut_off() -> None:
    whole = encode(noise(10), AudioFormat.FLAC)
    refused(whole[: len(whole) // 2], "lying_header")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("channels", [1, 2])
def test_attack_15_samples_that_are_not_numbers(value: float, channels: int) -> None:
    samples = np.tile(tone().samples[:, None], (1, channels))
    samples[1000, -1] = value
    refused(wav_bytes(samples, subtype="FLOAT"), "not_finite")


def test_whole_numbers_written_as_fractions() -> None:
    refused(wav_bytes(tone().samples * 32768, subtype="FLOAT"), "out_of_range")


@pytest.mark.parametrize(
    ("program", "key"),
    [
        ("import os; os.kill(os.getpid(), 11)", "decoder_crashed"),
        ("raise SystemExit(3)", "decoder_crashed"),
        ("import sys; sys.stdout.buffer.write(b'S\\x10')", "decoder_crashed"),
        ("import time; time.sleep(60)", "decoder_timeout"),
        ("import sys\nwhile True: sys.stdout.buffer.write(b'S' + bytes(4) + b'x' * 0)", "decoder_timeout"),
    ],
)
def test_attack_16_a_decoder_that_crashes_hangs_or_babbles(program: str, key: str) -> None:
    before, limits = open_files(), DecodeLimits(timeout_s=1.5 if key == "decoder_timeout" else 30)
    refused(riff(), key, limits=limits, child=(sys.executable, "-c", program))
    assert open_files() == before
    assert decode(riff(), "next.wav").duration_s == 1.0


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208


def test_attack_16_a_child_that_floods_its_output_is_stopped() -> None:
    flood = "import sys\nwhile True: sys.stdout.buffer.write(b'S\\x00\\x00\\x10\\x00' + bytes(1 << 20))"
    limits = DecodeLimits(max_values=1000, timeout_s=20)
    refused(riff(), "decoder_crashed", limits=limits, child=(sys.executable, "-c", flood))


def test_the_child_cannot_open_files_or_sockets_once_it_decodes(tmp_path: Path) -> None:
    folder, target = str(Path(decode.__code__.co_filename).parent), str(tmp_path / "x")
    program = (
        f"import sys, os, socket; sys.path.insert(0, {folder!r}); import decode_child as d\n"
        "d.limit_process(1 << 30, 5); d.forbid_new_files(2)\n"
        f"for attempt in (lambda: open('/etc/hostname'), socket.socket, os.pipe, lambda: open({target!r}, 'wb')):\n"
        "    try: attempt()\n"
        "    except OSError: continue\n"
        "    os.kill(os.getpid(), 9)\n"
        "sys.exit(7)"
    )
    told = refused(riff(), "decoder_crashed", child=(sys.executable, "-c", program))
    assert told.facts["detail"] == "exit 7"


def test_memory_of_the_child_is_limited() -> None:
    loud = encode(noise(60, rate=48_000), AudioFormat.FLAC)
    with pytest.raises(AudioRefused) as caught:
        decode(loud, "a.flac", replace(DecodeLimits(), memory_bytes=60_000_000))
    assert caught.value.key in ("audio.decoder_memory", "audio.decoder_crashed", "audio.unreadable")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../../etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("a\x00b\n.wav", "ab.wav"),
        ("$(id).wav", "$(id).wav"),
        ("", "?"),
        ("x" * 400 + ".wav", "x" * 40 + "…" + "x" * 11 + ".wav"),
    ],
)
def test_attack_17_a_name_is_only_quoted(name: str, shown: str) -> None:
    assert shown_name(name) == shown
    assert decode(riff(), name).duration_s == 1.0
    assert shown in refused(b"\x00\x01", "not_audio", name).text("it")


HEADS = [
    b"",
    b"RIFF\xff\xff\xff\xffWAVEfmt \x10\x00\x00\x00",
    b"fLaC",
    b"OggS",
    b"ID3\x04",
    b"\xff\xfb\x90\x00",
    b"\x1a\x45\xdf\xa3",
]


@settings(max_examples=12, deadline=None)
@given(head=st.sampled_from(HEADS), rest=st.binary(max_size=600))
def test_random_bytes_are_refused_or_are_sound(head: bytes, rest: bytes) -> None:
    try:
        clip = decode(head + rest, "fuzz.wav")
    except AudioRefused as refusal:
        assert refusal.text("it")
    else:
        assert np.isfinite(clip.samples).all()


@settings(max_examples=10, deadline=None)
@given(
    format=st.sampled_from(list(AudioFormat)), place=st.floats(0, 1), junk=st.binary(min_size=1, max_size=64)
)
def test_damaged_files_are_refused_or_are_sound(format: AudioFormat, place: float, junk: bytes) -> None:
    data = bytearray(encode(real_speech(1), format))
    start = int(place * (len(data) - len(junk)))
    data[start : start + len(junk)] = junk
    try:
        clip = decode(bytes(data), "fuzz")
    except AudioRefused as refusal:
        assert refusal.text("en")
    else:
        assert np.isfinite(clip.samples).all()
