from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from TTS.tts.models import xtts

from studio.audio.clip import AudioClip
from studio.engines.base import EnrolmentProgress, VoiceState
from studio.engines.xtts.conditioning import _shares
from studio.engines.xtts.engine import XttsEngine
from studio.errors import AudioRefused, Cancelled, InputRefused, NotFound
from tests.engines.xtts.conftest import RECORDINGS, recording

FIRST, SECOND = "LJ001-0002", "LJ001-0008"


def test_a_voice_from_a_recording_is_upstreams_own(
    engine: XttsEngine, model: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Upstream reads the file itself, here through libsndfile; the studio passes samples."""
    monkeypatch.setattr(
        xtts.torchaudio, "load", lambda path: (torch.tensor(recording(FIRST).samples)[None], 16_000)
    )
    latents, embedding = model.get_conditioning_latents([str(RECORDINGS / f"{FIRST}.flac")])
    state = engine.encode_voice([recording(FIRST)])
    assert np.abs(state.tensors["gpt_cond_latent"] - latents.numpy()).max() < 1e-5
    assert np.abs(state.tensors["speaker_embedding"] - embedding.numpy()).max() < 1e-5


def test_several_clips_make_one_voice_that_hears_all_of_them(engine: XttsEngine) -> None:
    one, two = (engine.encode_voice([recording(name)]) for name in (FIRST, SECOND))
    both = engine.encode_voice([recording(FIRST), recording(SECOND)])
    middle = (one.tensors["speaker_embedding"] + two.tensors["speaker_embedding"]) / 2
    assert np.abs(both.tensors["speaker_embedding"] - middle).max() < 1e-6
    for single in (one, two):
        assert np.abs(both.tensors["gpt_cond_latent"] - single.tensors["gpt_cond_latent"]).max() > 1e-3
    assert both.facts["clips"] == "2"


def test_a_long_first_clip_does_not_crowd_out_the_others() -> None:
    clips = [torch.zeros(1, n) for n in (1000, 50, 400)]
    assert [part.shape[1] for part in _shares(clips, 600)] == [275, 50, 275]
    assert [part.shape[1] for part in _shares(clips, 9999)] == [1000, 50, 400]


def test_nothing_of_the_recording_is_written_to_disk(
    engine: XttsEngine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    engine.encode_voice([recording(SECOND)])
    assert not any(tmp_path.iterdir())


def test_a_voice_survives_its_own_file_format(engine: XttsEngine) -> None:
    state = engine.encode_voice([recording(SECOND)])
    assert VoiceState.from_bytes(state.to_bytes()).content_id == state.content_id


def test_enrolment_tells_how_far_it_is_and_ends_with_the_voice(engine: XttsEngine) -> None:
    told: list[EnrolmentProgress] = []
    state = engine.encode_voice([recording(FIRST), recording(SECOND)], report=told.append)
    assert [p.fraction for p in told] == sorted(p.fraction for p in told)
    assert told[-1].fraction == 1.0
    assert told[-1].state is state


def test_a_cancelled_enrolment_makes_no_voice(engine: XttsEngine) -> None:
    with pytest.raises(Cancelled):
        engine.encode_voice([recording(FIRST)], should_stop=lambda: True)


@pytest.mark.parametrize(
    ("clips", "key"),
    [
        ([], "xtts.no_clips"),
        ([AudioClip(np.full(8000, 0.1, np.float32), 16_000)], "xtts.clip_short"),
        ([AudioClip(np.zeros(32_000, np.float32), 16_000)], "xtts.clip_silent"),
        ([AudioClip(np.full(32_000, np.nan, np.float32), 16_000)], "xtts.clip_silent"),
    ],
)
def test_clips_without_a_voice_are_refused(engine: XttsEngine, clips: list[AudioClip], key: str) -> None:
    with pytest.raises(AudioRefused) as refusal:
        engine.encode_voice(clips)
    assert refusal.value.key == key
    assert refusal.value.text("it") != refusal.value.text("en")


def test_an_unknown_language_is_refused_at_enrolment_too(engine: XttsEngine) -> None:
    with pytest.raises(InputRefused):
        engine.encode_voice([recording(FIRST)], language="eo")


def test_the_checkpoints_own_speakers_are_presets(engine: XttsEngine) -> None:
    assert [preset.name for preset in engine.presets()] == ["Alba Rossi", "Bruno Verdi"]
    assert engine.preset_voice("Alba Rossi").tensors["gpt_cond_latent"].shape == (1, 32, 64)
    with pytest.raises(NotFound):
        engine.preset_voice("Nessuno")
