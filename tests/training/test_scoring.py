"""Which checkpoint is the best: by likeness among those that are understood, or by held-out loss."""

from pathlib import Path

import numpy as np
import pytest

from studio.audio.clip import AudioClip
from studio.engines.learning import TrainingClip
from studio.evaluation.judges import Judges
from studio.evaluation.speech_recognition import Transcript
from studio.training.run_folder import SampleSentence
from studio.training.scoring import WER_SLACK, Scorer, Standing, better, chosen_by
from studio.training.worker import DONE
from tests.training.running import events, here, make_run, plan


def standing(step: int, similarity: float | None, wer: float | None, loss: float | None = None) -> Standing:
    scores = {"similarity": similarity, "wer": wer}
    return Standing(step, {name: value for name, value in scores.items() if value is not None}, loss)


ZERO = standing(0, 0.40, 0.10, 3.0)


@pytest.mark.parametrize(
    ("candidate", "best", "wins"),
    [
        (standing(5, 0.50, 0.10), ZERO, True),
        (standing(5, 0.50, 0.10 + WER_SLACK), ZERO, True),  # a little harder to understand is allowed
        (standing(5, 0.90, 0.11 + WER_SLACK), ZERO, False),  # more is not, however alike
        (standing(5, 0.40, 0.00), ZERO, False),  # as alike is no better
        (standing(9, 0.45, 0.00), standing(5, 0.50, 0.14), False),  # likeness decides among those understood
        (
            standing(9, 0.55, 0.14),
            standing(5, 0.50, 0.00),
            True,
        ),  # measured against zero-shot, not the best so far
        (standing(9, 0.55, None, 1.0), standing(5, 0.50, 0.1, 2.0), False),  # not measured: not chosen
    ],
)
def test_the_likest_that_is_understood_is_the_best(candidate: Standing, best: Standing, wins: bool) -> None:
    assert chosen_by(ZERO) == "similarity_wer"
    assert better(candidate, best, ZERO) is wins


def test_without_judges_the_held_out_loss_decides_and_without_that_the_newest() -> None:
    zero = standing(0, 0.4, None, 3.0)
    assert chosen_by(zero) == "held_out_loss"
    assert better(standing(5, 0.1, None, 2.9), zero, zero)
    assert not better(standing(5, 0.9, None, 3.0), zero, zero)
    assert not better(standing(5, 0.9, None, None), zero, zero)
    bare = standing(0, None, None)
    assert chosen_by(bare) == "newest"
    assert better(standing(5, None, None), bare, bare)


def test_training_stops_early_when_the_likeness_gets_no_better_whatever_the_loss_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The loss falls all along; likeness peaks at step 10, and step 15 is not understood any more."""
    told = iter([(0.40, 0.1), (0.45, 0.1), (0.60, 0.12), (0.90, 0.5), (0.55, 0.1), (0.50, 0.1)])

    def scores(self: Scorer, sounds: object) -> dict[str, float]:
        similarity, wer = next(told)
        return {"similarity": similarity, "wer": wer}

    monkeypatch.setattr(Scorer, "scores", scores)
    run = make_run(tmp_path / "run", plan(epochs=20, patience=2))
    assert here(run) == DONE
    done = events(run)[-1]
    assert (done["reason"], done["step"], done["best_step"]) == ("early_stop", 20, 10)
    assert {event["chosen_by"] for event in events(run, "checkpoint")} == {"similarity_wer"}
    held_out = [event["loss"] for event in events(run, "held_out")]
    assert held_out[-1] < held_out[0]


class _Ear(Judges):
    """Writes down what it is told for each sound, and counts how often it listened."""

    def __init__(self, by_content: dict[str, str]) -> None:
        super().__init__(lambda model: Path("/none"), threads=1)
        self.by_content, self.heard = by_content, 0

    @property
    def recognizer(self) -> "_Ear":  # type: ignore[override]
        return self

    def transcribe(self, clip: AudioClip, language: str = "") -> Transcript:
        self.heard += 1
        return Transcript(self.by_content[clip.content_id], language, (), 1.0)


def _tone(level: float) -> AudioClip:
    return AudioClip(np.full(16_000, level, np.float32), 16_000)


def test_the_recognisers_own_errors_on_the_recordings_stand_beside_those_of_a_checkpoint() -> None:
    recording, spoken, other = _tone(0.1), _tone(0.2), _tone(0.3)
    ear = _Ear(
        {
            recording.content_id: "one two three for",
            spoken.content_id: "one too tree for",
            other.content_id: "no recording here",
        }
    )
    sentences = [
        SampleSentence("one two three four", "en", "utt_1"),
        SampleSentence("no recording here", "en"),
    ]
    scorer = Scorer(sentences, [TrainingClip("utt_1", "one two three four", "en", recording)], ear)
    for _ in range(2):
        assert scorer._wer([spoken, other]) == pytest.approx(3 / 7)
        assert scorer._floor([spoken, other]) == pytest.approx(1 / 4)
    assert ear.heard == 2 * 2 + 1  # the recording is listened to once
    assert Scorer(sentences[1:], [], ear)._floor([other]) is None
