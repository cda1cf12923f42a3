"""The recogniser's own errors beside every WER: on the speaker's recordings whose words are known."""

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from studio.audio.clip import AudioClip
from studio.bootstrap import Studio
from studio.consent.purposes import Purpose
from studio.datasets.readings import KIND
from studio.db.tables import ConsentRecord
from studio.errors import AudioRefused
from studio.privacy.access import Actor
from studio.scores.sentences import own_list
from studio.synthesis.requests import SynthesisRequest, VoiceChoice
from studio.ui.clone.history import history_list
from studio.ui.clone.result import scores_card
from studio.ui.results.table import floor_told
from studio.ui.words import Words
from studio.voices.floor import STATEMENT
from studio.voices.forms import VoiceView
from tests.datasets.making import SENTENCES, small_dataset
from tests.enrolling import PURPOSES, consent_form, enrol
from tests.scores.conftest import MEASURED, ScriptedEars, asked

ENGLISH = own_list("Good morning to all.", "en")


def statement_of(studio: Studio) -> str:
    with studio.database.read() as session:
        return session.scalars(select(ConsentRecord.statement)).one()


def test_sentences_that_nobody_recorded_have_the_floor_of_the_consent_statement(
    studio: Studio, admin: Actor, ears: ScriptedEars, voice: VoiceView
) -> None:
    statement = statement_of(studio)
    ears.will_hear = ["good morning to all", f"{statement} indeed"]
    for _ in range(2):  # the second time it is remembered
        studio.evaluations.evaluate(admin, asked(voice.id, ENGLISH)).wait()
    again, first = studio.evaluations.results.runs(admin)
    floor = first.scores["asr_floor"]
    words = floor.detail["reference_words"]
    assert isinstance(words, int) and words > 10 and floor.value == pytest.approx(1 / words)
    assert floor.n == 1 and floor.parameters["recordings"] == {STATEMENT: 1}
    assert floor.models == ("whisper-base-ct2",)
    assert again.value("asr_floor") == floor.value, "not heard again: nothing was left to hear"
    assert "1 consent statement" in floor_told(Words("en"), floor)


def test_a_statement_in_another_language_is_no_floor_and_the_run_says_so(
    studio: Studio, admin: Actor, ears: ScriptedEars, voice: VoiceView
) -> None:
    studio.evaluations.evaluate(admin, asked(voice.id)).wait()
    floor = studio.evaluations.results.runs(admin)[0].scores["asr_floor"]
    assert floor.value is None and "in this language" in floor.why("en")
    assert "known words" in floor_told(Words("en"), floor)


def test_a_dataset_with_its_own_texts_joins_the_statement(
    studio: Studio, admin: Actor, ears: ScriptedEars, tmp_path: Path
) -> None:
    agreed = consent_form(studio, MEASURED | {Purpose.FINE_TUNE}, subject=admin.account_id)
    voice = enrol(studio, admin, consent=agreed)
    small_dataset(studio, admin, voice, tmp_path)
    heard: list[AudioClip] = []

    def hear(clip: AudioClip) -> str:
        heard.append(clip)
        return ""

    floor = studio.floors.of(voice.id, "en", "deaf", hear)
    assert floor is not None and floor.value == 1.0
    assert floor.recordings == {STATEMENT: 1, KIND: len(SENTENCES)} and len(heard) == floor.n
    assert studio.floors.of(voice.id, "en", "deaf", hear) == floor and len(heard) == floor.n
    other = studio.floors.of(voice.id, "en", "another recogniser", lambda clip: statement_of(studio))
    assert other is not None and 0.0 in other.errors.utterances, "each recogniser is heard for itself"


def test_recordings_are_heard_only_with_the_consent_to_measuring(
    studio: Studio, admin: Actor, ears: ScriptedEars
) -> None:
    silent = enrol(studio, admin, consent=consent_form(studio, PURPOSES, subject=admin.account_id))

    def never(clip: AudioClip) -> str:
        raise AssertionError("nobody agreed to that")

    assert studio.floors.of(silent.id, "en", "any", never) is None


def test_a_withdrawal_forgets_it_and_a_recording_that_cannot_be_heard_is_left_out(
    studio: Studio, admin: Actor, ears: ScriptedEars, voice: VoiceView
) -> None:
    def deaf(clip: AudioClip) -> str:
        raise AudioRefused("evaluation.silent")

    assert studio.floors.of(voice.id, "en", "deaf", deaf) is None
    assert studio.floors.of(voice.id, "en", "any", lambda clip: "something") is not None
    assert studio.floors._known
    studio.voices.withdraw(admin, voice.id)
    assert not studio.floors._known
    assert studio.floors.of(voice.id, "en", "any", lambda clip: "something") is None


def test_a_take_of_the_clone_tab_shows_it_beside_its_word_errors(
    studio: Studio, admin: Actor, ears: ScriptedEars, voice: VoiceView
) -> None:
    ears.will_hear = ["good morning", f"{statement_of(studio)} indeed"]
    request = SynthesisRequest(VoiceChoice(voice_id=voice.id), "Good morning.", "en", "fake")
    live = studio.synthesis.preview(admin, request)
    scored = [event.take for event in live.events() if event.stage == "scored" and event.take]
    assert [take.asr_floor_n for take in scored] == [None, 1], "the take's own figures do not wait for it"
    take = studio.synthesis.takes.find(admin, scored[-1].id)
    assert take.wer == 0.0 and take.asr_floor is not None and 0 < take.asr_floor < 0.1
    assert "its own floor" in scores_card(Words("en"), take, scored=True)
    assert "floor" in history_list(Words("en"), [take], filtered=False, more=False)
    without = scores_card(Words("en"), replace(take, asr_floor=None), scored=True)
    assert "floor not known: no recording" in without
