"""The same sound as coqui-tts itself makes, without its downloads, and without what its files could hide."""

import json
import os
import pickle
import socket
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from TTS.utils.synthesizer import Synthesizer
from TTS.vc.models import freevc, knnvc

from studio.engines.coqui.conversion import load_conversion, read_wavlm
from studio.engines.coqui.folder import check_statistics
from studio.engines.coqui.loading import load_fairseq, load_speaker
from studio.engines.coqui.phonemes import LibraryEspeak
from studio.engines.coqui.seeded import seeded
from studio.errors import ModelBroken
from tests import tiny_coqui
from tests.engines.coqui.conftest import voiced

CPU = torch.device("cpu")
NEEDS = {
    "openvoice2": ("openvoice-v2",),
    "knnvc": ("coqui-vocoder-wavlm-hifigan", "wavlm-large"),
    "freevc": ("freevc24", "freevc-speaker-encoder", "wavlm-large"),
}


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("a download was started")

    monkeypatch.setattr(urllib.request, "urlretrieve", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)


def load(models: Path, name: str) -> Any:
    folders = [models / model for model in NEEDS[name]]
    return load_conversion(name, folders, lambda: read_wavlm(models / "wavlm-large"), "cpu")


@pytest.mark.parametrize(
    ("model", "vocoder"),
    [("coqui-it-female-vits", None), ("coqui-en-ljspeech-fastpitch", "coqui-vocoder-ljspeech-hifigan")],
)
def test_a_model_speaks_exactly_as_coquis_own_synthesizer(
    models: Path, model: str, vocoder: str | None
) -> None:
    ours = load_speaker(models / model, models / vocoder if vocoder else None, "cpu")
    clip = ours.speak("ciao a tutti", "", speed=1.0, seed=11)
    theirs = Synthesizer(
        tts_checkpoint=models / model / "model_file.pth", tts_config_path=models / model / "config.json"
    )
    if vocoder:  # upstream's loader wants the discriminator too: its generator is put in place
        theirs.vocoder_model = ours._vocoder._model  # type: ignore[union-attr]
        theirs.vocoder_ap = ours._vocoder._processor  # type: ignore[union-attr]
        theirs.vocoder_config = {"audio": {"sample_rate": 22050}}
    with seeded(11, CPU):
        wav = np.array(theirs.tts("ciao a tutti", split_sentences=False), np.float32)
    assert np.array_equal(clip.samples, np.clip(wav[: len(clip.samples)], -1, 1))
    assert not wav[len(clip.samples) :].any()


def test_mms_reads_fairseqs_weights_and_speaks_as_upstream(models: Path) -> None:
    from TTS.tts.configs.vits_config import VitsConfig

    ours = load_fairseq(models / "coqui-mms-eng", "cpu")
    weights = torch.load(models / "coqui-mms-eng" / "G_100000.pth", weights_only=True)["model"]
    loaded = ours._model.state_dict()
    assert torch.equal(loaded["text_encoder.emb.weight"], weights["enc_p.emb.weight"])
    assert torch.equal(loaded["flow.flows.3.pre.weight"], weights["flow.flows.6.pre.weight"])
    assert isinstance(ours._model.config, VitsConfig)
    assert ours.speak("hello", "", speed=1.0, seed=1).sample_rate_hz == 16000


@pytest.mark.parametrize("name", NEEDS)
def test_a_conversion_answers_exactly_as_upstreams_own_call(models: Path, name: str) -> None:
    conversion = load(models, name)
    source = torch.from_numpy(voiced(200, 1.0, conversion.input_rate_hz).samples.copy())
    target = torch.from_numpy(voiced(110, 1.2, conversion.input_rate_hz).samples.copy())
    remembered = conversion.remember([target])
    with seeded(4, CPU):
        ours = conversion.convert(source, remembered)
    with seeded(4, CPU):
        if name == "knnvc":  # upstream's call would trim the target with its own voice detector
            matched = conversion._model.match(
                conversion._model.get_features(source), _frames(conversion, target)
            )
            theirs = conversion._vocoder.inference(matched).reshape(-1).detach().numpy()
        else:
            theirs = conversion._model.voice_conversion(source, [target])
    tolerance = 2e-3 if name == "knnvc" else 0.0  # its frames are kept in half precision
    assert np.allclose(ours.numpy(), theirs, atol=tolerance, rtol=0)
    assert ours.abs().max() > 1e-4


def _frames(conversion: Any, target: torch.Tensor) -> torch.Tensor:
    return conversion._model.get_matching_set([target], vad_trigger_level=0)


@pytest.mark.parametrize("name", NEEDS)
@pytest.mark.usefixtures("no_network")
def test_loading_a_conversion_downloads_nothing_and_leaves_the_library_as_it_was(
    models: Path, name: str
) -> None:
    before = (freevc.get_wavlm, knnvc.get_wavlm, freevc.FreeVC.__init__)
    load(models, name)
    assert (freevc.get_wavlm, knnvc.get_wavlm, freevc.FreeVC.__init__) == before


def test_phonemes_come_from_the_library_with_punctuation_kept() -> None:
    italian = LibraryEspeak("it")
    assert italian.phonemize("Ciao, come stai?", separator="") == "tʃˈao, kˌome stˈaj?"
    assert italian.phonemize("Ciao", separator="|") == "tʃ|ˈa|o"
    assert LibraryEspeak("en").language == "en-us"
    with pytest.raises(RuntimeError):
        LibraryEspeak("no-such-language")


class _Evil:
    """Unpickling this makes a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.folder),)


def test_statistics_that_would_run_code_are_refused_before_the_library_reads_them(tmp_path: Path) -> None:
    honest, evil = tmp_path / "honest.npy", tmp_path / "evil.npy"
    np.save(honest, {"mel_mean": np.zeros(80, np.float32), "mel_std": np.float64(1.5)}, allow_pickle=True)  # type: ignore[arg-type]
    np.save(evil, np.array(_Evil(tmp_path / "made"), dtype=object), allow_pickle=True)
    check_statistics(honest)
    with pytest.raises(ValueError, match="mkdir"):
        check_statistics(evil)
    folder = tiny_coqui.write_fastspeech2(tmp_path / "model")
    config = json.loads((folder / "config.json").read_text())
    config["audio"]["stats_path"] = "elsewhere/scale_stats.npy"
    (folder / "config.json").write_text(json.dumps(config))
    evil.rename(folder / "scale_stats.npy")
    with pytest.raises(ModelBroken, match="mkdir"):
        load_speaker(folder, None, "cpu")
    assert not (tmp_path / "made").exists()


def test_a_checkpoint_that_would_run_code_is_refused(tmp_path: Path) -> None:
    folder = tiny_coqui.write_vits(tmp_path / "model")
    (folder / "model_file.pth").write_bytes(pickle.dumps({"model": _Evil(tmp_path / "made")}))
    with pytest.raises(ModelBroken):
        load_speaker(folder, None, "cpu")
    torch.save({"model": _Evil(tmp_path / "made")}, folder / "model_file.pth")
    with pytest.raises(ModelBroken, match="Unpickling"):
        load_speaker(folder, None, "cpu")
    assert not (tmp_path / "made").exists()


def test_a_network_description_that_is_code_is_refused(tmp_path: Path) -> None:
    folder = tiny_coqui.write_wavlm(tmp_path / "wavlm-large")
    saved = torch.load(folder / "WavLM-Large.pt", weights_only=True)
    saved["cfg"]["conv_feature_layers"] = f"__import__('os').mkdir({str(tmp_path / 'made')!r})"
    torch.save(saved, folder / "WavLM-Large.pt")
    with pytest.raises(ModelBroken, match="more than numbers"):
        read_wavlm(folder)
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize(
    ("section", "field", "value", "reason"),
    [
        ("characters", "characters_class", "os.path.Alphabet", "os.path"),
        (None, "model", "xtts", "xtts"),
        (None, "model", "../../evil", "no model type"),
        (None, "phonemizer", "gruut", None),
    ],
)
def test_a_configuration_that_names_what_it_should_not_is_refused(
    tmp_path: Path, section: str | None, field: str, value: str, reason: str | None
) -> None:
    folder = tiny_coqui.write_vits(tmp_path / "model", phonemes=reason is None)
    config = json.loads((folder / "config.json").read_text())
    (config[section] if section else config)[field] = value
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelBroken, match=reason):
        load_speaker(folder, None, "cpu")


def test_a_freevc_checkpoint_that_lacks_its_own_weights_is_broken(tmp_path: Path, models: Path) -> None:
    folder = tiny_coqui.write_freevc(tmp_path / "freevc24", tmp_path / "freevc-speaker-encoder")
    saved = torch.load(folder / "model.pth", weights_only=True)
    del saved["model"]["dec.conv_pre.weight"]
    torch.save(saved, folder / "model.pth")
    (tmp_path / "wavlm-large").symlink_to(models / "wavlm-large")
    with pytest.raises(ModelBroken, match="1 missing"):
        load(tmp_path, "freevc")
