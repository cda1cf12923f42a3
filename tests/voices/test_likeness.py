"""How close a clone came: said by a judge that did not make it, beside the person and other people."""

import numpy as np
import pytest
from numpy.typing import NDArray

from studio.audio.clip import AudioClip
from studio.bootstrap import Studio
from studio.errors import ModelMissing
from studio.privacy.access import Actor
from studio.ui.voices.cards import close
from studio.ui.words import Words
from studio.voices.likeness import OTHER_SPEAKER, SAID, SAME_SPEAKER, Likeness, language_of
from tests.enrolling import checked_speech, enrol, voice_form
from tests.fakes import RATE, FakeJudges


def vector(*values: float) -> NDArray[np.float32]:
    return np.pad(np.array(values, np.float32), (0, 256 - len(values)))


@pytest.fixture
def ear(judges: FakeJudges, monkeypatch: pytest.MonkeyPatch) -> list[AudioClip]:
    """Hears the recordings as one person, the engine's sound as 0.6 of them; remembers what it was given."""
    heard: list[AudioClip] = []

    def embed(clip: AudioClip) -> NDArray[np.float32]:
        heard.append(clip)
        return vector(0.6, 0.8) if clip.sample_rate_hz == RATE else vector(1.0)

    monkeypatch.setattr(judges, "embed", embed)
    return heard


def test_an_encoding_is_judged_by_a_sentence_it_says(
    studio: Studio, admin: Actor, ear: list[AudioClip]
) -> None:
    voice = enrol(studio, admin)  # 8 s of recordings: two pieces
    ear.clear()
    studio.enrolment.start(admin, voice.id, "fake").wait()
    assert studio.engines.engine("fake").spoken == [SAID["en"]]  # type: ignore[attr-defined]
    assert sorted(clip.sample_rate_hz for clip in ear) == [16000, 16000, RATE]
    (encoded,) = studio.enrolment.encoded(admin, voice.id)
    judged = Likeness.read(encoded.facts)
    assert judged == Likeness(0.6, 1.0, OTHER_SPEAKER, own=True)
    assert studio.synthesis.takes.search(admin) == []  # what was said for the judge is kept nowhere
    for language, person in (("it", "le registrazioni fra loro 1,00"), ("en", "among themselves 1.00")):
        shown = close(Words(language), encoded.facts)
        assert (
            person in shown and Words(language).number(0.6) in shown and Words(language).number(0.11) in shown
        )


def test_recordings_too_short_to_compare_say_the_usual_figure(
    studio: Studio, admin: Actor, ear: list[AudioClip]
) -> None:
    form = voice_form(studio, admin, clips=(checked_speech(studio, admin, seconds=5.0),))
    voice = studio.voices.enrol(admin, form)
    studio.enrolment.start(admin, voice.id, "fake").wait()
    (encoded,) = studio.enrolment.encoded(admin, voice.id)
    judged = Likeness.read(encoded.facts)
    assert judged is not None and not judged.own and judged.same == SAME_SPEAKER
    assert "di solito" in close(Words("it"), encoded.facts)


def test_without_a_judge_the_voice_is_ready_and_nothing_is_claimed(
    studio: Studio, admin: Actor, judges: FakeJudges, monkeypatch: pytest.MonkeyPatch
) -> None:
    voice = enrol(studio, admin)

    def missing(clip: AudioClip) -> NDArray[np.float32]:
        raise ModelMissing("models.missing", model="judge", id="judge")

    monkeypatch.setattr(judges, "embed", missing)
    studio.enrolment.start(admin, voice.id, "fake").wait()
    (encoded,) = studio.enrolment.encoded(admin, voice.id)
    assert encoded.complete and close(Words("it"), encoded.facts) == ""


def test_the_sentence_is_in_a_language_the_engine_speaks() -> None:
    assert language_of(("it", "en"), "en") == "en" and language_of(("it", "en"), "cs") == "it"
    assert language_of(("cs",), "cs") == ""
