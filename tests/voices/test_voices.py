"""Voices are stored sealed, belong to their owner, and vanish on withdrawal."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from studio.audio.encode import AudioFormat, encode
from studio.bootstrap import Studio
from studio.errors import AudioRefused, InputRefused, NotFound, NotPermitted
from studio.privacy.access import Actor, Role
from studio.voices.forms import Upload
from tests.conftest import Home
from tests.enrolling import checked_speech, enrol, voice_form


def _everything(folder: Path) -> bytes:
    return b"".join(p.read_bytes() for p in folder.rglob("*") if p.is_file())


def test_a_voice_and_its_clips_come_back_as_they_were(home: Home, admin: Actor) -> None:
    form = voice_form(home.studio, admin)
    made = home.studio.voices.enrol(admin, form)
    again = home.reopen()
    with again.database.read() as session:
        (clip,) = again.voices.clips(session, again.voices.find(session, admin, made.id))
    assert clip.sample_rate_hz == form.clips[0].clip.sample_rate_hz
    assert abs(clip.samples - form.clips[0].clip.samples).max() < 2 / 32768


def test_neither_sound_nor_name_lies_in_plain(home: Home, admin: Actor) -> None:
    form = voice_form(home.studio, admin, real_name="Zebedea Quattrocchi")
    home.studio.voices.enrol(admin, form)
    stored = _everything(home.settings.storage)
    assert b"Zebedea" not in stored and b"fLaC" not in stored and b"RIFF" not in stored


def test_others_cannot_see_use_or_hear_a_voice(
    studio: Studio, admin: Actor, account: Callable[..., Actor]
) -> None:
    owner, other = account("rosa"), account("ugo")
    made = enrol(studio, owner)
    assert studio.voices.browse(other) == []
    for attempt in (
        lambda: studio.voices.view(other, made.id),
        lambda: studio.voices.clip_audio(other, made.clips[0].id),
        lambda: studio.enrolment.start(other, made.id, "fake"),
        lambda: studio.voices.withdraw(other, made.id),
        lambda: studio.voices.remove_clip(other, made.clips[0].id),
    ):
        with pytest.raises(NotFound):
            attempt()
    assert [v.id for v in studio.voices.browse(admin)] == [made.id]


def test_a_listener_may_not_even_upload(studio: Studio, account: Callable[..., Actor]) -> None:
    with pytest.raises(NotPermitted):
        studio.voices.check(account("ada", Role.LISTENER), Upload("a.wav", b"RIFF"))


def test_withdrawal_leaves_nothing_of_the_speaker_and_the_others_untouched(home: Home, admin: Actor) -> None:
    studio = home.studio
    gone = enrol(studio, admin, "Gone", real_name="Zebedea Quattrocchi")
    kept = enrol(studio, admin, "Kept")
    studio.enrolment.start(admin, gone.id, "fake").wait()
    receipt = studio.voices.withdraw(admin, gone.id)
    rows = {"voice": 1, "consent": 1, "identity": 1, "key": 1}
    assert (
        receipt.erased
        == {"reference_clip": 1, "consent_recording": 1, "consent_sample": 1, "voice_state": 1} | rows
    )
    with pytest.raises(NotFound):
        studio.voices.view(admin, gone.id)
    assert studio.voices.view(admin, kept.id).usable
    assert gone.id.encode() not in b"".join(
        p.read_bytes() for p in home.settings.storage.glob("studio.db*")
    ) or _only_in_audit(studio, gone.id)
    assert studio.audit.verify(admin).intact
    assert len(list((home.settings.storage / "assets").glob("*/*"))) == 2


def _only_in_audit(studio: Studio, voice_id: str) -> bool:
    import sqlite3

    with sqlite3.connect(studio.database.file) as connection:
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in set(tables) - {"audit_entry"}:
            rows = connection.execute(f"SELECT * FROM {table}").fetchall()
            if voice_id in repr(rows):
                return False
    return True


def test_clips_are_added_and_removed_but_never_the_last(studio: Studio, admin: Actor) -> None:
    made = enrol(studio, admin)
    two = studio.voices.add_clip(admin, made.id, checked_speech(studio, admin, start_s=3.0))
    assert len(two.clips) == 2
    one = studio.voices.remove_clip(admin, made.clips[0].id)
    assert [c.id for c in one.clips] == [two.clips[1].id]
    with pytest.raises(InputRefused):
        studio.voices.remove_clip(admin, one.clips[0].id)


@pytest.mark.parametrize("name", ["", "   ", "x" * 61])
def test_a_voice_needs_a_name(studio: Studio, admin: Actor, name: str) -> None:
    with pytest.raises(InputRefused):
        enrol(studio, admin, name)


def test_a_voice_needs_clips_that_pass(studio: Studio, admin: Actor) -> None:
    with pytest.raises(InputRefused):
        enrol(studio, admin, clips=())
    short = studio.voices.check(
        admin, Upload("short.wav", encode(_cut(checked_speech(studio, admin).clip, 1.0), AudioFormat.WAV))
    )
    with pytest.raises(AudioRefused) as refusal:
        enrol(studio, admin, clips=(short,))
    assert refusal.value.key == "voices.clip_refused"


def _cut(clip, seconds: float):  # type: ignore[no-untyped-def]
    return replace(clip, samples=clip.samples[: int(seconds * clip.sample_rate_hz)])


def test_an_upload_over_the_limit_is_refused_before_it_is_decoded(studio: Studio, admin: Actor) -> None:
    with pytest.raises(AudioRefused) as refusal:
        studio.voices.check(admin, Upload("big.wav", b"RIFF" + bytes(51 * 2**20)))
    assert refusal.value.key == "audio.too_big"


def test_the_same_clips_are_encoded_once(home: Home, admin: Actor) -> None:
    studio = home.studio
    made = enrol(studio, admin)
    events = list(studio.enrolment.start(admin, made.id, "fake").events())
    assert [e.stage for e in events][-1] == "done" and any(e.similarity for e in events)
    studio = home.reopen()
    events = list(studio.enrolment.start(admin, made.id, "fake").events())
    assert [e.stage for e in events] == ["cached"] and events[0].state is not None
    studio.voices.add_clip(admin, made.id, checked_speech(studio, admin, start_s=3.0))
    events = list(studio.enrolment.start(admin, made.id, "fake").events())
    assert events[-1].stage == "done"


def test_an_encoding_cut_short_is_made_again_not_taken_for_done(studio: Studio, admin: Actor) -> None:
    voice = enrol(studio, admin)
    engine = studio.engines.engine("fake")
    live = studio.enrolment.start(admin, voice.id, "fake")
    next(event for event in live.events() if event.state is not None)
    live.cancel()
    live.wait()
    assert [view.complete for view in studio.enrolment.encoded(admin, voice.id)] == [False]
    stages = [event.stage for event in studio.enrolment.start(admin, voice.id, "fake").events()]
    assert "cached" not in stages and engine.encoded == 2  # type: ignore[attr-defined]
    assert [view.complete for view in studio.enrolment.encoded(admin, voice.id)] == [True]


def test_an_encoding_is_for_the_engines_way_of_encoding_and_the_voices_language(
    home: Home, admin: Actor
) -> None:
    studio = home.studio
    voice = enrol(studio, admin)
    studio.enrolment.start(admin, voice.id, "fake").wait()
    spec = studio.engines.spec("fake")
    with studio.database.read() as session:
        row = studio.voices.find(session, admin, voice.id)
        assert studio.enrolment.state(session, row, spec) is not None
        assert studio.enrolment.state(session, row, replace(spec, encoding=2)) is None
        session.expunge(row)
        row.language = "it"
        assert studio.enrolment.state(session, row, spec) is None


def test_an_engine_that_cannot_clone_says_so(studio: Studio, admin: Actor) -> None:
    made = enrol(studio, admin)
    with pytest.raises(InputRefused, match="cannot clone"):
        studio.enrolment.start(admin, made.id, "fake-preset")
