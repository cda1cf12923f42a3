"""The listening tests' tab, handler by handler: design, batch, link, end."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from gradio.utils import deep_hash
from sqlalchemy import select

from studio.audio.clip import AudioClip
from studio.audio.encode import AudioFormat, encode
from studio.consent.purposes import Purpose
from studio.db.tables import Synthesis
from studio.errors import InputRefused
from studio.listening.forms import SpokenBy
from studio.privacy.access import Actor
from studio.ui.desk import Desk
from studio.ui.header import build_header
from studio.ui.listen.form import Design
from studio.ui.listen.systems import Picked
from studio.ui.listen.tab import ListenTab
from tests.enrolling import PURPOSES, consent_form, enrol
from tests.listening.taking_part import clip, guest, patient, spoken
from tests.training.scripted import TRAINABLE, stored, trainable_spec

Visitor = Callable[..., gr.Request]
Press = Callable[..., gr.EventData]


@pytest.fixture
def tab(italian: Desk) -> ListenTab:
    with gr.Blocks() as demo:
        return ListenTab(italian, build_header(italian, demo))


def design(**changes: Any) -> tuple[Any, ...]:
    picked = [Picked(spoken("Secret one")), Picked(spoken("Secret two", 1.3))]
    given = Design(
        "Prova", "mos", picked, "Buongiorno.\nGrazie.", "it", "", "", "none", True, False, 0, 0, 0, [],
        True, 1, 1, 0.1, False, False, -23, 0.15, None,
    )  # fmt: skip
    return tuple(({**vars(given), **changes}).values())


def test_a_test_is_made_opened_rated_and_closed_in_the_tab(
    tab: ListenTab, admin: Actor, visitor: Visitor, press: Press
) -> None:
    studio, asks = tab.desk.studio, visitor(admin, host="127.0.0.1:7860")
    steps = list(tab.create(asks, *design()))
    assert {len(step) for step in steps} == {len(tab.making) + len(tab.shown)}
    assert steps[0][5] == [] and steps[0][7] == ""  # what was designed is put away with its systems and name
    card = str(steps[-1][len(tab.making) + 1])
    assert "Prova" in card and "Apri agli ascoltatori" in card
    view = studio.listening.tests(admin)[0]

    (opened,) = tab.act(view.id, press("open", {"days": "7", "quota": "9", "offered": "1"}, id=view.id), asks)
    assert "http://127.0.0.1:7860/listen/" in str(opened) and "per 9 ascoltatori" in str(opened)
    offered = str(tab.arrive(asks)[0])
    link = studio.listening.view(admin, view.id).link
    assert (
        f'<iframe src="/listen/{link}"' in offered and "Secret" not in offered
    )  # rating inside the tab, blind

    one = guest(studio, studio.listening.view(admin, view.id), patient(studio))
    one.join()
    one.finish(lambda _: (4.0,))
    seen = tab.state_of(admin, view.id)
    results = str(tab.tick(view.id, "open old", asks)[2])
    assert (
        results.count("Secret one") > 2 and f"/listening/{view.id}.csv" in results
    )  # both come by themselves
    assert tab.tick(view.id, seen, asks)[0] == gr.skip()  # nothing new: an open table stays open

    (closed,) = tab.act(view.id, press("close", {"reveal": "1"}, id=view.id), asks)
    assert "La prova è chiusa" in str(closed)
    assert list(tab.act(view.id, press("delete", id=view.id), asks)) and not studio.listening.tests(admin)


def test_a_look_from_before_the_end_of_the_batch_is_put_right_by_the_next(
    tab: ListenTab, admin: Actor, visitor: Visitor
) -> None:
    """An old look may arrive last; the timer goes on until what is shown is ready."""
    asks = visitor(admin, host="127.0.0.1:7860")
    looks = []
    for step in tab.create(asks, *design()):
        drawn = step[len(tab.making) :]
        if isinstance(drawn[-1], gr.Timer) and "in preparazione" in str(drawn[1]):
            looks.append(drawn[-1].active)
    view = tab.desk.studio.listening.tests(admin)[0]
    assert looks and all(looks)
    card, timer = (tab.tick(view.id, "making False 0 0 0", asks)[place] for place in (1, 5))
    assert "Apri agli ascoltatori" in str(card) and not timer.active


def test_the_engine_fits_the_voice_even_before_the_page_has_caught_up(
    tab: ListenTab, admin: Actor, visitor: Visitor
) -> None:
    panel, asks = tab.form.systems, visitor(admin)
    picked, shown, name = panel.add_voice("preset:fake:tone", "fake-preset", "", "Uno", [], asks)
    assert picked[0].form.source == SpokenBy("preset:fake:tone", "fake")
    assert "Uno" in shown and name == ""


def test_what_the_pages_state_holds_can_be_hashed_as_gradio_does(
    tab: ListenTab, admin: Actor, visitor: Visitor, tmp_path: Path
) -> None:
    """Gradio hashes every State after an event: one that has no hash fails the event without a word."""
    form, asks = tab.form, visitor(admin)
    heard, known = tmp_path / "heard.wav", tmp_path / "known.wav"
    for file in (heard, known):
        file.write_bytes(encode(clip(1.0), AudioFormat.WAV))
    picked, _, _ = form.systems.add_voice("preset:fake:tone", "fake", "", "Uno", [], asks)
    with_clips, _, _ = form.systems.add_clips([str(heard)], "", "Due", picked, asks)
    gold, _ = form.gold.take([str(known)], 1, "", [], asks)
    assert len({deep_hash(state) for state in ([], picked, with_clips, gold)}) == 4
    assert deep_hash(clip(1.0)) == deep_hash(clip(1.0)) != deep_hash(clip(1.1))


def test_an_adapter_is_picked_as_a_system_and_speaks(tab: ListenTab, admin: Actor, visitor: Visitor) -> None:
    studio, panel, asks = tab.desk.studio, tab.form.systems, visitor(admin, host="127.0.0.1:7860")
    studio.engines.register(trainable_spec())
    purposes = PURPOSES | {Purpose.LISTENING_TEST, Purpose.FINE_TUNE}
    voice = enrol(studio, admin, "Linda", consent=consent_form(studio, purposes))
    adapter_id, key = stored(studio, voice), f"voice:{voice.id}"
    offered = panel.fit_trained(key, TRAINABLE, "", asks)
    assert offered.visible and [choice[1] for choice in offered.choices] == ["", adapter_id]
    assert not panel.fit_trained("preset:fake:tone", "fake", adapter_id, asks).visible
    picked, _, _ = panel.add_voice(key, TRAINABLE, "", "Senza", [], asks)
    picked, shown, _ = panel.add_voice(key, TRAINABLE, adapter_id, "Con", picked, asks)
    assert "addestrato" in shown
    list(tab.create(asks, *design(kind="ab", picked=picked)))
    with studio.database.read() as session:
        spoke = Counter(session.scalars(select(Synthesis.adapter_id)))
    assert spoke == {None: 2, adapter_id: 2}  # two sentences each


def test_clips_say_whose_voice_they_are_and_each_gold_clip_has_its_own_score(
    tab: ListenTab, admin: Actor, visitor: Visitor, press: Press, tmp_path: Path
) -> None:
    studio, form, asks = tab.desk.studio, tab.form, visitor(admin, host="127.0.0.1:7860")
    voice = enrol(studio, admin, "Linda", consent=consent_form(studio, PURPOSES | {Purpose.LISTENING_TEST}))
    whose = form.systems.whose.speakers("", asks)
    assert [choice[1] for choice in whose.choices] == ["", voice.id]
    files = [tmp_path / f"{number}.wav" for number in range(5)]  # each is taken in, and gone then
    for number, file in enumerate(files):
        file.write_bytes(encode(clip(1.0 + number / 10), AudioFormat.WAV))
    picked, _, _ = form.systems.add_clips([str(file) for file in files[:2]], voice.id, "Sue", [], asks)
    assert picked[0].form.source.voice_id == voice.id
    gold, _ = form.gold.take([str(files[3])], 1, voice.id, [], asks)
    gold, told = form.gold.take([str(files[4])], 5, "", gold, asks)
    gold, _ = form.gold.take([str(files[2])], 3, "", gold, asks)
    gold, told = form.gold.drop(gold, press("drop", number=2), asks)
    assert [(one.form.expected, one.form.voice_id) for one in gold] == [(1.0, voice.id), (5.0, "")]
    assert "punteggio noto: 1" in told and "punteggio noto: 5" in told
    list(
        tab.create(
            asks, *design(picked=picked, gold=gold, attested=True, seed=11, lufs=-20, mushra_share=0.3)
        )
    )
    view = studio.listening.tests(admin)[0]
    fixed = view.configuration
    assert (view.seed, fixed.level_lufs, fixed.gold, fixed.rule.mushra_share) == (11, -20.0, (1.0, 5.0), 0.3)


def test_a_refused_design_leaves_no_card_of_work_behind(
    tab: ListenTab, admin: Actor, visitor: Visitor, tmp_path: Path
) -> None:
    asks, file = visitor(admin, host="127.0.0.1:7860"), tmp_path / "one.wav"
    file.write_bytes(encode(clip(1.0), AudioFormat.WAV))
    picked, _, _ = tab.form.systems.add_clips([str(file)], "", "Uno", [], asks)
    steps = []
    with pytest.raises(InputRefused):  # one clip for two sentences
        for step in tab.create(asks, *design(picked=picked, attested=True)):
            steps.append(step)
    assert "Ascolto le registrazioni" in steps[0][1] and steps[1][1] == ""
    assert {len(step) for step in steps} == {len(tab.making) + len(tab.shown)}


def test_sentences_are_taken_from_the_recordings(
    tab: ListenTab, admin: Actor, visitor: Visitor, tmp_path: Path
) -> None:
    asks, files = visitor(admin, host="127.0.0.1:7860"), [tmp_path / "one.wav", tmp_path / "two.wav"]
    for file in files:
        file.write_bytes(encode(clip(1.0), AudioFormat.WAV))
    tab.desk.studio.listening._gatherer._ear = Parrot()
    picked, _, _ = tab.form.systems.add_clips([str(file) for file in files], "", "Uno", [], asks)
    assert tab.form.take_sentences(picked, "it", asks) == "Buongiorno.\nBuongiorno."


class Parrot:
    def transcript(self, sound: AudioClip, language: str) -> str:
        return " Buongiorno. "

    def word_errors(self, sentence: str, heard: str, language: str) -> float:
        return 0.0
