import hashlib
import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from studio.engines.base import EngineContext, Utterance
from studio.engines.xtts.engine import XttsEngine
from studio.engines.xtts.loading import load_model
from studio.engines.xtts.spec import SPEC
from studio.errors import ModelBroken
from tests.engines.xtts.conftest import recording
from tests.tiny_xtts import narrow_vocoder, write_tiny_xtts


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def copy(checkpoint: Path, folder: Path) -> Path:
    return Path(shutil.copytree(checkpoint, folder / "copy"))


def test_the_first_published_layout_loads_and_stays_as_it_was_downloaded(
    checkpoint: Path, tmp_path: Path
) -> None:
    folder = copy(checkpoint, tmp_path)
    before = {path.name: digest(path) for path in folder.iterdir()}
    with narrow_vocoder():
        load_model(folder, "cpu")
    assert {path.name: digest(path) for path in folder.iterdir()} == before


def test_the_present_layout_gives_the_same_weights(checkpoint: Path, tmp_path: Path) -> None:
    with narrow_vocoder():
        old = load_model(checkpoint, "cpu").state_dict()
        new = load_model(write_tiny_xtts(tmp_path / "new"), "cpu").state_dict()
    assert old.keys() == new.keys()
    assert all(torch.equal(old[name], new[name]) for name in old)


class Intruder:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, ("intruded",)


def test_a_checkpoint_that_would_run_code_is_refused_and_runs_none(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = copy(checkpoint, tmp_path)
    monkeypatch.chdir(tmp_path)
    (folder / "model.pth").write_bytes(pickle.dumps({"model": {}, "config": Intruder()}, protocol=2))
    (folder / "speakers_xtts.pth").unlink()
    with narrow_vocoder(), pytest.raises(ModelBroken):
        load_model(folder, "cpu")
    assert not (tmp_path / "intruded").exists()


@pytest.mark.parametrize("name", ["config.json", "vocab.json", "model.pth"])
def test_a_missing_or_cut_file_is_named_as_a_broken_model(
    checkpoint: Path, tmp_path: Path, name: str
) -> None:
    folder = copy(checkpoint, tmp_path)
    path = folder / name
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with narrow_vocoder(), pytest.raises(ModelBroken):
        load_model(folder, "cpu")
    path.unlink()
    with narrow_vocoder(), pytest.raises(ModelBroken):
        load_model(folder, "cpu")


def test_loading_leaves_the_thread_count_alone(checkpoint: Path) -> None:
    before = torch.get_num_threads()
    with narrow_vocoder():
        load_model(checkpoint, "cpu")
    assert torch.get_num_threads() == before


def test_without_the_speakers_file_there_are_no_presets(checkpoint: Path, tmp_path: Path) -> None:
    folder = copy(checkpoint, tmp_path)
    (folder / "speakers_xtts.pth").unlink()
    assert XttsEngine(EngineContext(lambda model_id: folder, folder)).presets() == ()


def test_an_unloaded_engine_loads_again(checkpoint: Path) -> None:
    engine = XttsEngine(EngineContext(lambda model_id: checkpoint, checkpoint))
    with narrow_vocoder():
        voice = engine.encode_voice([recording("LJ001-0008")])
        engine.unload()
        assert engine._loaded is None
        assert list(engine.synthesize([Utterance("ciao", "it")], voice, SPEC.options()))


def test_the_spec_loads_no_torch() -> None:
    code = "import sys, studio.engines.xtts.spec; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
