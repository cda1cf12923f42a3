"""A Kokoro voice as a stored value."""

import numpy as np
import pytest

from studio.engines.base import VoiceState
from studio.engines.kokoro.spec import ENGINE_ID, SPEC, KokoroOptions
from studio.engines.kokoro.voice import BIAS_SIZE, STYLE_ROWS, STYLE_SIZE, KokoroVoice
from studio.errors import EngineTrouble


def _fitted() -> KokoroVoice:
    generator = np.random.default_rng(0)
    shape = (STYLE_ROWS, STYLE_SIZE)
    return KokoroVoice(
        generator.normal(size=shape).astype(np.float32),
        generator.normal(size=STYLE_SIZE).astype(np.float32),
        generator.normal(size=BIAS_SIZE).astype(np.float32),
    )


def test_a_voice_survives_being_stored() -> None:
    voice = _fitted()
    stored = VoiceState.from_bytes(voice.state(ENGINE_ID, similarity="0.7").to_bytes())
    back = KokoroVoice.of(stored, ENGINE_ID)
    assert stored.facts["similarity"] == "0.7"
    for name in ("style", "offset", "biases"):
        assert np.array_equal(getattr(back, name), getattr(voice, name))


def test_blend_leads_from_the_start_style_to_the_fitted_one() -> None:
    voice = _fitted()
    assert np.array_equal(voice.style_for(7, 0.0), voice.style[6])
    assert np.allclose(voice.style_for(7, 1.0), voice.style[6] + voice.offset)
    assert np.array_equal(voice.style_for(9_999, 0.0), voice.style[-1])


@pytest.mark.parametrize(
    "tensors",
    [
        {},
        {"style": np.zeros((510, 255), np.float32)},
        {"style": np.zeros((510, 256), np.float32), "biases": np.zeros(3, np.float32)},
        {"style": np.full((510, 256), np.nan, np.float32)},
    ],
)
def test_a_damaged_voice_is_refused(tensors: dict[str, np.ndarray]) -> None:
    with pytest.raises(EngineTrouble) as trouble:
        KokoroVoice.of(VoiceState(ENGINE_ID, tensors), ENGINE_ID)
    assert trouble.value.key == "kokoro.broken_voice"


def test_another_engines_voice_is_refused_by_name() -> None:
    with pytest.raises(EngineTrouble, match="xtts"):
        KokoroVoice.of(VoiceState("xtts", {}), ENGINE_ID)


def test_the_spec_loads_no_torch() -> None:
    import subprocess
    import sys

    code = "import sys, studio.engines.kokoro.spec; sys.exit('torch' in sys.modules or 'onnxruntime' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_options_refuse_unknown_keys_and_values_out_of_range() -> None:
    assert SPEC.options is KokoroOptions
    for wrong in ({"pitch": 2}, {"blend": 1.5}, {"speed": 9}, {"accent": "au"}, {"seed": -1}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            KokoroOptions(**wrong)
