"""A whole run of XTTS at a tiny size: prepared, trained, sampled, cut off and resumed."""

from pathlib import Path

import pytest
import torch

from studio.engines.xtts.adapters import read_adapter
from studio.training.checkpoints import Checkpoints
from studio.training.plan import Method
from studio.training.run_folder import HELD_OUT, TRAIN, Recording, RunFacts, RunFolder, SampleSentence
from studio.training.worker import DONE
from tests.tiny_xtts import narrow_vocoder, write_tiny_xtts
from tests.training.learners import KILL_AT, CutOff
from tests.training.running import KEY, events, here, losses, noise, plan


@pytest.fixture(scope="module")
def xtts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with narrow_vocoder():
        folder = write_tiny_xtts(tmp_path_factory.mktemp("xtts"))
    torch.set_num_threads(threads)
    return {"xtts-v2": str(folder)}


def make(root: Path, method: Method) -> RunFolder:
    wanted = plan(
        engine_id="xtts", method=method, epochs=5, learning_rate=2e-3, checkpoint_every=10, accumulation=1
    )
    run = RunFolder.create(root, KEY, wanted, RunFacts("job_1", "tests.training.learners:tiny_xtts"))
    rows = []
    for number in range(10):
        clip = noise(1.0 + 0.1 * number, number)
        rows.append(
            Recording(
                f"utt_{number}", "ciao a tutti", "it", TRAIN if number < 8 else HELD_OUT, clip.duration_s
            )
        )
        run.write_clip(f"utt_{number}", clip)
    run.write_manifest(rows)
    run.write_samples([SampleSentence("ciao", "it")])
    return run


@pytest.mark.parametrize("method", [Method.LORA, Method.FULL])
def test_a_run_cut_off_at_step_11_goes_on_with_the_losses_of_an_unbroken_one(
    tmp_path: Path, xtts: dict[str, str], method: Method, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, broken = make(tmp_path / "whole", method), make(tmp_path / "broken", method)
    assert here(whole, xtts) == DONE
    monkeypatch.setenv(KILL_AT, "11")
    with pytest.raises(CutOff):
        here(broken, xtts)
    monkeypatch.delenv(KILL_AT)
    assert max(losses(broken)) == 10
    assert here(broken, xtts) == DONE
    assert list(losses(whole)) == list(range(1, 21))
    assert losses(broken) == losses(whole)
    assert Checkpoints(broken).weights(20) == Checkpoints(whole).weights(20)
    assert losses(whole)[20] < losses(whole)[1]
    held_out = [event["loss"] for event in events(whole, "held_out")]
    assert len(held_out) == 3
    assert all(Checkpoints(whole).sample(step, 0).sample_rate_hz == 24_000 for step in (0, 10, 20))
    if method is not Method.FULL:
        shape, _ = read_adapter("", Checkpoints(whole).weights(20))
        assert shape.kind == method.value
