"""The embedded engine speaks: real words, reproducibly, in order, and says no clearly."""

from pathlib import Path

import numpy as np
import pytest

from studio.engines.base import Utterance, VoiceState
from studio.engines.kokoro.engine import KokoroEngine
from studio.engines.kokoro.spec import KokoroOptions
from studio.errors import InputRefused, ModelMissing, NotFound, TextRefused

pytestmark = pytest.mark.models
SENTENCE = "Buongiorno, il treno per Milano parte alle nove dal binario quattro."


def _speak(
    engine: KokoroEngine, voice: VoiceState, text: str, language: str = "it", **options: object
) -> np.ndarray:
    chunks = engine.synthesize([Utterance(text, language)], voice, KokoroOptions(**options))
    return np.concatenate([chunk.clip.samples for chunk in chunks])


@pytest.fixture(scope="module")
def sara(engine: KokoroEngine) -> VoiceState:
    return engine.preset_voice("if_sara")


@pytest.fixture(scope="module")
def spoken(engine: KokoroEngine, sara: VoiceState) -> np.ndarray:
    return _speak(engine, sara, SENTENCE)


def test_italian_is_understood_by_the_recogniser(spoken: np.ndarray, models: Path) -> None:
    jiwer = pytest.importorskip("jiwer")
    from faster_whisper import WhisperModel

    from studio.engines.kokoro.reference import resample

    torch = pytest.importorskip("torch")
    recogniser = WhisperModel(str(models / "whisper-base-ct2"), device="cpu", cpu_threads=2)
    samples = resample(torch.from_numpy(spoken), 24_000, 16_000).numpy()
    heard = " ".join(part.text for part in recogniser.transcribe(samples, language="it", beam_size=1)[0])
    plain = jiwer.Compose([jiwer.RemovePunctuation(), jiwer.ToLowerCase(), jiwer.Strip()])
    heard = plain(heard).replace(" 9 ", " nove ").replace("4", "quattro")
    assert jiwer.wer(plain(SENTENCE), heard) <= 0.2, heard


def test_speech_has_a_sane_length_level_and_is_not_silence(spoken: np.ndarray) -> None:
    assert 3.0 < len(spoken) / 24_000 < 8.0
    assert 0.02 < np.sqrt(np.square(spoken).mean()) < 0.3
    assert np.abs(spoken).max() <= 1.0


def test_the_same_seed_gives_the_same_take_and_another_seed_another(
    engine: KokoroEngine, sara: VoiceState
) -> None:
    first, again, other = (_speak(engine, sara, "Va bene così.", seed=seed) for seed in (7, 7, 8))
    assert np.array_equal(first, again)
    assert first.shape != other.shape or not np.allclose(first, other, atol=1e-3)


def test_faster_speech_is_shorter(engine: KokoroEngine, sara: VoiceState) -> None:
    slow, fast = (_speak(engine, sara, "Va bene così, grazie.", speed=speed) for speed in (1.0, 1.6))
    assert len(fast) < 0.8 * len(slow)


def test_sentences_arrive_one_by_one_in_order(engine: KokoroEngine, sara: VoiceState) -> None:
    texts = ["La prima frase è questa. La seconda frase segue.", "Terza."]
    chunks = list(engine.synthesize([Utterance(text, "it") for text in texts], sara, KokoroOptions()))
    assert [chunk.utterance_index for chunk in chunks] == [0, 0, 1]
    assert all(chunk.clip.sample_rate_hz == 24_000 and chunk.clip.duration_s > 0.3 for chunk in chunks)


def test_stopping_the_iteration_stops_the_work(engine: KokoroEngine, sara: VoiceState) -> None:
    chunks = engine.synthesize([Utterance("Frase da leggere per intero. " * 40, "it")], sara, KokoroOptions())
    next(chunks)
    chunks.close()  # type: ignore[attr-defined]
    with pytest.raises(StopIteration):
        next(chunks)


def test_a_language_it_does_not_speak_is_refused_before_any_sound(
    engine: KokoroEngine, sara: VoiceState
) -> None:
    with pytest.raises(InputRefused) as refusal:
        next(engine.synthesize([Utterance("Guten Tag", "de")], sara, KokoroOptions()))
    assert refusal.value.key == "engines.language"


def test_emoji_alone_are_refused(engine: KokoroEngine, sara: VoiceState) -> None:
    with pytest.raises(TextRefused):
        next(engine.synthesize([Utterance("🎉🎉", "it")], sara, KokoroOptions()))


def test_presets_are_listed_and_unknown_ones_not_found(engine: KokoroEngine) -> None:
    ids = {voice.id: voice for voice in engine.presets()}
    assert ids["im_nicola"].language == "it"
    assert ids["im_nicola"].gender == "m"
    assert {voice.language for voice in ids.values()} == set(engine.spec.languages)
    with pytest.raises(NotFound):
        engine.preset_voice("xx_nobody")


def test_missing_models_are_named_when_they_are_needed(tmp_path: Path, sara: VoiceState) -> None:
    from studio.engines.base import EngineContext

    def missing(model_id: str) -> Path:
        raise ModelMissing("models.missing", model=model_id)

    engine = KokoroEngine(EngineContext(missing, tmp_path))
    with pytest.raises(ModelMissing):
        next(engine.synthesize([Utterance("Ciao", "it")], sara, KokoroOptions()))
