"""A studio whose recogniser hears what it is told, in the order of the sentences."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from studio.audio.clip import AudioClip
from studio.bootstrap import Studio
from studio.consent.purposes import Purpose
from studio.evaluation.predicted_mos import MosPredictor, PredictedMos
from studio.evaluation.speech_recognition import Transcript
from studio.privacy.access import Actor
from studio.scores.requests import EvaluationRequest, System
from studio.scores.sentences import SentenceSet, own_list
from studio.settings import Settings
from studio.synthesis.requests import VoiceChoice
from studio.voices.forms import VoiceView
from tests.conftest import Home, open_home
from tests.enrolling import PURPOSES, consent_form, enrol
from tests.fakes import FakeJudges

MEASURED = PURPOSES | {Purpose.EVALUATION}
LINES = "Premere uno per continuare.\nIl treno parte alle otto.\nGrazie e arrivederci."


class ScriptedEars(FakeJudges):
    """`will_hear` are the next transcripts; afterwards nothing is heard. MOS follows the clip's length."""

    def __init__(self) -> None:
        super().__init__()
        self.will_hear: list[str] = []

    @property
    def recognizer(self) -> "ScriptedEars":  # type: ignore[override]
        return self

    def transcribe(self, clip: AudioClip, language: str = "") -> Transcript:
        return Transcript(self.will_hear.pop(0) if self.will_hear else "", language, (), 1.0)

    @property
    def mos(self) -> MosPredictor:
        class Predictor(MosPredictor):
            def predict(self, clip: AudioClip) -> PredictedMos:
                return PredictedMos(min(5.0, 1.0 + clip.duration_s))

        return Predictor()


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    settings, ears = Settings(storage=tmp_path / "storage", device="cpu", hour_price=2.0), ScriptedEars()
    made = Home(settings, ears, open_home(settings, ears))
    yield made
    made.studio.close()


@pytest.fixture
def ears(home: Home) -> ScriptedEars:
    assert isinstance(home.judges, ScriptedEars)
    return home.judges


@pytest.fixture
def voice(studio: Studio, admin: Actor) -> VoiceView:
    return enrol_measured(studio, admin)


def enrol_measured(studio: Studio, actor: Actor, name: str = "Linda") -> VoiceView:
    """A voice whose speaker agreed to measuring, too."""
    return enrol(studio, actor, name, consent=consent_form(studio, MEASURED, subject=actor.account_id))


def asked(voice_id: str, sentences: SentenceSet | None = None, **options: object) -> EvaluationRequest:
    chosen = sentences or own_list(LINES, "it")
    return EvaluationRequest(System("fake", VoiceChoice(voice_id=voice_id), options), chosen)
