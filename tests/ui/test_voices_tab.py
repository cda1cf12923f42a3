"""The chosen voice: more recordings, engines under way, what lacks a model, and what an approval starts."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import pytest

from studio.audio.clip import AudioClip
from studio.audio.encode import AudioFormat, encode
from studio.bootstrap import Studio
from studio.engines.base import EngineContext, VoiceState
from studio.errors import AudioRefused, InputRefused, NotPermitted
from studio.privacy.access import Actor, Role
from studio.ui.desk import Desk
from studio.ui.header import build_header
from studio.ui.voices.review import ReviewList
from studio.ui.voices.tab import VoicesTab
from studio.voices.forms import VoiceView
from tests.enrolling import checked_speech, consent_form, enrol, real_speech
from tests.fakes import FakeJudges, ScriptedEngine, fake_spec

Press = Callable[..., gr.EventData]
Visitor = Callable[..., gr.Request]


class Gated(ScriptedEngine):
    """Encodes once the test opens the gate."""

    gate = threading.Event()

    def __init__(self, context: EngineContext) -> None:
        super().__init__(context, gated())

    def encode_voice(self, clips: Sequence[AudioClip], **rest: Any) -> VoiceState:
        assert self.gate.wait(20)
        return super().encode_voice(clips, **rest)


def gated() -> Any:
    return replace(fake_spec("fake-gated"), name="Gated", factory="tests.ui.test_voices_tab:Gated")


@pytest.fixture
def gate(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    fresh = threading.Event()
    monkeypatch.setattr(Gated, "gate", fresh)
    studio.engines.register(gated())
    yield fresh
    fresh.set()


@pytest.fixture
def tab(italian: Desk) -> VoicesTab:
    with gr.Blocks() as demo:
        return VoicesTab(italian, build_header(italian, demo), gr.Tabs())


def file_of(clip: AudioClip, folder: Path, name: str = "more.wav") -> str:
    (folder / name).write_bytes(encode(clip, AudioFormat.WAV))
    return str(folder / name)


def prepared(studio: Studio, admin: Actor) -> VoiceView:
    view = enrol(studio, admin)
    studio.enrolment.start(admin, view.id, "fake").wait()
    return view


# More recordings


def test_a_recording_is_examined_mended_and_added(
    studio: Studio, tab: VoicesTab, admin: Actor, visitor: Visitor, press: Press, tmp_path: Path
) -> None:
    view, asker = prepared(studio, admin), visitor(admin)
    speech = real_speech(6.0, 9.0)
    silence = np.zeros(3 * speech.sample_rate_hz, np.float32)
    padded = AudioClip(np.concatenate([silence, speech.samples, silence]), speech.sample_rate_hz)
    file = file_of(padded, tmp_path)
    _, clips, shown = tab.adding.picker.adder("upload")([file], [], asker)
    assert 'data-act="fix"' in shown and not Path(file).exists()
    mended, shown = tab.adding.picker.change(clips, press("fix", number=0), asker)
    assert "Silenzi tagliati" in shown and mended[0].clip.duration_s < padded.duration_s - 3
    left, _, told = tab.adding.add(view.id, mended, asker)
    assert left == [] and "prepara di nuovo i motori" in told
    assert len(studio.voices.view(admin, view.id).clips) == 2


def test_after_adding_the_engine_has_to_be_prepared_again(
    studio: Studio, tab: VoicesTab, admin: Actor, visitor: Visitor
) -> None:
    view, asker = prepared(studio, admin), visitor(admin)
    key = f"voice:{view.id}"
    cards, detail, *_ = tab.show(key, [], asker)
    assert 'data-act="encode_again" data-engine="fake"' in detail and "Non ancora preparata" not in cards
    tab.adding.add(view.id, [checked_speech(studio, admin, start_s=9.0)], asker)
    cards, detail, *_ = tab.show(key, [], asker)
    assert "Da preparare di nuovo" in detail and 'data-act="encode" data-engine="fake"' in detail
    assert "Non ancora preparata" in cards
    studio.enrolment.start(admin, view.id, "fake").wait()
    assert "Da preparare di nuovo" not in tab.show(key, [], asker)[1]


def test_a_recording_added_meanwhile_is_not_taken_for_encoded(
    studio: Studio, admin: Actor, gate: threading.Event
) -> None:
    view = enrol(studio, admin)
    live = studio.enrolment.start(admin, view.id, "fake-gated")
    while live.latest is None or live.latest.stage != "loading":
        time.sleep(0.01)
    studio.voices.add_clip(admin, view.id, checked_speech(studio, admin, start_s=9.0))
    gate.set()
    live.wait()
    assert [one.current for one in studio.enrolment.encoded(admin, view.id)] == [False]


def test_what_is_refused_stays_with_its_reason_and_the_rest_is_added(
    studio: Studio, tab: VoicesTab, admin: Actor, judges: FakeJudges, visitor: Visitor
) -> None:
    view, asker = enrol(studio, admin), visitor(admin)
    same, other = checked_speech(studio, admin, start_s=9.0), checked_speech(studio, admin, start_s=16.0)
    judges.voices[other.clip.content_id] = 7
    left, shown, told = tab.adding.add(view.id, [other, same], asker)
    assert left == [other] and other.name in shown
    assert "tb-note good" in told and 'role="alert"' in told
    assert len(studio.voices.view(admin, view.id).clips) == 2


def test_a_file_that_is_no_sound_is_refused_and_deleted(
    studio: Studio, tab: VoicesTab, admin: Actor, visitor: Visitor, tmp_path: Path
) -> None:
    file = tmp_path / "letter.wav"
    file.write_bytes(b"Dear Sir or Madam")
    with pytest.raises(AudioRefused):
        tab.adding.picker.adder("upload")([str(file)], [], visitor(admin))
    assert not file.exists()
    with pytest.raises(InputRefused):
        tab.adding.add(enrol(studio, admin).id, [], visitor(admin))


def test_recordings_gathered_for_one_voice_never_reach_another(
    studio: Studio, tab: VoicesTab, admin: Actor, visitor: Visitor
) -> None:
    first, second, asker = enrol(studio, admin), enrol(studio, admin, "Rosa"), visitor(admin)
    panel, voice_id, clips, *_ = tab.adding.follow(f"voice:{second.id}", first.id, asker)
    assert panel.visible and voice_id == second.id and clips == []
    kept = tab.adding.follow(f"voice:{second.id}", second.id, asker)
    assert kept[2] == gr.skip()
    panel, voice_id, *_ = tab.adding.follow("preset:fake:tone", second.id, asker)
    assert not panel.visible and voice_id == ""


def test_nothing_is_added_where_consent_waits_or_to_anothers_voice(
    studio: Studio, tab: VoicesTab, admin: Actor, account: Callable[..., Actor], visitor: Visitor
) -> None:
    waiting = waits(studio, admin)
    assert not tab.adding.follow(f"voice:{waiting.id}", "", visitor(admin))[0].visible
    rosa = account("rosa")
    theirs = f"voice:{enrol(studio, admin).id}"
    assert not tab.adding.follow(theirs, "", visitor(rosa))[0].visible
    clip = checked_speech(studio, admin, start_s=9.0)
    for voice_id, actor in ((waiting.id, admin), (theirs.removeprefix("voice:"), rosa)):
        left, _, told = tab.adding.add(voice_id, [clip], visitor(actor))
        assert left == [clip] and 'role="alert"' in told


# Engines


def test_a_running_enrolment_shows_its_bar_and_no_second_button(
    studio: Studio, tab: VoicesTab, admin: Actor, visitor: Visitor, press: Press, gate: threading.Event
) -> None:
    view = enrol(studio, admin)
    click, key = press("encode", engine="fake-gated", id=view.id), f"voice:{view.id}"
    before = tab.show(key, [], visitor(admin))[1]
    assert 'data-act="encode" data-engine="fake-gated"' in before and "progressbar" not in before
    first = tab.act(key, click, visitor(admin))
    again = tab.act(key, click, visitor(admin))  # a second click that was under way
    for shown in (first, again):
        assert 'role="progressbar"' in shown[5] and "In preparazione" in shown[5]
        assert 'data-engine="fake-gated"' not in shown[5] and 'data-engine="fake"' in shown[5]
        assert len(shown[7]) == 1 and shown[8].active  # one enrolment, and the clock that will tell its end
    assert len(studio.enrolment.of_actor(admin)) == 1
    gate.set()
    studio.enrolment.find(admin, first[7][0].token).wait()
    after = tab.show(key, first[7], visitor(admin))
    assert "progressbar" not in after[1] and 'data-act="encode_again" data-engine="fake-gated"' in after[1]
    assert not after[4].active


def test_a_missing_model_leads_to_the_models_tab(
    studio: Studio, tab: VoicesTab, admin: Actor, visitor: Visitor, press: Press
) -> None:
    studio.engines.register(replace(fake_spec("fake-lacking"), any_of=("brought-voice",)))
    view = enrol(studio, admin)
    detail = tab.show(f"voice:{view.id}", [], visitor(admin))[1]
    assert 'data-act="models"' in detail and "brought-voice" in detail
    shown = tab.act(f"voice:{view.id}", press("models"), visitor(admin))
    assert shown[3].selected == "models"


# Review


def waits(studio: Studio, owner: Actor) -> VoiceView:
    """A voice whose consent a person has to hear."""
    view = enrol(studio, owner, consent=consent_form(studio, subject=owner.account_id, source="upload"))
    assert not view.usable and view.consent is not None and view.consent.status == "review"
    return view


def decide(tab: VoicesTab, view: VoiceView, act: str, press: Press, asker: gr.Request) -> str:
    assert view.consent is not None
    with gr.Blocks():
        area = ReviewList(tab.desk, tab.approved)
    return area.decide(press(act, {"note": "Ascoltata, è lei."}, id=view.consent.id), asker)


def test_approving_ones_own_voice_begins_to_prepare_it(
    studio: Studio, tab: VoicesTab, admin: Actor, visitor: Visitor, press: Press
) -> None:
    view = waits(studio, admin)
    assert decide(tab, view, "approve", press, visitor(admin)) == ""
    live = studio.enrolment.start(admin, view.id, "fake")  # joins, or finds it done
    live.wait()
    assert [one.engine_id for one in studio.enrolment.encoded(admin, view.id)] == ["fake"]
    engine: Any = studio.engines.engine("fake")
    assert engine.encoded == 1


def test_anothers_voice_waits_for_its_owner_and_a_refusal_starts_nothing(
    studio: Studio,
    tab: VoicesTab,
    admin: Actor,
    account: Callable[..., Actor],
    visitor: Visitor,
    press: Press,
) -> None:
    rosa, reviewer = account("rosa"), account("rita", Role.REVIEWER)
    theirs, refused = waits(studio, rosa), waits(studio, admin)
    decide(tab, theirs, "approve", press, visitor(reviewer))
    decide(tab, refused, "refuse", press, visitor(admin))
    for actor in (rosa, reviewer, admin):
        assert studio.enrolment.of_actor(actor) == []
    assert studio.engines.loaded() == ()
    detail = tab.show(f"voice:{theirs.id}", [], visitor(rosa))[1]
    assert 'data-act="encode" data-engine="fake"' in detail
    with pytest.raises(NotPermitted):
        decide(tab, waits(studio, rosa), "approve", press, visitor(rosa))


def test_the_first_paint_leads_on_before_the_page_knows_who_looks(tab: VoicesTab) -> None:
    assert 'data-act="new"' in tab.cards.value and "Crea la prima voce" in tab.cards.value
    assert "Ancora nessuna voce" not in tab.cards.value  # who has voices is not told otherwise
