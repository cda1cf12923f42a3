from pathlib import Path

import pytest

from studio.engines.base import EngineContext
from studio.engines.registry import build_registry
from studio.models.catalogue import BUILT_IN, CatalogueFault, PackageSource, load_catalogue

EMBEDDED = {
    "kokoro-82m",
    "kokoro-voices",
    "ecapa-voxceleb",
    "campplus",
    "wespeaker-resnet34",
    "whisper-base-ct2",
    "piper-en-joe",
}


def test_every_embedded_model_is_pinned_and_has_a_mirror_package() -> None:
    embedded = load_catalogue().embedded
    assert {model.id for model in embedded} == EMBEDDED
    for model in embedded:
        assert any(isinstance(source, PackageSource) for source in model.sources), model.id
        assert model.licence.commercial and not model.needs_acceptance, model.id
        assert model.attribution and all(model.summary.values()), model.id


def test_a_models_languages_are_those_of_its_engine(tmp_path: Path) -> None:
    specs = {s.id: s for s in build_registry(EngineContext(lambda _: tmp_path, tmp_path)).specs()}
    for model in load_catalogue().models:
        if model.engine in specs and model.languages:
            assert set(model.languages) <= set(specs[model.engine].languages), model.id
    assert set(load_catalogue().model("kokoro-82m").languages) == set(specs["kokoro"].languages)


def test_the_same_bytes_are_not_listed_under_two_names() -> None:
    hashes = [file.sha256 for model in load_catalogue().models for file in model.files]
    assert len(set(hashes)) == len(hashes)


def test_kokoro_comes_whole_from_nineteen_parts_in_order_and_54_voices() -> None:
    catalogue = load_catalogue()
    (mirror,) = (s for s in catalogue.model("kokoro-82m").sources if isinstance(s, PackageSource))
    numbers = [int(part.member.split("part")[1].removesuffix(".bin")) for part in mirror.parts]
    assert numbers == list(range(19))
    voices = catalogue.model("kokoro-voices")
    assert len(voices.files) == 54
    (mirror,) = (s for s in voices.sources if isinstance(s, PackageSource))
    assert {part.member for part in mirror.parts} == {f"package/voices/{f.name}" for f in voices.files}


def test_xtts_says_plainly_that_it_is_not_for_commerce() -> None:
    xtts = load_catalogue().model("xtts-v2")
    assert xtts.needs_acceptance and not xtts.licence.commercial and not xtts.embedded
    assert "Non-commercial" in xtts.summary["en"] and "non commerciale" in xtts.summary["it"]


def test_no_address_of_a_registry_stands_in_the_catalogue() -> None:
    text = BUILT_IN.read_text()
    assert "pypi.org" not in text and "npmjs" not in text and "resolve/" not in text


ONE = """
[[model]]
id = "m"
name = "M"
engine = "kokoro"
kind = "speech"
languages = []
attribution = "x"
licence = { id = "MIT", name = "MIT", commercial = true, url = "" }
summary = { en = "a", it = "b" }
[[model.file]]
name = "a.bin"
size = 3
sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
[[model.source]]
kind = "hub"
repo = "r/r"
revision = "main"
paths = { "*" = "{file}" }
"""


def read(tmp_path: Path, text: str) -> None:
    path = tmp_path / "catalogue.toml"
    path.write_text(text)
    load_catalogue(path)


def test_a_small_catalogue_is_read(tmp_path: Path) -> None:
    read(tmp_path, ONE)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ('attribution = "x"', 'attribution = "x"\ncolour = "red"'),
        ('attribution = "x"', ""),
        ('repo = "r/r"', 'repo = "r/r"\naddress = "x"'),
        ('name = "a.bin"', 'name = "../a.bin"'),
        ('name = "a.bin"', 'name = ".hidden"'),
        ('id = "m"', 'id = "../m"'),
        ('sha256 = "ba', 'sha256 = "BA'),
        ('sha256 = "ba7816bf', 'sha256 = "'),
        ("size = 3", "size = 0"),
        ('kind = "hub"', 'kind = "ftp"'),
        ('kind = "speech"', 'kind = "magic"'),
        ('paths = { "*" = "{file}" }', 'paths = { "b.bin" = "b.bin" }'),
        ("commercial = true", "commercial = true, extra = 1"),
    ],
)
def test_a_fault_in_the_catalogue_is_refused(tmp_path: Path, right: str, wrong: str) -> None:
    assert right in ONE
    with pytest.raises(CatalogueFault):
        read(tmp_path, ONE.replace(right, wrong))


def test_a_member_that_leaves_its_archive_is_refused(tmp_path: Path) -> None:
    part = '{ file = "*", package = "p", version = "1", member = "../{file}" }'
    with pytest.raises(CatalogueFault, match="leaves its archive"):
        read(tmp_path, ONE + f'[[model.source]]\nkind = "pypi"\nparts = [{part}]\n')


def test_two_models_with_one_id_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CatalogueFault, match="share an id"):
        read(tmp_path, ONE + ONE)
