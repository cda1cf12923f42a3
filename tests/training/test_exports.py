"""What was trained leaves the studio: with its card, through the gate, in the books, and for nobody else."""

import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load, save

from studio.bootstrap import Studio
from studio.engines.base import EngineContext
from studio.engines.weights import metadata_of
from studio.engines.xtts.spec import SPEC as XTTS
from studio.errors import ConsentMissing, InputRefused, NotFound, NotPermitted
from studio.privacy.access import Actor, Role
from studio.voices.forms import VoiceView
from tests.enrolling import enrol
from tests.tiny_xtts import narrow_vocoder, write_tiny_xtts
from tests.training.scripted import consented_voice, end_consent, stored, trainable_spec


@pytest.fixture
def voice(studio: Studio, admin: Actor) -> VoiceView:
    studio.engines.register(trainable_spec())
    return consented_voice(studio, admin)


def test_an_adapter_leaves_with_its_card_inside(studio: Studio, admin: Actor, voice: VoiceView) -> None:
    adapter_id = stored(studio, voice)
    data, media_type, name = studio.training.exports.adapter(admin, adapter_id)
    assert media_type == "application/octet-stream" and name == "Linda lora 1.safetensors"
    assert torch.equal(load(data)["w"], torch.ones(2))
    card = json.loads(metadata_of(data)["card"])
    assert card["consent_record"] == "con_1" and card["base_hash"] and card["dataset"]["content_hash"]
    assert card["licence"]["id"] == "Apache-2.0"
    assert "Linda" not in json.dumps(card)
    assert studio.audit.read(admin)[0].action == "adapter.exported"
    assert studio.audit.verify(admin).intact


def test_no_export_without_consent_to_its_use(studio: Studio, admin: Actor, voice: VoiceView) -> None:
    adapter_id = stored(studio, voice)
    end_consent(studio, voice, "purpose_taken_back")
    for export in (studio.training.exports.adapter, studio.training.exports.merged_zip):
        with pytest.raises(ConsentMissing):
            export(admin, adapter_id)
    plain = enrol(studio, admin, "Rosa")  # agreed to be cloned, never to be trained
    with pytest.raises(ConsentMissing):
        studio.training.exports.adapter(admin, stored(studio, plain))


def test_no_export_rename_or_delete_for_strangers_and_reviewers(
    studio: Studio, admin: Actor, voice: VoiceView, account: Any, tmp_path: Path
) -> None:
    adapter_id, training = stored(studio, voice), studio.training
    stranger = account("rosa")
    reviewer = account("ugo", Role.REVIEWER)
    for actor, refusal in ((stranger, NotFound), (reviewer, NotPermitted)):
        with pytest.raises(refusal):
            training.exports.adapter(actor, adapter_id)
        with pytest.raises(refusal):
            training.exports.merged_zip(actor, adapter_id)
        with pytest.raises(refusal):
            training.exports.merged_folder(actor, adapter_id, tmp_path / "out")
        with pytest.raises(refusal):
            training.adapters.rename(actor, adapter_id, "Mine")
        with pytest.raises(refusal):
            training.adapters.delete(actor, adapter_id)
    assert not (tmp_path / "out").exists()
    assert training.adapters.mine(stranger) == []


def test_what_cannot_be_merged_says_so(
    studio: Studio, admin: Actor, voice: VoiceView, tmp_path: Path
) -> None:
    adapter_id = stored(studio, voice)
    with pytest.raises(InputRefused) as refused:
        studio.training.exports.merged_zip(admin, adapter_id)
    assert refused.value.key == "training.no_merge"
    assert not studio.training.exports.mergeable("fake-trains", "lora")


@pytest.fixture
def xtts(
    studio: Studio, voice: VoiceView, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[Path, bytes]:
    """A tiny XTTS among the engines, and a LoRA for it that changes something."""
    from studio.engines.xtts.engine import XttsEngine

    with narrow_vocoder():
        folder = write_tiny_xtts(tmp_path / "xtts")
        engine = XttsEngine(EngineContext(lambda model_id: folder, folder))
        from studio.engines.xtts.adapters import Shape

        engine.adapters.add("a", Shape("lora", rank=2), 1)
        for tensor in engine.adapters.tensors("a").values():
            torch.nn.init.normal_(tensor, std=0.1)
        data = engine.adapters.export("a")
    studio.engines.register(replace(XTTS, any_of=()))
    ground = studio.training.exports._ground
    monkeypatch.setattr(
        studio.training.exports, "_ground", replace(ground, model_files=lambda model_id: folder)
    )
    return folder, data


def test_a_merged_checkpoint_leaves_whole_as_a_zip_and_as_a_folder(
    studio: Studio, admin: Actor, voice: VoiceView, xtts: tuple[Path, bytes], tmp_path: Path
) -> None:
    from studio.engines.xtts.merging import merged, read_checkpoint_of

    folder, data = xtts
    adapter_id = stored(studio, voice, "xtts", "lora", data)
    assert studio.training.exports.mergeable("xtts", "lora")
    assert not studio.training.exports.mergeable("xtts", "bottleneck")
    written = studio.training.exports.merged_folder(admin, adapter_id, tmp_path / "out")
    pieces, name = studio.training.exports.merged_zip(admin, adapter_id)
    archive = zipfile.ZipFile(io.BytesIO(b"".join(pieces)))
    assert name == "Linda lora 1.zip" and archive.testzip() is None
    names = {"config.json", "model.pth", "vocab.json", "card.json"}
    assert names <= set(archive.namelist()) == {path.name for path in written.iterdir()}
    assert archive.read("config.json") == (folder / "config.json").read_bytes()
    assert json.loads(archive.read("card.json"))["consent_record"] == "con_1"
    (tmp_path / "unzipped").mkdir()
    archive.extractall(tmp_path / "unzipped")
    wanted = merged(read_checkpoint_of(folder), data)
    for place in (written, tmp_path / "unzipped"):
        found = read_checkpoint_of(place)
        assert found.keys() == wanted.keys()
        assert all(torch.equal(found[key], wanted[key]) for key in wanted)
    with pytest.raises(InputRefused):
        studio.training.exports.merged_folder(admin, adapter_id, tmp_path / "out")
    assert studio.audit.verify(admin).intact


def test_a_broken_adapter_is_told_before_the_zip_begins(
    studio: Studio, admin: Actor, voice: VoiceView, xtts: tuple[Path, bytes]
) -> None:
    from studio.errors import ModelBroken

    adapter_id = stored(
        studio, voice, "xtts", "lora", save({"w": torch.ones(2)}, metadata={"engine": "kokoro"})
    )
    with pytest.raises(ModelBroken):
        studio.training.exports.merged_zip(admin, adapter_id)
