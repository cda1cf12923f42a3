"""The Coqui engines on tiny models of the real classes: every family speaks, every conversion clones."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from studio.engines.base import AudioChunk, EnrolmentProgress, Utterance, VoiceState
from studio.engines.coqui.engine import CoquiEngine, MmsEngine
from studio.engines.coqui.spec import COQUI, MMS, CoquiOptions
from studio.errors import (
    AudioRefused,
    Cancelled,
    InputRefused,
    ModelBroken,
    ModelMissing,
    NotFound,
    TextRefused,
)
from tests import tiny_coqui
from tests.engines.coqui.conftest import context, voiced

ROOT = Path(__file__).parents[3]
VITS, TACOTRON, FASTSPEECH = (
    "coqui-it-female-vits",
    "coqui-en-ljspeech-tacotron2",
    "coqui-en-ljspeech-fastpitch",
)
FAMILIES = {
    VITS: "it",
    "coqui-it-male-vits": "it",
    "coqui-it-male-glow": "it",
    "coqui-en-vctk-vits/p226": "en",
    TACOTRON: "en",
    FASTSPEECH: "en",
}
CONVERSIONS = ("openvoice2", "knnvc", "freevc")


@pytest.fixture(scope="module")
def engine(models: Path) -> Iterator[CoquiEngine]:
    made = CoquiEngine(context(models))
    yield made
    made.unload()


@pytest.fixture(scope="module")
def cloned(engine: CoquiEngine) -> VoiceState:
    return engine.encode_voice([voiced(120), voiced(130)])


def speak(
    engine: CoquiEngine,
    voice: VoiceState | str,
    text: str = "ciao a tutti",
    language: str = "",
    **options: object,
) -> AudioChunk:
    state = engine.preset_voice(voice) if isinstance(voice, str) else voice
    language = language or (FAMILIES.get(voice, "it") if isinstance(voice, str) else "it")
    asked = CoquiOptions.model_validate(options)
    (chunk,) = engine.synthesize([Utterance(text, language)], state, asked)
    return chunk


def test_installed_models_are_presets_and_so_is_every_speaker_without_loading_any(models: Path) -> None:
    engine = CoquiEngine(context(models))
    assert [preset.id for preset in engine.presets()] == [
        "coqui-it-female-vits",
        "coqui-it-male-vits",
        "coqui-it-male-glow",
        "coqui-en-vctk-vits/p225",
        "coqui-en-vctk-vits/p226",
        "coqui-en-ljspeech-tacotron2",
        "coqui-en-ljspeech-fastpitch",
    ]
    assert engine._library._loaded == {}
    for wrong in ("coqui-xx", "coqui-en-vctk-vits/p999", "coqui-mms-eng"):
        with pytest.raises(NotFound):
            engine.preset_voice(wrong)


@pytest.mark.parametrize("preset", FAMILIES)
def test_every_family_speaks_the_same_take_from_the_same_seed(engine: CoquiEngine, preset: str) -> None:
    first = speak(engine, preset, seed=5)
    assert first.clip.sample_rate_hz == COQUI.sample_rate_hz
    assert first.clip.duration_s > 0.05
    assert first.clip.samples.std() > 1e-4
    assert np.array_equal(speak(engine, preset, seed=5).clip.samples, first.clip.samples)


def test_another_seed_is_another_take_and_leaves_the_global_generators_alone(engine: CoquiEngine) -> None:
    np.random.seed(1)
    expected = np.random.RandomState(1).rand()
    takes = [speak(engine, VITS, seed=seed).clip for seed in (1, 2)]
    assert takes[0].content_id != takes[1].content_id
    assert np.random.rand() == expected


@pytest.mark.parametrize("preset", [VITS, "coqui-it-male-glow", FASTSPEECH, TACOTRON])
def test_slower_is_longer_in_every_family(engine: CoquiEngine, preset: str) -> None:
    usual, slow = (speak(engine, preset, speed=speed).clip.duration_s for speed in (1.0, 0.5))
    assert 1.5 < slow / usual < 2.5


def test_speakers_of_one_model_sound_different(engine: CoquiEngine) -> None:
    clips = [speak(engine, f"coqui-en-vctk-vits/{name}", language="en").clip for name in ("p225", "p226")]
    assert clips[0].content_id != clips[1].content_id


def test_requests_are_spoken_in_order_and_numbered(engine: CoquiEngine) -> None:
    requests = [Utterance("uno", "it"), Utterance("due", "it")]
    chunks = list(engine.synthesize(requests, engine.preset_voice(VITS), CoquiOptions()))
    assert [chunk.utterance_index for chunk in chunks] == [0, 1]


def test_without_its_vocoder_a_spectrogram_model_still_speaks(models: Path, engine: CoquiEngine) -> None:
    bare = CoquiEngine(context(models, "coqui-vocoder-ljspeech-hifigan"))
    by_griffin_lim, again = (speak(bare, TACOTRON).clip for _ in range(2))
    assert by_griffin_lim.content_id == again.content_id != speak(engine, TACOTRON).clip.content_id
    assert by_griffin_lim.samples.std() > 1e-4


def test_mms_speaks_under_its_own_non_commercial_licence_and_not_italian(models: Path) -> None:
    engine = MmsEngine(context(models))
    assert not MMS.licence.commercial
    assert COQUI.licence.commercial
    chunk = speak(engine, "coqui-mms-eng", "hello there", "en")
    assert chunk.clip.sample_rate_hz == MMS.sample_rate_hz
    assert chunk.clip.samples.std() > 1e-4
    with pytest.raises(InputRefused, match="does not speak it"):
        speak(engine, "coqui-mms-eng", "ciao", "it")
    assert engine.encode_voice([voiced(150)]).engine_id == "coqui-mms"


def test_a_clone_holds_what_each_conversion_needs_and_no_path(models: Path, cloned: VoiceState) -> None:
    assert cloned.facts == {"kind": "clone", "conversions": ",".join(CONVERSIONS)}
    assert set(cloned.tensors) == {"openvoice2.embedding", "knnvc.frames", "freevc.embedding"}
    assert cloned.tensors["knnvc.frames"].dtype == np.float16
    assert cloned.tensors["knnvc.frames"].shape[1] == 32
    assert str(models).encode() not in cloned.to_bytes()


@pytest.mark.parametrize("conversion", CONVERSIONS)
def test_every_conversion_turns_the_reader_into_the_target(
    engine: CoquiEngine, cloned: VoiceState, conversion: str
) -> None:
    saved = VoiceState.from_bytes(cloned.to_bytes())
    read = speak(engine, VITS, seed=3).clip
    taken = speak(engine, saved, seed=3, conversion=conversion).clip
    assert taken.sample_rate_hz == COQUI.sample_rate_hz
    assert taken.duration_s == pytest.approx(read.duration_s, abs=0.08)
    assert taken.content_id != read.content_id
    assert speak(engine, saved, seed=3, conversion=conversion).clip.content_id == taken.content_id
    other = engine.encode_voice([voiced(310)])
    assert speak(engine, other, seed=3, conversion=conversion).clip.content_id != taken.content_id


def test_auto_takes_the_first_conversion_and_the_first_reader_of_the_language(
    engine: CoquiEngine, cloned: VoiceState
) -> None:
    auto = speak(engine, cloned)
    chosen = speak(engine, cloned, conversion="openvoice2", model=VITS)
    assert auto.clip.content_id == chosen.clip.content_id
    other_reader = speak(engine, cloned, model="coqui-it-male-glow")
    assert other_reader.clip.content_id != auto.clip.content_id
    english = speak(engine, cloned, "hello", "en", model="coqui-en-vctk-vits/p226")
    assert english.clip.samples.std() > 1e-5


def test_enrolment_reports_a_usable_voice_after_each_conversion_and_keeps_it_when_cancelled(
    engine: CoquiEngine,
) -> None:
    seen: list[EnrolmentProgress] = []
    state = engine.encode_voice([voiced(140)], report=seen.append, should_stop=lambda: len(seen) == 1)
    assert [progress.fraction for progress in seen] == [pytest.approx(1 / 3)]
    assert state.facts["conversions"] == "openvoice2"
    assert speak(engine, state).clip.samples.std() > 1e-5
    with pytest.raises(Cancelled):
        engine.encode_voice([voiced(140)], should_stop=lambda: True)


def test_a_conversion_the_voice_does_not_know_is_refused_with_what_it_knows(
    models: Path, cloned: VoiceState
) -> None:
    only_openvoice = CoquiEngine(context(models, "wavlm-large"))
    voice = only_openvoice.encode_voice([voiced(140)])
    assert voice.facts["conversions"] == "openvoice2"
    with pytest.raises(ModelMissing, match="openvoice2"):
        speak(only_openvoice, voice, conversion="knnvc")
    with pytest.raises(ModelMissing, match="knnvc"):
        speak(only_openvoice, cloned, conversion="knnvc")


def test_what_is_missing_is_said(models: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match="coqui-it-female-vits"):
        CoquiEngine(context(tmp_path))
    no_conversion = CoquiEngine(context(models, "openvoice-v2", "wavlm-large"))
    with pytest.raises(ModelMissing, match="OpenVoice v2"):
        no_conversion.encode_voice([voiced(140)])


def test_what_cannot_be_right_is_refused(engine: CoquiEngine, cloned: VoiceState) -> None:
    with pytest.raises(AudioRefused, match="too short"):
        engine.encode_voice([voiced(140, 0.4), voiced(140, 0.4)])
    with pytest.raises(InputRefused, match="does not speak en"):
        speak(engine, VITS, "hello", "en")
    with pytest.raises(InputRefused, match="does not speak ja"):
        speak(engine, cloned, "hello", "ja")
    with pytest.raises(InputRefused, match="xtts"):
        speak(engine, replace(cloned, engine_id="xtts"))
    for text in ("", "?!", "日本", "🙂"):
        with pytest.raises(TextRefused, match="nothing to pronounce"):
            speak(engine, VITS, text)
    with pytest.raises(NotFound):
        speak(engine, cloned, model="coqui-nobody")


def test_unloading_forgets_the_models_and_the_next_call_loads_again(models: Path) -> None:
    engine = CoquiEngine(context(models))
    before = speak(engine, VITS, seed=9).clip.content_id
    engine.unload()
    assert engine._library._loaded == {}
    assert speak(engine, VITS, seed=9).clip.content_id == before


def test_only_the_two_models_used_last_stay_in_memory(models: Path) -> None:
    engine = CoquiEngine(context(models))
    for preset in (VITS, "coqui-it-male-glow", "coqui-en-vctk-vits/p225"):
        speak(engine, preset, "ciao", language="en" if "-en-" in preset else "it")
    assert list(engine._library._loaded) == ["coqui-it-male-glow", "coqui-en-vctk-vits"]


def test_a_folder_with_other_weights_is_a_broken_model(tmp_path: Path) -> None:
    folder = tiny_coqui.write_vits(tmp_path / VITS)
    config = json.loads((folder / "config.json").read_text())
    config["model_args"]["hidden_channels"] = 24
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelBroken, match=VITS):
        speak(CoquiEngine(context(tmp_path)), VITS)
    (folder / "config.json").unlink()
    with pytest.raises(ModelBroken):
        speak(CoquiEngine(context(tmp_path)), VITS)


def test_listing_what_is_installed_loads_no_torch(models: Path) -> None:
    code = (
        "import pathlib, sys\n"
        "from studio.engines.base import EngineContext\n"
        "from studio.engines.coqui.engine import CoquiEngine, MmsEngine\n"
        "from studio.errors import ModelMissing, NotFound\n"
        "root = pathlib.Path(sys.argv[1])\n"
        "def files(model_id):\n"
        "    if (root / model_id).is_dir(): return root / model_id\n"
        "    raise NotFound('coqui.unknown_voice', voice=model_id, engine='x')\n"
        "assert len(CoquiEngine(EngineContext(files, root)).presets()) == 7\n"
        "root = root / 'nothing'\n"
        "try: MmsEngine(EngineContext(files, root))\n"
        "except ModelMissing: pass\n"
        "assert not {'torch', 'TTS', 'librosa'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(models)], cwd=ROOT, check=True, timeout=60)


def test_comments_in_old_configurations_are_read_over(tmp_path: Path) -> None:
    folder = tiny_coqui.write_vits(tmp_path / VITS)
    text = (folder / "config.json").read_text()
    (folder / "config.json").write_text("/* a note */ " + text.replace("{", '{ // "why"\n', 1))
    assert speak(CoquiEngine(context(tmp_path)), VITS).clip.duration_s > 0
