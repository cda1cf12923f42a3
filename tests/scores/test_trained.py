"""Which checkpoint, and is it better than zero-shot? Trained voices measured like any other system."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest
from sqlalchemy.orm import Session

from studio.bootstrap import Studio
from studio.consent.purposes import Purpose
from studio.db.tables import Voice
from studio.engines.base import Engine, EngineSpec, VoiceState
from studio.errors import NotFound
from studio.privacy.access import Actor
from studio.scores.requests import ADAPTER, FULL, ZERO_SHOT, System
from studio.synthesis.requests import VoiceChoice
from studio.synthesis.trained import NothingTrained, TrainedChoice
from studio.ui.results.table import comparison_table
from studio.ui.words import Words
from studio.voices.forms import VoiceView
from tests.enrolling import consent_form, enrol
from tests.scores.conftest import MEASURED, ScriptedEars, asked


@pytest.fixture
def voice(studio: Studio, admin: Actor) -> VoiceView:
    """A voice that may be trained and measured."""
    purposes = MEASURED | {Purpose.FINE_TUNE}
    return enrol(studio, admin, "Linda", consent=consent_form(studio, purposes))


@dataclass
class Shelf(NothingTrained):
    """Two checkpoints of an adapter and a full fine-tuning of one voice for the scripted engine."""

    voice_id: str

    def choices(
        self, actor: Actor, voice_id: str, engine_id: str = "", *, checkpoints: bool = False
    ) -> Sequence[TrainedChoice]:
        def made(trained_id: str, name: str, method: str, hours: float) -> TrainedChoice:
            return TrainedChoice(
                trained_id, "checkpoint", name, self.voice_id, "fake", method, 400, True, "2026-01-01",
                hours * 3600, 3_000_000_000,
            )  # fmt: skip

        return (
            made("ckp_a", "lora 400", "lora", 1.5),
            made("ckp_b", "lora 800", "lora", 3.0),
            made("adp_f", "everything", "full", 12.0),
        )

    def choice(self, actor: Actor, trained_id: str) -> TrainedChoice:
        for one in self.choices(actor, ""):
            if one.id == trained_id:
                return one
        raise NotFound("synthesis.adapter_unknown")

    def check(self, session: Session, actor: Actor, trained_id: str, voice: Voice, spec: EngineSpec) -> None:
        if voice.id != self.voice_id:
            raise NotFound("synthesis.adapter_unknown")

    def applied(self, trained_id: str, voice: Voice, engine: Engine, state: VoiceState) -> VoiceState:
        return replace(state, facts={**state.facts, "adapter": trained_id})


def measure(studio: Studio, admin: Actor, voice: VoiceView, trained_id: str = "") -> str:
    request = asked(voice.id)
    if trained_id:
        system = request.system.speaking_with(studio.synthesis.trained.choice(admin, trained_id))
        request = replace(request, system=system)
    live = studio.evaluations.evaluate(admin, request)
    live.wait()
    assert live.latest is not None
    return live.latest.run_id


def test_each_checkpoint_has_a_row_of_its_own_beside_zero_shot(
    studio: Studio, admin: Actor, ears: ScriptedEars, voice: VoiceView
) -> None:
    studio.synthesis.scripts.trained = Shelf(voice.id)
    run_id = measure(studio, admin, voice)
    for trained_id in ("ckp_a", "ckp_b", "adp_f"):
        measure(studio, admin, voice, trained_id)
    rows = studio.evaluations.compare(admin, run_id).rows
    found = [(row.option, row.run.trained_id, row.run.training_s) for row in rows if row.run]
    assert found[0] == (ZERO_SHOT, "", None)
    assert sorted(found[1:]) == [
        (ADAPTER, "ckp_a", 5400.0),
        (ADAPTER, "ckp_b", 10800.0),
        (FULL, "adp_f", 43200.0),
    ]
    assert all(row.against is not None for row in rows[1:]), "each is compared with zero-shot"
    full = rows[-1].run
    assert full is not None and full.voice_name == "Linda · everything"
    assert full.cost == pytest.approx(((full.setup_s or 0) + 43200) / 3600 * 2.0)
    table = comparison_table(Words("en"), studio.evaluations.compare(admin, run_id))
    assert table.count("training: 3.00 GB") == 3 and "Linda · lora 800" in table
    assert "training 12 h 00 min" in table


def test_the_takes_of_a_checkpoint_say_what_they_were_spoken_with(
    studio: Studio, admin: Actor, ears: ScriptedEars, voice: VoiceView
) -> None:
    studio.synthesis.scripts.trained = Shelf(voice.id)
    run_id = measure(studio, admin, voice, "ckp_b")
    takes = [line.take_id or "" for line in studio.evaluations.results.find(admin, run_id).lines]
    assert {studio.synthesis.takes.find(admin, take).adapter_id for take in takes} == {"ckp_b"}


def test_a_checkpoint_of_another_voice_or_of_a_preset_is_unknown(
    studio: Studio, admin: Actor, ears: ScriptedEars, voice: VoiceView
) -> None:
    studio.synthesis.scripts.trained = Shelf("somebody else")
    with pytest.raises(NotFound):
        measure(studio, admin, voice, "ckp_a")
    preset = System("fake", VoiceChoice.parse("preset:fake:tone"), adapter_id="ckp_a")
    with pytest.raises(NotFound):
        studio.evaluations.evaluate(admin, replace(asked(voice.id), system=preset))
    assert not studio.evaluations.results.runs(admin)
