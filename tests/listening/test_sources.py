"""What a test's sounds are made of: adapters, recordings, uploads; the words they say and whose voice they are."""

from collections.abc import Mapping

import numpy as np
import pytest
from sqlalchemy import select

from studio.audio.clip import AudioClip
from studio.bootstrap import Studio
from studio.consent.purposes import Purpose
from studio.db.tables import Asset, Stimulus, Synthesis, System
from studio.errors import AudioRefused, ConsentMissing, ModelMissing, NotFound
from studio.evaluation.judges import Judges
from studio.listening.anchors import MID_ANCHOR_HZ, low_passed
from studio.listening.forms import GoldForm, Recorded, SpokenBy, SystemForm, Uploaded
from studio.listening.kinds import Kind
from studio.privacy.access import Actor
from studio.privacy.keyring import STUDIO_KEYSET
from tests.enrolling import PURPOSES, checked_speech, consent_form, enrol, voice_form
from tests.listening.taking_part import SENTENCES, brought, clip, form, made, spoken, wide
from tests.training.scripted import TRAINABLE, stored, trainable_spec

LISTENING = PURPOSES | {Purpose.LISTENING_TEST}
TRAINING = LISTENING | {Purpose.FINE_TUNE}


def agreed(studio: Studio, admin: Actor, purposes: frozenset[Purpose] = LISTENING, name: str = "Rosa"):  # type: ignore[no-untyped-def]
    return enrol(studio, admin, name, consent=consent_form(studio, purposes))


def stimuli(studio: Studio, test_id: str) -> list[tuple[Stimulus, AudioClip, str | None]]:
    """Rows with their sounds and the adapter that spoke them."""
    with studio.database.read() as session:
        rows = [*session.scalars(select(Stimulus).where(Stimulus.test_id == test_id))]
        spoken_by = {row.id: row.adapter_id for row in session.scalars(select(Synthesis))}
        return [
            (row, studio.listening._store.clip(session, row), spoken_by.get(row.synthesis_id or ""))
            for row in rows
        ]


def pitch_hz(sound: AudioClip) -> float:
    spectrum = np.abs(np.fft.rfft(sound.samples, 8 * len(sound.samples)))
    return float(np.argmax(spectrum) * sound.sample_rate_hz / (8 * len(sound.samples)))


# Adapters


def test_an_adapter_as_a_system_is_what_listeners_hear(studio: Studio, admin: Actor) -> None:
    studio.engines.register(trainable_spec())
    voice = agreed(studio, admin, TRAINING)
    adapter_id = stored(studio, voice)
    key = f"voice:{voice.id}"
    systems = (
        SystemForm("plain", SpokenBy(key, TRAINABLE)),
        SystemForm("trained", SpokenBy(key, TRAINABLE, adapter_id=adapter_id)),
    )
    view = made(studio, admin, form(Kind.AB, systems=systems))
    plain, trained = (system.id for system in view.systems)
    rows = stimuli(studio, view.id)
    assert {adapter for row, _, adapter in rows if row.system_id == trained} == {adapter_id}
    assert {adapter for row, _, adapter in rows if row.system_id == plain} == {None}
    pitches = {s: [pitch_hz(sound) for row, sound, _ in rows if row.system_id == s] for s in (plain, trained)}
    assert min(pitches[trained]) > max(pitches[plain]) + 15  # the scripted adapter speaks higher


def test_a_foreign_adapter_is_refused_before_any_work(studio: Studio, admin: Actor) -> None:
    studio.engines.register(trainable_spec())
    voice, other = agreed(studio, admin, TRAINING), agreed(studio, admin, TRAINING, "Ada")
    source = SpokenBy(f"voice:{other.id}", TRAINABLE, adapter_id=stored(studio, voice))
    live = studio.listening.create(admin, form(systems=(SystemForm("x", source),)))
    with pytest.raises(NotFound):
        live.wait()


# Words


class Heard:
    """An ear that hears what it is told of each clip."""

    def __init__(self, said: Mapping[str, str]) -> None:
        self.said = said

    def transcript(self, sound: AudioClip, language: str) -> str:
        return self.said[sound.content_id]

    word_errors = staticmethod(Judges.word_errors)


class Deaf:
    def transcript(self, sound: AudioClip, language: str) -> str:
        raise ModelMissing("models.missing", model="whisper", id="whisper")

    word_errors = staticmethod(Judges.word_errors)


def hears(studio: Studio, system: SystemForm, *said: str) -> None:
    """Add to what is heard: of each clip of an uploaded system, a text."""
    assert isinstance(system.source, Uploaded)
    known = getattr(studio.listening._gatherer._ear, "said", {})
    new = {sound.content_id: text for sound, text in zip(system.source.clips, said, strict=True)}
    studio.listening._gatherer._ear = Heard({**known, **new})


@pytest.mark.parametrize("kind", [Kind.AB, Kind.CMOS, Kind.ABX, Kind.SMOS, Kind.MUSHRA])
def test_clips_that_say_other_sentences_are_not_compared(studio: Studio, admin: Actor, kind: Kind) -> None:
    one, person = brought("clips", 110.0), brought("person", 180.0)
    hears(studio, one, SENTENCES[1], SENTENCES[0], *SENTENCES[2:])  # two of them changed places
    hears(studio, person, *SENTENCES)
    asked = form(
        kind, systems=(one, spoken("other")), reference=person if kind.facts.needs_reference else None,
        attested=True,
    )  # fmt: skip
    with pytest.raises(AudioRefused, match="Clip 1 of clips"):
        studio.listening.create(admin, asked)
    assert studio.listening.tests(admin) == []
    hears(studio, one, *SENTENCES)
    view = made(studio, admin, asked)
    assert (view.status, view.unchecked) == ("ready", 0)


def test_two_sets_of_clips_without_sentences_are_compared_with_each_other(
    studio: Studio, admin: Actor
) -> None:
    one, other = brought("one", 110.0), brought("other", 180.0)
    hears(studio, one, *SENTENCES)
    hears(studio, other, *reversed(SENTENCES))
    asked = form(Kind.AB, systems=(one, other), sentences=(), attested=True)
    with pytest.raises(AudioRefused, match="Clip 1 of other"):
        studio.listening.create(admin, asked)
    hears(studio, other, *SENTENCES)
    assert made(studio, admin, asked).unchecked == 0


def test_a_speakers_recordings_stand_at_the_sentences_they_say(studio: Studio, admin: Actor) -> None:
    clips = (checked_speech(studio, admin), checked_speech(studio, admin, start_s=8.0))
    consent = consent_form(studio, LISTENING)
    voice = studio.voices.enrol(admin, voice_form(studio, admin, "Rosa", consent=consent, clips=clips))
    said = {clips[0].clip.content_id: "Nothing of the kind.", clips[1].clip.content_id: SENTENCES[0]}
    studio.listening._gatherer._ear = Heard(said)
    systems = (SystemForm("Rosa", Recorded(voice.id)), spoken("other"))
    view = made(studio, admin, form(Kind.AB, systems=systems, sentences=SENTENCES[:1]))
    row, sound, _ = next(
        found for found in stimuli(studio, view.id) if found[0].system_id == view.systems[0].id
    )
    assert row.item == 0 and row.word_errors == 0.0
    second = clips[1].clip.samples
    assert float(np.corrcoef(sound.samples, second[: len(sound.samples)])[0, 1]) > 0.99
    with pytest.raises(AudioRefused, match="sentence 1"):
        studio.listening.create(admin, form(Kind.AB, systems=systems, sentences=SENTENCES[1:2]))


def test_sentences_can_be_taken_from_the_recordings(studio: Studio, admin: Actor) -> None:
    one = brought("clips", 110.0)
    hears(studio, one, *SENTENCES)
    assert studio.listening.said(admin, [spoken("other"), one], "it") == [*SENTENCES]
    with pytest.raises(Exception, match="recordings"):
        studio.listening.said(admin, [spoken("other")], "it")


def test_words_that_nobody_can_check_are_told_to_the_owner(studio: Studio, admin: Actor) -> None:
    studio.listening._gatherer._ear = Deaf()
    systems = (brought("clips", 110.0), spoken("other"))
    assert made(studio, admin, form(Kind.AB, systems=systems, attested=True)).unchecked == 4
    mos = form(Kind.MOS, name="alone", systems=systems, attested=True)
    assert made(studio, admin, mos).unchecked == 0  # each is rated for itself


# Whose voice


def test_clips_of_somebody_enrolled_are_sealed_with_their_key_and_go_with_them(
    studio: Studio, admin: Actor
) -> None:
    voice = agreed(studio, admin)
    gold = (GoldForm(clip(), 1.0, voice.id), GoldForm(clip(1.2), 5.0))
    systems = (brought("Rosa's own", 110.0, voice_id=voice.id), brought("nobody's", 150.0))
    view = made(studio, admin, form(systems=systems, gold=gold, attested=True))
    with studio.database.read() as session:
        rows = [*session.scalars(select(Stimulus).where(Stimulus.test_id == view.id))]
        keys = [session.get_one(Asset, row.asset_id).keyset_id for row in rows]
    speaker = studio.voices.view(admin, voice.id).speaker_id
    assert sorted(keys) == sorted([speaker] * 5 + [STUDIO_KEYSET] * 5)
    assert studio.voices.withdraw(admin, voice.id).erased["stimulus"] == 5
    with studio.database.read() as session:
        left = [*session.scalars(select(Stimulus).where(Stimulus.test_id == view.id))]
        assert sum(row.asset_id is None for row in left) == 5 and not any(row.voice_id for row in left)
        names = set(session.scalars(select(System.name)))
        assert not session.scalars(select(Asset).where(Asset.keyset_id == speaker)).all()
    assert "nobody's" in names and not any("Rosa" in name for name in names)


def test_clips_of_somebody_enrolled_ask_for_their_consent(studio: Studio, admin: Actor) -> None:
    quiet = enrol(studio, admin, "Quiet")
    for changes in (
        {"systems": (brought("hers", 110.0, voice_id=quiet.id),)},
        {"gold": (GoldForm(clip(), 1.0, quiet.id),)},
    ):
        with pytest.raises(ConsentMissing, match="listening_test"):
            studio.listening.create(admin, form(attested=True, **changes))
    assert studio.listening.tests(admin) == []


# Anchors and level


@pytest.mark.parametrize("told", ["rate", "band"])
def test_a_reference_without_the_anchors_band_is_refused(studio: Studio, admin: Actor, told: str) -> None:
    whole = wide(1.0, 120.0, 1)
    narrow = (
        AudioClip(whole.samples, 12_000) if told == "rate" else low_passed(whole, MID_ANCHOR_HZ)
    )  # the second as if it had been brought up from a lower rate
    person = SystemForm("person", Uploaded((narrow,) * 4))
    with pytest.raises(AudioRefused, match="7 kHz"):
        studio.listening.create(admin, form(Kind.MUSHRA, reference=person, attested=True))
    assert studio.listening.tests(admin) == []


def test_a_clip_that_its_peaks_keep_quiet_is_told(studio: Studio, admin: Actor) -> None:
    peaky = wide(1.0, 120.0, 1).samples.copy() * 0.01
    peaky[12_000] = 0.9  # one click leaves no room
    systems = (
        SystemForm("peaky", Uploaded((AudioClip(peaky, 24_000),) * 2)),
        SystemForm("plain", Uploaded((wide(1.0, 120.0, 1),) * 2)),
    )
    view = made(studio, admin, form(systems=systems, sentences=SENTENCES[:2], attested=True))
    assert view.held == 2
