"""The real child process: resumed, stopped, out of memory, out of disk, out of files."""

import errno
from pathlib import Path

import pytest

from studio.privacy.sealing import Seal
from studio.training.checkpoints import Checkpoints
from studio.training.worker import DONE, REFUSED, STOPPED
from tests.training.running import child, events, here, losses, make_run, plan


def test_a_run_killed_at_step_11_has_the_losses_of_an_unbroken_one(tmp_path: Path) -> None:
    whole, broken = (make_run(tmp_path / name, plan()) for name in ("whole", "broken"))
    assert here(whole) == DONE
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
    assert here(whole) == DONE
    paused.ask("pause")
    assert here(paused) == STOPPED
    assert events(paused)[-1]["kind"] == "stopped"
    assert events(paused)[-1]["reason"] == "paused"
    paused.clear_wishes()
    assert here(paused) == DONE
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
    assert here(run) == REFUSED
    assert events(run)[-1]["kind"] == "error"
    assert events(run)[-1]["message"] == message


def test_a_recording_that_was_deleted_is_named(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", plan())
    (run.root / "data" / "utt_3").unlink()
    assert here(run) == REFUSED
    assert events(run)[-1]["message"] == "learning.file_missing"
    assert events(run)[-1]["facts"] == {"name": "utt_3"}


def test_neither_texts_nor_the_key_are_in_the_folder(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", plan(most_steps=2))
    assert here(run) == DONE
    for path in run.root.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert b"Frase" not in data and b"Buongiorno" not in data and b"fLaC" not in data, path
            assert run.key not in data, path
            assert not path.stat().st_mode & 0o077, path


def test_a_full_disk_is_told_and_the_last_whole_checkpoint_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(tmp_path / "run", plan())
    write, written = Seal.write, []

    def full(self: Seal, path: Path, plaintext: bytes, name: str) -> int:
        written.append(name)
        if "000010/trainer" in name:
            path.write_bytes(b"half")
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(self, path, plaintext, name)

    monkeypatch.setattr(Seal, "write", full)
    assert here(run) == REFUSED
    assert events(run)[-1]["message"] == "learning.disk_full"
    assert Checkpoints(run).steps() == (0, 5)
    assert [path.name for path in (run.root / "checkpoints").iterdir() if path.name.startswith(".")] == []
    monkeypatch.undo()
    assert here(run) == DONE
    assert list(losses(run)) == list(range(1, 21))


def test_a_refused_recording_is_told_once_and_the_others_are_trained_on(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", plan(longest_s=1.55, most_steps=3))
    assert here(run) == DONE
    assert [event["id"] for event in events(run, "refused")] == ["utt_6", "utt_7", "utt_8", "utt_9"]
    assert all(event["reason"] == "learning.too_long" for event in events(run, "refused"))
    assert events(run, "started")[0]["clips"] == 6


def test_a_run_with_nothing_left_says_so(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", plan(longest_s=0.5))
    assert here(run) == REFUSED
    assert events(run)[-1]["message"] == "learning.nothing_left"


def test_every_checkpoint_has_samples_and_only_the_newest_two_and_the_best_have_weights(
    tmp_path: Path,
) -> None:
    run = make_run(tmp_path / "run", plan(learning_rate=0.0, weight_decay=0.0))
    assert here(run) == DONE
    checkpoints = Checkpoints(run)
    assert checkpoints.steps() == (0, 5, 10, 15, 20)
    assert all(checkpoints.sample(step, 1).duration_s > 0 for step in checkpoints.steps())
    kept = [step for step in checkpoints.steps() if (checkpoints.folder(step) / "weights").exists()]
    assert kept == [0, 15, 20]  # nothing was learned, so nothing is better than the start
    assert [step for step in checkpoints.steps() if checkpoints.card(step).best] == [0]


def test_training_stops_early_when_held_out_loss_gets_no_better(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", plan(learning_rate=0.0, weight_decay=0.0, patience=2))
    assert here(run) == DONE
    done = events(run)[-1]
    assert (done["kind"], done["reason"], done["step"], done["best_step"]) == ("done", "early_stop", 10, 0)


@pytest.mark.slow
def test_two_processes_share_each_step_and_learn_what_one_learns(tmp_path: Path) -> None:
    one = make_run(tmp_path / "one", plan(accumulation=2, epochs=3), "PlainLearner")
    two = make_run(tmp_path / "two", plan(accumulation=1, epochs=3), "PlainLearner")
    assert here(one) == DONE
    assert child(two, processes=2) == DONE
    assert events(two, "started")[0]["processes"] == 2
    assert list(losses(two)) == list(losses(one)) == list(range(1, 7))
    assert losses(two) == pytest.approx(losses(one), rel=1e-5)
    assert [event["seq"] for event in events(two)] == list(range(len(events(two))))
