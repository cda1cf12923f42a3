"""The Results tab's handlers, called as Gradio calls them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from studio.audio.encode import AudioFormat, encode
from studio.bootstrap import Studio
from studio.errors import AudioRefused, Cancelled, InputRefused, NotFound, SignInRequired
from studio.privacy.access import Actor
from studio.scores.sentences import OWN
from studio.synthesis.requests import SynthesisRequest, VoiceChoice
from studio.ui.desk import Desk
from studio.ui.header import build_header
from studio.ui.results.charts import Chart, Mark, spread, svg
from studio.ui.results.form import Asked
from studio.ui.results.tab import ResultsTab
from studio.ui.words import Words
from studio.voices.forms import VoiceView
from tests.enrolling import real_speech
from tests.scores.conftest import LINES, ScriptedEars
from tests.ui.conftest import press, visitor

__all__ = ["press", "visitor"]
Press = Callable[..., gr.EventData]
Visitor = Callable[..., gr.Request]


@pytest.fixture
def desk(studio: Studio) -> Desk:
    return Desk(studio, Words("en"))


@pytest.fixture
def tab(desk: Desk) -> ResultsTab:
    with gr.Blocks() as demo:
        made = ResultsTab(desk, build_header(desk, demo))
        made.wire(demo)
    return made


def form(voice: str, **changes: Any) -> Asked:
    given: dict[str, Any] = {
        "set_id": OWN, "lines": LINES, "language": "it", "recordings": [], "most": 0, "engine": "fake",
        "recogniser": "embedded", "seed": 0, "fresh": False,
    }  # fmt: skip
    return Asked(voice, **{**given, **changes})


def test_an_empty_tab_leads_on(tab: ResultsTab, admin: Actor, visitor: Visitor) -> None:
    runs, view, chosen = tab.arrive(visitor(admin))
    assert "Nothing has been measured yet" in runs and view == "" and chosen == ""
    with pytest.raises(SignInRequired):
        tab.arrive(visitor(None))


def test_a_run_is_followed_to_its_table_and_found_after_a_reload(
    tab: ResultsTab, admin: Actor, ears: ScriptedEars, voice: VoiceView, visitor: Visitor
) -> None:
    ears.will_hear = ["premere uno per continuare", "il treno parte alle sette", "grazie e arrivederci"]
    live = tab.desk.studio.evaluations.evaluate(admin, form(f"voice:{voice.id}").request())
    steps = list(tab.follow(admin, live))
    assert steps[0][0] == live.token and "running" in steps[0][2]
    assert any('role="progressbar"' in step[1] for step in steps if isinstance(step[1], str))
    token, stage, runs, view, chosen, *_ = steps[-1]
    assert token == "" and stage == "" and chosen in runs
    for expected in ("Zero-shot", "<del>otto</del> <ins>sette</ins>", "/media/take/", "<svg", "8 %", "n = 0"):
        assert expected in view
    assert f"/media/evaluation/{chosen}.csv" in view
    assert tab.arrive(visitor(admin))[2] == chosen


def test_a_running_evaluation_is_taken_up_and_cancelled(
    tab: ResultsTab, admin: Actor, voice: VoiceView, visitor: Visitor
) -> None:
    assert len(next(tab.take_up(visitor(admin)))) == len(tab.outputs)
    many = "\n".join(f"Questa è la frase numero {n}." for n in range(40))
    live = tab.desk.studio.evaluations.evaluate(admin, form(f"voice:{voice.id}", lines=many).request())
    steps = tab.take_up(visitor(admin))
    assert next(steps)[0] == live.token
    tab.cancel(live.token, visitor(admin))
    with pytest.raises(Cancelled):
        list(steps)
    assert "cancelled" in tab.arrive(visitor(admin))[0]


def test_runs_are_opened_and_deleted(
    tab: ResultsTab, admin: Actor, ears: ScriptedEars, voice: VoiceView, visitor: Visitor, press: Press
) -> None:
    tab.desk.studio.evaluations.evaluate(admin, form(f"voice:{voice.id}").request()).wait()
    run_id = tab.desk.studio.evaluations.results.runs(admin)[0].id
    assert 'id="result"' in tab.act("", press("open", id=run_id), visitor(admin))[1]
    runs, view, chosen = tab.act(run_id, press("delete", id=run_id), visitor(admin))
    assert "Nothing has been measured yet" in runs and view == "" and chosen == ""
    with pytest.raises(NotFound):
        tab.act("", press("open", id=run_id), visitor(admin))


def test_starred_takes_are_evaluated_as_they_are(
    tab: ResultsTab, admin: Actor, ears: ScriptedEars, voice: VoiceView, visitor: Visitor
) -> None:
    studio, key = tab.desk.studio, f"voice:{voice.id}"
    with pytest.raises(InputRefused):
        list(tab.evaluate_takes(key, "", visitor(admin)))
    request = SynthesisRequest(VoiceChoice.parse(key), "Buongiorno.", "it", "fake")
    take = studio.synthesis.preview(admin, request).take()
    studio.synthesis.takes.set_favourite(admin, take.id, True)
    ears.will_hear = ["buongiorno"]
    assert take.id in list(tab.evaluate_takes(key, "", visitor(admin)))[-1][3]


def test_the_form_fits_the_voice_and_says_what_is_missing(
    tab: ResultsTab, admin: Actor, voice: VoiceView, visitor: Visitor
) -> None:
    engine, chosen = tab.form.fit(f"voice:{voice.id}", None, "it-calls", visitor(admin))
    assert engine.value == "fake" and [v for _, v in engine.choices] == ["fake", "fake-nc"]
    assert chosen == "en-balanced-a"  # the voice speaks English
    preset, _ = tab.form.fit("preset:fake-preset:tone", "fake", OWN, visitor(admin))
    assert [v for _, v in preset.choices] == ["fake-preset"]
    with pytest.raises(InputRefused):
        form("").request()
    with pytest.raises(InputRefused):
        form("voice:x", engine="").request()
    with pytest.raises(NotFound):
        form("voice:x", set_id="nope").request()
    assert len(form("voice:x", set_id="it-calls", most=3).request().sentences.sentences) == 3


def test_the_engines_options_are_part_of_the_system(tab: ResultsTab, admin: Actor, voice: VoiceView) -> None:
    widgets = {widget.elem_id: widget.value for widget in tab.form.options.widgets}
    widgets["results-option-fake-delay_s"] = 0.01
    given = (OWN, LINES, "it", [], 0, "fake", "embedded", 0, False, "", 1.5, *widgets.values())
    assert len(given) == len(tab.form.inputs)
    system = tab.form.read(admin, f"voice:{voice.id}", given).request().system
    assert system.options == {"speed": 1.5, "second_per_character": 0.02, "delay_s": 0.01}


def test_a_list_of_ones_own_may_be_in_any_language_an_engine_speaks(tab: ResultsTab) -> None:
    assert [code for _, code in tab.form.language.choices] == ["en", "it"], "the scripted engine's"


def test_recordings_are_decoded_into_memory_and_leave_the_disk(
    tab: ResultsTab, admin: Actor, tmp_path: Path, visitor: Visitor
) -> None:
    good, bad = tmp_path / "0001.wav", tmp_path / "0002.wav"
    good.write_bytes(encode(real_speech(1.0), AudioFormat.WAV))
    kept, told = tab.form.take_recordings([str(good)], [], visitor(admin))
    assert [name for name, _ in kept] == ["0001.wav"] and "0001.wav" in told and not good.exists()
    asked = form("voice:x", recordings=kept).request()
    assert asked.sentences.recordings == 1
    bad.write_bytes(b"not a sound")
    with pytest.raises(AudioRefused):
        tab.form.take_recordings([str(bad)], kept, visitor(admin))
    assert not bad.exists()


def test_a_chart_tells_its_bars_in_words_and_takes_its_colours_from_the_page() -> None:
    counts = spread([0.0, 0.05, 0.99, 1.7, -3.0], 0.0, 1.0, 4)
    assert counts == (3, 0, 0, 2)
    drawn = svg(
        Chart(
            "A <b>",
            counts,
            ("one: 3", "two", "three", "four: 2"),
            ((0.0, "0"), (1.0, "1")),
            (Mark(0.5, "x & y"),),
        )
    )
    assert "A &lt;b&gt;; one: 3; four: 2" in drawn and "x &amp; y" in drawn
    assert "var(--tb-accent)" in drawn and "#" not in drawn
