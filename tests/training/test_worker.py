"""The real child process: resumed, stopped, out of memory, out of disk, out of files."""

from pathlib import Path

import pytest

from studio.training.checkpoints import Checkpoints
from studio.training.worker import DONE, REFUSED, STOPPED
from tests.training.running import child, events, losses, make_run, plan


def test_a_run_killed_at_step_11_has_the_losses_of_an_unbroken_one(tmp_path: Path) -> None:
    whole, broken = (make_run(tmp_path / name, plan()) for name in ("whole", "broken"))
    assert child(whole) == DONE
    assert child(broken, kill_at=11) == -9
    assert max(losses(broken)) == 10
    assert child(broken) == DONE
    assert list(losses(whole)) == list(range(1, 21))
    assert losses(broken) == losses(whole)
    assert [event["seq"] for event in events(broken)] == list(range(len(events(broken))))
    assert [e["step"] for e in events(broken, "started")] == [0, 10]
    assert Checkpoints(broken).weights(20) == Checkpoints(whole).weights(20)


def test_a_pause_keeps_the_step_it_reached_and_a_resume_goes_on_from_it(tmp_path: Path) -> None:
    whole, paused = (make_run(tmp_path / name, plan(checkpoint_every=50)) for name in ("whole", "paused"))
    assert child(whole) == DONE
    paused.ask("pause")
    assert child(paused) == STOPPED
    assert events(paused)[-1]["kind"] == "stopped"
    assert events(paused)[-1]["reason"] == "paused"
    paused.clear_wishes()
    assert child(paused) == DONE
    assert losses(paused) == losses(whole)


@pytest.mark.parametrize(
    ("learner", "message"),
    [
        ("HungryLearner", "learning.out_of_memory"),
        ("WildLearner", "learning.numbers"),
        ("BrokenLearner", "learning.numbers"),
    ],
)
def test_what_goes_wrong_is_the_last_event_with_what_to_change(
    tmp_path: Path, learner: str, message: str
) -> None:
    run = make_run(tmp_path / "run", plan(), learner)
    assert child(run) == REFUSED
    assert events(run)[-1]["kind"] == "error"
    assert events(run)[-1]["message"] == message


def test_a_recording_that_was_deleted_is_named(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", plan())
    (run.root / "data" / "utt_3").unlink()
    assert child(run) == REFUSED
    assert events(run)[-1]["message"] == "learning.file_missing"
    assert events(run)[-1]["facts"] == {"name": "utt_3"}


def test_neither_texts_nor_the_key_are_in_the_folder(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", plan(most_steps=2))
    assert child(run) == DONE
    for path in run.root.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert b"Frase" not in data and b"Buongiorno" not in data and b"fLaC" not in data, path
            assert run.key not in data, path
            assert not path.stat().st_mode & 0o077, path
