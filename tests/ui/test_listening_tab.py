"""The listening tests' tab, handler by handler: design, batch, link, end."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from gradio.utils import deep_hash

from studio.audio.encode import AudioFormat, encode
from studio.listening.forms import SpokenBy
from studio.privacy.access import Actor
from studio.ui.desk import Desk
from studio.ui.header import build_header
from studio.ui.listen.form import Design
from studio.ui.listen.systems import Picked
from studio.ui.listen.tab import ListenTab
from tests.listening.taking_part import clip, guest, patient, spoken

Visitor = Callable[..., gr.Request]
Press = Callable[..., gr.EventData]


@pytest.fixture
def tab(italian: Desk) -> ListenTab:
    with gr.Blocks() as demo:
        return ListenTab(italian, build_header(italian, demo))


def design(**changes: Any) -> tuple[Any, ...]:
    picked = [Picked(spoken("Secret one")), Picked(spoken("Secret two", 1.3))]
    given = Design(
        "Prova", "mos", picked, "Buongiorno.\nGrazie.", "it", "", "", "none", True, False, 0, 0, 0, [], 1,
        True, 1, 1, 0.1, False, False,
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


def test_the_engine_fits_the_voice_even_before_the_page_has_caught_up(
    tab: ListenTab, admin: Actor, visitor: Visitor
) -> None:
    panel, asks = tab.form.systems, visitor(admin)
    picked, shown, name = panel.add_voice("preset:fake:tone", "fake-preset", "Uno", [], asks)
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
    picked, _, _ = form.systems.add_voice("preset:fake:tone", "fake", "Uno", [], asks)
    with_clips, _, _ = form.systems.add_clips([str(heard)], "Due", picked, asks)
    gold, _ = form.take_gold([str(known)], [], asks)
    assert len({deep_hash(state) for state in ([], picked, with_clips, gold)}) == 4
    assert deep_hash(clip(1.0)) == deep_hash(clip(1.0)) != deep_hash(clip(1.1))
