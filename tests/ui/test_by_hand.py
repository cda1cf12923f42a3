"""Models that people bring: told honestly, looked at afresh, and reached from the voice that lacks one."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from studio.bootstrap import Studio
from studio.engines.base import EngineContext, HandModel, Licence, PresetVoice
from studio.engines.coqui.models import COMMERCIAL, CONVERSIONS, NON_COMMERCIAL
from studio.engines.coqui.spec import COQUI, MMS
from studio.engines.registry import build_registry
from studio.errors import NotPermitted
from studio.models.recognisers import RECOGNISERS
from studio.privacy.access import Actor
from studio.ui.desk import Desk
from studio.ui.header import build_header
from studio.ui.models.by_hand import hand_section
from studio.ui.models.tab import ModelsTab
from studio.ui.words import Words
from tests.fakes import ScriptedEngine, fake_spec

LICENCE = Licence("CC-BY-NC-4.0", "CC BY-NC 4.0", False, "https://creativecommons.org/licenses/by-nc/4.0/")
BROUGHT = HandModel(
    "brought-voice", "Brought voice", "voice", ("it",), LICENCE, ("config.json", "*.pth|*.pt"), "its/name"
)
Visitor = Callable[..., gr.Request]


class FindsOnce(ScriptedEngine):
    """Lists what it found when it was loaded, as the Coqui engines do."""

    root = Path()

    def __init__(self, context: EngineContext) -> None:
        super().__init__(context, bringing())
        folder = self.root / BROUGHT.id
        self.found = folder.is_dir() and any(folder.iterdir())

    def presets(self) -> tuple[PresetVoice, ...]:
        return (PresetVoice(BROUGHT.id, BROUGHT.name, "it", "f"),) if self.found else ()


def bringing() -> Any:
    factory = "tests.ui.test_by_hand:FindsOnce"
    return replace(fake_spec("fake-hand"), by_hand=(BROUGHT,), factory=factory)


@pytest.fixture
def tab(studio: Studio, italian: Desk, monkeypatch: pytest.MonkeyPatch) -> ModelsTab:
    monkeypatch.setattr(FindsOnce, "root", studio.models.root)
    studio.engines.register(bringing())
    with gr.Blocks() as demo:
        return ModelsTab(italian, build_header(italian, demo))


def bring(studio: Studio, *names: str) -> None:
    folder = studio.models.root / BROUGHT.id
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_bytes(b"x")


def test_a_model_is_told_with_its_licence_its_files_and_why_it_is_not_fetched(
    studio: Studio, tab: ModelsTab, admin: Actor, visitor: Visitor
) -> None:
    shown = tab.by_hand(visitor(admin))
    for told in ("Brought voice", "CC BY-NC 4.0", "Solo uso non commerciale", "config.json", "*.pth / *.pt"):
        assert told in shown
    assert "SHA-256" in shown and "Non c&#x27;è" in shown and str(studio.models.root) in shown


def test_half_of_the_files_is_said_to_be_half(
    studio: Studio, tab: ModelsTab, admin: Actor, visitor: Visitor
) -> None:
    bring(studio, "config.json")
    shown = tab.by_hand(visitor(admin))
    assert "Incompleto" in shown and "Manca ancora: <code>*.pth / *.pt</code>" in shown
    bring(studio, "model_file.pth")
    assert "Presente, non verificato" in tab.by_hand(visitor(admin))


def test_looking_again_makes_a_loaded_engine_find_what_has_come(
    studio: Studio, tab: ModelsTab, admin: Actor, visitor: Visitor
) -> None:
    keys = [option.key for option in studio.choices.voices(admin)]
    bring(studio, "config.json", "model_file.pth")
    assert [option.key for option in studio.choices.voices(admin)] == keys  # it looked before they came
    assert "Presente, non verificato" in tab.look_again(visitor(admin))
    assert "preset:fake-hand:brought-voice" in [option.key for option in studio.choices.voices(admin)]


def test_only_administrators_look_again_and_see_where_the_folders_are(
    studio: Studio, tab: ModelsTab, account: Callable[..., Actor], visitor: Visitor
) -> None:
    rosa = visitor(account("rosa"))
    shown = tab.by_hand(rosa)
    assert 'data-act="look"' not in shown and str(studio.models.root) not in shown
    with pytest.raises(NotPermitted):
        tab.look_again(rosa)


def test_every_coqui_model_can_be_brought_and_is_described(studio: Studio) -> None:
    named = {model.id: model for spec in (COQUI, MMS) for model in spec.by_hand}
    wanted = {model.id for model in (*COMMERCIAL, *NON_COMMERCIAL)}
    wanted |= {model.vocoder for model in COMMERCIAL if model.vocoder}
    wanted |= {model for conversion in CONVERSIONS for model in conversion.models}
    assert set(named) == wanted
    assert {named[model.id].licence for model in NON_COMMERCIAL} == {LICENCE}
    for spec in (COQUI, MMS):
        studio.engines.register(spec)
    states = studio.model_desk.by_hand()
    wanted |= {model.id for model in RECOGNISERS}
    assert sorted(state.model.id for state in states) == sorted(wanted)  # each once
    for language in ("it", "en"):
        shown = hand_section(Words(language), states, "models", 1 << 30, may=True)
        assert all(f'data-model="{model_id}"' in shown for model_id in wanted)


def test_every_voice_an_engine_looks_for_can_be_fetched_or_brought(studio: Studio) -> None:
    known = {model.id for model in studio.models.catalogue.models}
    for spec in build_registry(EngineContext(Path, Path())).specs():
        brought = {model.id for model in spec.by_hand}
        assert set(spec.any_of) | set(spec.models) <= known | brought, spec.id


def test_a_recogniser_says_what_room_it_takes_and_how_it_is_switched_on(
    studio: Studio, tab: ModelsTab, admin: Actor, visitor: Visitor
) -> None:
    shown = tab.by_hand(visitor(admin))
    assert "jonatasgrosman/wav2vec2-large-xlsr-53-italian" in shown and "Apache 2.0" in shown
    assert "liberi sul disco" in shown and "TIMBRO_RECOGNISER=wav2vec2" in shown
    tight = hand_section(Words("it"), studio.model_desk.by_hand(), "models", 1 << 20, may=True)
    assert "ne restano solo" in tight


def test_engines_that_cannot_be_used_are_told_with_the_reason_to_who_can_mend_it(
    studio: Studio, italian: Desk, admin: Actor, account: Callable[..., Actor], visitor: Visitor
) -> None:
    with gr.Blocks() as demo:
        tab = ModelsTab(italian, build_header(italian, demo))
    assert tab.unusable(visitor(admin)) == ""
    studio.engines.report_broken("other-engine", ImportError("no module <torch>"))
    shown = tab.unusable(visitor(admin))
    assert "other-engine" in shown and "no module &lt;torch&gt;" in shown
    hidden = tab.unusable(visitor(account("rosa")))
    assert "other-engine" in hidden and "torch" not in hidden
