"""The Piper engine with its real process, on a voice of a few kilobytes; the real one where installed."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from studio.audio.clip import AudioClip
from studio.engines.base import AudioChunk, EngineContext, Utterance, VoiceState
from studio.engines.piper.child import PiperChild
from studio.engines.piper.engine import PiperEngine
from studio.engines.piper.frames import Frame
from studio.engines.piper.noise import with_noise_inputs
from studio.engines.piper.spec import PiperOptions
from studio.errors import EngineTrouble, InputRefused, ModelBroken, ModelMissing, NotFound, TextRefused
from tests.fetched import STORAGE_MODELS, model_file
from tests.tiny_piper import SAMPLES_PER_ID, write_tiny_voice
from tests.waiting import until

ROOT = Path(__file__).parents[3]


def context(folder: Path) -> EngineContext:
    def model_files(model_id: str) -> Path:
        if not (folder / model_id).is_dir():
            raise ModelMissing("piper.no_voice", models=model_id)
        return folder / model_id

    return EngineContext(model_files=model_files, scratch=folder)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PiperEngine]:
    folder = tmp_path_factory.mktemp("models")
    write_tiny_voice(folder / "piper-en-joe")
    write_tiny_voice(
        folder / "piper-it-paola", "it_IT-duo-low", language="it", espeak="it", speakers=("uno", "due", "tre")
    )
    write_tiny_voice(
        folder / "piper-it-paola", "it_IT-slow-low", language="it", espeak="it", sample_rate_hz=16000
    )
    made = PiperEngine(context(folder))
    yield made
    made.unload()


def speak(
    engine: PiperEngine, text: str, preset: str = "en_US-tiny-low", language: str = "en", **options: float
) -> list[AudioChunk]:
    voice = engine.preset_voice(preset)
    asked = PiperOptions.model_validate(options)
    return list(engine.synthesize([Utterance(text, language)], voice, asked))


def whole(chunks: list[AudioChunk]) -> np.ndarray:
    return np.concatenate([chunk.clip.samples for chunk in chunks])


def test_every_voice_in_the_model_folders_is_a_preset_and_so_is_every_speaker(engine: PiperEngine) -> None:
    assert [preset.id for preset in engine.presets()] == [
        "en_US-tiny-low",
        "it_IT-duo-low/uno",
        "it_IT-duo-low/due",
        "it_IT-duo-low/tre",
        "it_IT-slow-low",
    ]
    assert {preset.language for preset in engine.presets()} == {"en", "it"}
    assert engine.presets()[0].name == "Tiny (en_US, low)"
    for wrong in ("nobody", "it_IT-duo-low/quattro", "it_IT-duo-low", "en_US-tiny-low/uno"):
        with pytest.raises(NotFound):
            engine.preset_voice(wrong)


def test_without_a_voice_the_model_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match="piper-en-joe"):
        PiperEngine(context(tmp_path))


def test_a_description_that_is_not_pipers_is_a_broken_model(tmp_path: Path) -> None:
    model = write_tiny_voice(tmp_path / "piper-en-joe")
    model.with_name(model.name + ".json").write_text("[1]")
    with pytest.raises(ModelBroken, match="tiny"):
        PiperEngine(context(tmp_path))


def test_sentences_come_one_chunk_each_at_the_spec_rate_with_a_pause_between(engine: PiperEngine) -> None:
    chunks = speak(engine, "Hello there. Good day.", sentence_pause_s=0.5)
    assert [chunk.utterance_index for chunk in chunks] == [0, 0]
    first, last = (chunk.clip for chunk in chunks)
    assert first.sample_rate_hz == last.sample_rate_hz == engine.spec.sample_rate_hz
    assert not first.samples[-11025:].any()
    assert last.samples[-1000:].any()


def test_requests_are_spoken_in_order_and_numbered(engine: PiperEngine) -> None:
    voice = engine.preset_voice("en_US-tiny-low")
    requests = [Utterance("One.", "en"), Utterance("Two. Three.", "en"), Utterance("Four.", "en")]
    chunks = list(engine.synthesize(requests, voice, PiperOptions()))
    assert [chunk.utterance_index for chunk in chunks] == [0, 1, 1, 2]


def test_the_same_seed_gives_the_same_take_and_another_seed_another(engine: PiperEngine) -> None:
    first, again, other = (whole(speak(engine, "Hello there.", seed=seed)) for seed in (7, 7, 8))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_saved_voice_keeps_its_speaker(engine: PiperEngine) -> None:
    voice = VoiceState.from_bytes(engine.preset_voice("it_IT-duo-low/tre").to_bytes())
    options = PiperOptions(variation=0.0)
    (third,) = engine.synthesize([Utterance("Ciao", "it")], voice, options)
    (second,) = speak(engine, "Ciao", "it_IT-duo-low/due", "it", variation=0.0)
    assert np.allclose(third.clip.samples, 2 * second.clip.samples, atol=1e-6)
    assert second.clip.samples.any()


def test_a_voice_of_another_rate_is_resampled_to_the_spec_rate(engine: PiperEngine) -> None:
    (low,) = speak(engine, "Ciao", "it_IT-slow-low", "it", variation=0.0)
    assert low.clip.sample_rate_hz == 22050
    ids = round(low.clip.duration_s * 16000 / SAMPLES_PER_ID)
    assert ids > 5
    assert low.clip.duration_s == pytest.approx(ids * SAMPLES_PER_ID / 16000, abs=1e-3)


def test_what_piper_cannot_do_is_refused_with_a_message(engine: PiperEngine) -> None:
    with pytest.raises(InputRefused, match="cannot clone"):
        engine.encode_voice([AudioClip(np.zeros(10, np.float32), 16000)])
    with pytest.raises(InputRefused, match="does not speak it"):
        speak(engine, "Ciao", language="it")
    with pytest.raises(TextRefused, match="nothing to pronounce"):
        speak(engine, "?! …")
    with pytest.raises(ModelMissing):
        list(
            engine.synthesize(
                [], VoiceState("piper", {"speaker_id": np.zeros(1)}, {"voice": "gone"}), PiperOptions()
            )
        )


def test_a_process_killed_between_two_texts_is_replaced(engine: PiperEngine) -> None:
    before = whole(speak(engine, "Hello."))
    pid = engine._child.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    gone(pid)
    try:
        after = whole(speak(engine, "Hello."))
    except EngineTrouble:  # died between the check and the request: said so, and the next call works
        after = whole(speak(engine, "Hello."))
    assert np.array_equal(before, after)
    assert engine._child.pid not in (None, pid)


def test_a_process_that_hangs_is_ended_and_said_and_the_next_request_works(tmp_path: Path) -> None:
    request = Frame({"op": "plan", "model": str(write_tiny_voice(tmp_path)), "text": "Hello."})
    child = PiperChild(threads=1, timeout_s=30)
    try:
        answer = child.ask(request)
        child._timeout_s = 0.3
        assert child.pid is not None
        os.kill(child.pid, signal.SIGSTOP)
        with pytest.raises(EngineTrouble, match="ended in the middle"):
            child.ask(request)
        child._timeout_s = 30
        assert child.ask(request).header == answer.header
    finally:
        child.close()


def test_an_error_inside_the_process_is_told_and_the_process_lives_on(engine: PiperEngine) -> None:
    pid = engine._child.pid
    with pytest.raises(EngineTrouble, match=r"FileNotFoundError|NoSuchFile"):
        engine._child.ask(Frame({"op": "plan", "model": "nowhere.onnx", "text": "x"}))
    assert engine._child.pid == pid
    with pytest.raises(EngineTrouble, match="sing"):
        engine._child.ask(Frame({"op": "sing", "model": "nowhere.onnx"}))


def test_unload_ends_the_process_and_the_next_call_starts_another(engine: PiperEngine) -> None:
    speak(engine, "Hello.")
    pid = engine._child.pid
    assert pid is not None
    engine.unload()
    gone(pid)
    assert engine._child.pid is None
    assert speak(engine, "Hello.")


def test_no_orphan_is_left_when_the_studio_is_killed(tmp_path: Path) -> None:
    model = write_tiny_voice(tmp_path)
    code = (
        "import sys, time\n"
        "from studio.engines.piper.child import PiperChild\n"
        "from studio.engines.piper.frames import Frame\n"
        "child = PiperChild(threads=1)\n"
        "child.ask(Frame({'op': 'plan', 'model': sys.argv[1], 'text': 'Hello.'}))\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code, str(model)], cwd=ROOT, stdout=subprocess.PIPE)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    assert alive(pid)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    gone(pid)


def test_the_studios_process_loads_neither_espeak_nor_onnxruntime(tmp_path: Path) -> None:
    write_tiny_voice(tmp_path / "piper-en-joe")
    code = (
        "import sys, pathlib\n"
        "from studio.engines.base import EngineContext, Utterance\n"
        "from studio.engines.piper.engine import PiperEngine\n"
        "from studio.engines.piper.spec import PiperOptions\n"
        "from studio.errors import ModelMissing\n"
        "def files(model_id):\n"
        "    folder = pathlib.Path(sys.argv[1], model_id)\n"
        "    if folder.is_dir(): return folder\n"
        "    raise ModelMissing('piper.no_voice', models=model_id)\n"
        "engine = PiperEngine(EngineContext(files, pathlib.Path(sys.argv[1])))\n"
        "voice = engine.preset_voice('en_US-tiny-low')\n"
        "assert list(engine.synthesize([Utterance('Hello.', 'en')], voice, PiperOptions()))\n"
        "engine.unload()\n"
        "kept_apart = {'espeakng_loader', 'phonemizer', 'piper', 'onnxruntime', 'onnx', 'torch'}\n"
        "assert not kept_apart & set(sys.modules), kept_apart & set(sys.modules)\n"
        "maps = pathlib.Path('/proc/self/maps')\n"
        "assert not maps.exists() or 'espeak' not in maps.read_text()\n"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, check=True, timeout=60)


def joe() -> Path:
    return model_file("piper-en-joe", "en_US-joe-medium.onnx")


@pytest.mark.models
def test_feeding_the_noise_leaves_the_real_voice_as_it_was() -> None:
    """With the noise scales at 0 the changed graph answers exactly like the published one."""
    graph, names = with_noise_inputs(joe())
    assert len(names) == 2
    ids = np.array([[1, 0, 20, 0, 59, 0, 24, 0, 120, 0, 27, 0, 100, 0, 10, 0, 2]], np.int64)
    feeds = {
        "input": ids,
        "input_lengths": np.array([ids.shape[1]], np.int64),
        "scales": np.array([0.0, 1.0, 0.0], np.float32),
    }
    run: Callable[..., list[np.ndarray]] = onnxruntime.InferenceSession(str(joe())).run
    (published,) = run(None, feeds)
    noise = {name: np.ones(7, np.float32) for name in names}
    (changed,) = onnxruntime.InferenceSession(graph).run(None, feeds | noise)
    assert np.array_equal(published, changed)
    assert published.size > 5000


@pytest.mark.models
def test_the_real_voice_speaks_and_slower_is_longer() -> None:
    joe()
    engine = PiperEngine(context(STORAGE_MODELS))
    try:
        usual = whole(speak(engine, "Good morning, how are you?", "en_US-joe-medium"))
        slow = whole(speak(engine, "Good morning, how are you?", "en_US-joe-medium", speed=0.6))
    finally:
        engine.unload()
    assert 1.0 < len(usual) / 22050 < 3.0
    assert np.sqrt(np.mean(usual**2)) > 0.02
    assert 1.3 < len(slow) / len(usual) < 2.2


def alive(pid: int) -> bool:
    status = Path(f"/proc/{pid}/stat")
    return status.exists() and status.read_text().rpartition(")")[2].split()[0] != "Z"


def gone(pid: int) -> None:
    """Wait until the process has ended (a zombie has)."""
    until(lambda: not alive(pid))
