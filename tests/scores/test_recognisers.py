"""Which recogniser judges, by the settings."""

from pathlib import Path

import pytest

from studio.errors import InputRefused
from studio.scores.recognisers import Recognisers
from studio.settings import Settings
from tests.fakes import FakeJudges


def recognisers(tmp_path: Path, **given: str) -> Recognisers:
    return Recognisers(FakeJudges(), Settings(storage=tmp_path, **given))  # type: ignore[arg-type]


def test_wav2vec2_is_the_italian_one_unless_another_is_named(tmp_path: Path) -> None:
    chosen = recognisers(tmp_path, recogniser="wav2vec2").choose("", "it")
    assert chosen.model == "jonatasgrosman/wav2vec2-large-xlsr-53-italian" and chosen.languages == ("it",)
    named = recognisers(tmp_path, recogniser="wav2vec2", recogniser_model="a/b").choose("", "it")
    assert named.model == "a/b"


def test_what_has_no_default_has_to_be_named(tmp_path: Path) -> None:
    for given in ({"recogniser": "whisper"}, {"recogniser": "wav2vec2", "recogniser_language": "fr"}):
        with pytest.raises(InputRefused) as refused:
            recognisers(tmp_path, **given).choose("", given.get("recogniser_language", "it"))
        assert refused.value.key == "scores.recogniser_model"
