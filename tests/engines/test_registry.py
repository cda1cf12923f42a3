"""The registry: one call registers every engine, one load however many ask, one broken breaks no other."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any, ClassVar

import pytest

from studio.engines import registry as registry_module
from studio.engines.base import AudioChunk, EngineContext, EngineOptions, EngineSpec, Licence, VoiceState
from studio.engines.registry import GROUP, Registry, build_registry, load_builtin, load_third_party
from studio.errors import EngineTrouble, ModelMissing, NotFound

HERE = __name__


class CountingEngine:
    """Counts how often it is built and unloaded; building takes long enough for threads to collide."""

    built: ClassVar[list[EngineContext]] = []
    unloaded = 0

    def __init__(self, context: EngineContext) -> None:
        time.sleep(0.05)
        type(self).built.append(context)

    def synthesize(self, requests: Sequence[Any], voice: VoiceState, options: Any) -> Iterator[AudioChunk]:
        yield from ()

    def unload(self) -> None:
        type(self).unloaded += 1


def needs_a_model(context: EngineContext) -> None:
    raise ModelMissing("coqui.no_model", engine="x", models="y")


def falls_over(context: EngineContext) -> None:
    raise RuntimeError("wrong CUDA")


def spec(engine_id: str, factory: str = f"{HERE}:CountingEngine", **changes: Any) -> EngineSpec:
    values: dict[str, Any] = {
        "id": engine_id,
        "name": engine_id.title(),
        "licence": Licence("MIT", "MIT", commercial=True),
        "languages": ("it", "en"),
        "sample_rate_hz": 24000,
        "options": EngineOptions,
        "factory": factory,
        "models": (),
        "clones": False,
        "summary": {"it": "prova", "en": "test"},
    }
    return EngineSpec(**(values | changes))


ONE = spec("plug-one")


def several() -> list[EngineSpec]:
    return [spec("plug-two"), spec("plug-three")]


def point(name: str, attribute: str) -> EntryPoint:
    return EntryPoint(name=name, value=f"{HERE}:{attribute}", group=GROUP)


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    CountingEngine.built, CountingEngine.unloaded = [], 0
    return Registry(EngineContext(model_files=lambda model_id: tmp_path / model_id, scratch=tmp_path))


def test_an_unknown_engine_is_not_found_and_the_message_lists_the_known_ones(registry: Registry) -> None:
    registry.register(spec("alpha"))
    with pytest.raises(NotFound, match="alpha"):
        registry.spec("beta")
    with pytest.raises(NotFound):
        registry.engine("beta")
    with pytest.raises(NotFound):
        registry.unload("beta")


def test_an_id_cannot_be_taken_twice_and_only_specs_register(registry: Registry) -> None:
    registry.register(spec("alpha"))
    with pytest.raises(ValueError, match="alpha"):
        registry.register(spec("alpha"))
    with pytest.raises(TypeError):
        registry.register("alpha")  # type: ignore[arg-type]


def test_an_engine_is_built_on_first_use_and_once_under_concurrency(registry: Registry) -> None:
    registry.register(spec("alpha"))
    assert CountingEngine.built == []
    got: list[object] = []
    threads = [threading.Thread(target=lambda: got.append(registry.engine("alpha"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 8
    assert len({id(engine) for engine in got}) == 1
    assert len(CountingEngine.built) == 1


def test_each_engine_has_a_scratch_folder_of_its_own(registry: Registry) -> None:
    registry.register(spec("alpha"))
    registry.engine("alpha")
    assert CountingEngine.built[0].scratch.name == "alpha"


def test_unloading_gives_back_memory_and_the_next_call_loads_again(registry: Registry) -> None:
    registry.register(spec("alpha"))
    first = registry.engine("alpha")
    registry.unload("alpha")
    assert (CountingEngine.unloaded, registry.loaded()) == (1, ())
    registry.unload("alpha")
    assert CountingEngine.unloaded == 1
    assert registry.engine("alpha") is not first
    registry.unload_all()
    assert CountingEngine.unloaded == 2


def test_a_missing_model_is_said_as_such_and_other_failures_name_their_reason(registry: Registry) -> None:
    registry.register(spec("alpha", f"{HERE}:needs_a_model"))
    registry.register(spec("beta", f"{HERE}:falls_over"))
    registry.register(spec("gamma", "no.such.module:Engine"))
    with pytest.raises(ModelMissing):
        registry.engine("alpha")
    with pytest.raises(EngineTrouble, match="wrong CUDA"):
        registry.engine("beta")
    with pytest.raises(EngineTrouble, match="No module named"):
        registry.engine("gamma")
    assert registry.loaded() == ()
    told = {broken.source: broken.reason for broken in registry.broken()}  # a missing model is no fault
    assert list(told) == ["Beta", "Gamma"] and "wrong CUDA" in told["Beta"]


def test_an_engine_that_loads_again_is_no_longer_broken(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.register(spec("beta", f"{HERE}:falls_over"))
    with pytest.raises(EngineTrouble):
        registry.engine("beta")
    assert [broken.source for broken in registry.broken()] == ["Beta"]
    monkeypatch.setattr(sys.modules[HERE], "falls_over", CountingEngine)
    registry.engine("beta")
    assert registry.broken() == ()


def test_third_party_engines_come_singly_or_several_from_a_function(registry: Registry) -> None:
    load_third_party(registry, [point("one", "ONE"), point("more", "several")])
    assert [s.id for s in registry.specs()] == ["plug-one", "plug-two", "plug-three"]
    assert registry.broken() == ()


def test_a_broken_third_party_engine_is_reported_and_the_rest_stay_usable(registry: Registry) -> None:
    points = [point("bad", "nothing_here"), point("one", "ONE"), point("again", "ONE")]
    load_third_party(registry, points)
    assert [s.id for s in registry.specs()] == ["plug-one"]
    sources = [broken.source for broken in registry.broken()]
    assert [source.split()[0] for source in sources] == ["bad", "again"]
    assert "nothing_here" in registry.broken()[0].reason
    assert "taken" in registry.broken()[1].reason


def test_installed_packages_are_found_by_their_entry_points(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, registry: Registry
) -> None:
    info = tmp_path / "other_engine-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: other-engine\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{GROUP}]\nother = {HERE}:ONE\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    load_third_party(registry)
    assert "plug-one" in [s.id for s in registry.specs()]


def test_the_recommended_engine_is_at_home_on_the_device_speaks_the_language_and_is_available(
    registry: Registry,
) -> None:
    registry.register(spec("everywhere", recommended_on=frozenset({"cpu"}), clones=True))
    registry.register(spec("gpu", recommended_on=frozenset({"cuda"}), clones=True))
    registry.register(spec("french", languages=("fr",)))
    everyone = {"everywhere", "gpu", "french"}
    assert registry.recommended("cpu", "it", everyone) == registry.spec("everywhere")
    assert registry.recommended("cuda", "it", everyone) == registry.spec("gpu")
    assert registry.recommended("cuda", "it", everyone - {"gpu"}) == registry.spec("everywhere")
    assert registry.recommended("cpu", "fr", everyone) == registry.spec("french")
    assert registry.recommended("cpu", "ja", everyone) is None


def test_the_built_in_engines_of_this_room_register(registry: Registry) -> None:
    load_builtin(registry, ["studio.engines.coqui.spec:SPECS", "studio.engines.piper.spec:SPEC"])
    assert [s.id for s in registry.specs()] == ["coqui", "coqui-mms", "piper"]
    assert registry.broken() == ()


def test_every_built_in_engine_is_listed_or_its_absence_is_reported(tmp_path: Path) -> None:
    registry = build_registry(EngineContext(model_files=lambda model_id: tmp_path, scratch=tmp_path))
    assert {"coqui", "coqui-mms", "piper"} <= {s.id for s in registry.specs()}
    reported = {broken.source for broken in registry.broken()}
    for name in registry_module.BUILT_IN:
        module = name.split(":")[0].split(".")[2]
        assert name in reported or any(s.id.startswith(module) for s in registry.specs())


def test_listing_the_engines_loads_no_torch(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib\n"
        "from studio.engines.base import EngineContext\n"
        "from studio.engines.registry import build_registry\n"
        "build_registry(EngineContext(lambda m: pathlib.Path('.'), pathlib.Path('.'))).specs()\n"
        "heavy = {'torch', 'onnxruntime', 'onnx', 'TTS', 'transformers'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    root = Path(registry_module.__file__).parents[2]
    subprocess.run([sys.executable, "-c", code], cwd=root, check=True, timeout=60)
