"""What is offered: the engine to clone with, and the languages that can be spoken here."""

import argparse
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from studio.bootstrap import Studio
from studio.errors import InputRefused
from studio.terminal.clone import _request, declare
from studio.terminal.common import cloner_of
from tests.fakes import fake_spec


def gpu_engine(**changes: Any) -> Any:
    """An engine at home on the machine's device, as XTTS is on a GPU."""
    return replace(fake_spec("fake-gpu"), name="A better engine", **changes)


def test_the_best_engine_that_is_ready_clones_unless_one_is_named(studio: Studio) -> None:
    assert studio.choices.cloner("it", commercial=True).id == "fake"  # type: ignore[union-attr]
    studio.engines.register(gpu_engine(languages=("it",)))
    assert studio.choices.cloner("it").id == "fake-gpu"  # type: ignore[union-attr]
    assert studio.choices.cloner("en").id == "fake"  # type: ignore[union-attr]
    studio.engines.register(replace(gpu_engine(models=("xtts-v2",)), id="fake-absent", name="Absent"))
    assert studio.choices.cloner("it").id == "fake-gpu"  # type: ignore[union-attr]
    assert studio.choices.cloner("ja") is None


def test_the_terminal_clones_with_it_too(studio: Studio) -> None:
    parser = argparse.ArgumentParser()
    declare(parser)
    terminal: Any = SimpleNamespace(studio=studio, settings=studio.settings)

    def engine_of(*words: str) -> str:
        return _request(terminal, parser.parse_args(words), "Ciao.").engine_id

    assert engine_of("voice:x") == "fake"
    studio.engines.register(gpu_engine())
    assert engine_of("voice:x") == "fake-gpu" and engine_of("voice:x", "--engine", "fake") == "fake"
    assert engine_of("preset:fake-preset:tone") == "fake-preset"
    with pytest.raises(InputRefused):
        cloner_of(terminal, "ja")


def test_an_engine_speaks_the_languages_of_the_voices_that_are_here(studio: Studio) -> None:
    spec = replace(fake_spec("fake-voices", clones=False), any_of=("brought-it", "brought-en"))
    studio.engines.register(spec)
    assert studio.choices.engine("fake-voices").languages == ("it", "en")  # none is here: what there could be
    folder = studio.models.root / "brought-it"
    folder.mkdir(parents=True)
    (folder / "voice.onnx").write_bytes(b"x")
    assert studio.choices.engine("fake-voices").languages == ("it",)  # its one preset is Italian
