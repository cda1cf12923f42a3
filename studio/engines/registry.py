"""The engines the studio knows: built-in and third-party by the same call, loaded on first use."""

import importlib
import logging
import threading
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from studio.engines.base import Engine, EngineContext, EngineSpec
from studio.errors import EngineTrouble, NotFound, StudioError

GROUP = "studio.engines"
BUILT_IN = (
    "studio.engines.kokoro.spec:SPEC",
    "studio.engines.xtts.spec:SPEC",
    "studio.engines.coqui.spec:SPECS",
    "studio.engines.piper.spec:SPEC",
)
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class BrokenEngine:
    """An engine that could not be registered or loaded: where it came from, and why it failed."""

    source: str
    reason: str


class Registry:
    """Specs by id, and the engines loaded so far. Safe to call from several threads."""

    def __init__(self, context: EngineContext) -> None:
        self._context = context
        self._specs: dict[str, EngineSpec] = {}
        self._broken: list[BrokenEngine] = []
        self._failed: dict[str, BrokenEngine] = {}  # engines whose last load failed
        self._engines: dict[str, Engine] = {}
        self._loading: dict[str, threading.Lock] = {}
        self._guard = threading.Lock()

    def register(self, spec: EngineSpec) -> None:
        """Add an engine. ValueError for an id that is taken, TypeError for what is no EngineSpec."""
        if not isinstance(spec, EngineSpec):
            raise TypeError(f"an engine is registered by its EngineSpec, not by {type(spec).__name__}")
        with self._guard:
            if spec.id in self._specs:
                raise ValueError(f"the engine id {spec.id!r} is taken")
            self._specs[spec.id] = spec
            self._loading[spec.id] = threading.Lock()

    def report_broken(self, source: str, error: BaseException) -> None:
        """Note that the engine from `source` cannot be used; the others stay usable."""
        with self._guard:
            self._broken.append(BrokenEngine(source, f"{type(error).__name__}: {error}"))

    def specs(self) -> tuple[EngineSpec, ...]:
        """Every engine, in the order of registration: built-in ones first."""
        with self._guard:
            return tuple(self._specs.values())

    def broken(self) -> tuple[BrokenEngine, ...]:
        """The engines that could not be registered, then those whose last load failed, and why."""
        with self._guard:
            return (*self._broken, *self._failed.values())

    def spec(self, engine_id: str) -> EngineSpec:
        """The spec of an engine; NotFound for an unknown id."""
        with self._guard:
            spec = self._specs.get(engine_id)
            known = ", ".join(self._specs)
        if spec is None:
            raise NotFound("registry.unknown", engine=engine_id, known=known)
        return spec

    def engine(self, engine_id: str) -> Engine:
        """The engine, loaded when this is the first call for it (once, however many threads ask).

        Raises NotFound for an unknown id, ModelMissing where its files are not here yet, and
        EngineTrouble when its code cannot be loaded. A failed load is tried again by the next call.
        """
        spec = self.spec(engine_id)
        with self._loading[engine_id]:
            engine = self._engines.get(engine_id)
            if engine is None:
                engine = self._load(spec)
                self._engines[engine_id] = engine
            return engine

    def _load(self, spec: EngineSpec) -> Engine:
        context = replace(self._context, scratch=self._context.scratch / spec.id)
        try:
            engine: Engine = resolve(spec.factory)(context)
        except StudioError:
            raise
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
            self._note(spec, reason)
            raise EngineTrouble("registry.cannot_load", engine=spec.name, reason=reason) from error
        self._note(spec, "")
        return engine

    def _note(self, spec: EngineSpec, reason: str) -> None:
        """Remember why an engine could not be loaded; forget it when it could."""
        with self._guard:
            self._failed.pop(spec.id, None)
            if reason:
                self._failed[spec.id] = BrokenEngine(spec.name, reason)

    def loaded(self) -> tuple[str, ...]:
        """The ids of the engines that hold memory now."""
        return tuple(self._engines)

    def unload(self, engine_id: str) -> None:
        """Give back an engine's memory; nothing happens when it is not loaded. NotFound for an unknown id."""
        self.spec(engine_id)
        with self._loading[engine_id]:
            engine = self._engines.pop(engine_id, None)
            if engine is not None:
                engine.unload()

    def unload_all(self) -> None:
        """Unload every engine, as the studio does when it closes."""
        for engine_id in self.loaded():
            self.unload(engine_id)

    def recommended(self, device: str, language: str, available: Collection[str]) -> EngineSpec | None:
        """The engine to offer first, among the `available` ids that speak `language`; None when none does.

        One that says it is at home on `device` ("cpu", "cuda") goes first, then one that clones, then
        one that puts the language earlier in its list, then the order of registration.
        """
        fitting = [s for s in self.specs() if s.id in available and language in s.languages]
        return min(
            fitting,
            key=lambda s: (device not in s.recommended_on, not s.clones, s.languages.index(language)),
            default=None,
        )


def resolve(name: str) -> Any:
    """The object that ``package.module:attribute`` names; ImportError or AttributeError when none."""
    module, _, attribute = name.partition(":")
    return getattr(importlib.import_module(module), attribute)


def load_builtin(registry: Registry, names: Iterable[str] = BUILT_IN) -> None:
    """Register the engines that come with the studio."""
    for name in names:
        _register_all(registry, EntryPoint(name=name, value=name, group=GROUP))


def load_third_party(registry: Registry, found: Iterable[EntryPoint] | None = None) -> None:
    """Register the engines that installed packages announce in the entry point group `studio.engines`.

    An entry point names an EngineSpec, several in a tuple or list, or a function returning either.
    """
    for point in entry_points(group=GROUP) if found is None else found:
        _register_all(registry, point)


def build_registry(context: EngineContext) -> Registry:
    """A registry with the built-in engines and the installed third-party ones."""
    registry = Registry(context)
    load_builtin(registry)
    load_third_party(registry)
    return registry


def _register_all(registry: Registry, point: EntryPoint) -> None:
    try:
        named = point.load()
        if callable(named):
            named = named()
        for spec in (named,) if isinstance(named, EngineSpec) else tuple(named):
            registry.register(spec)
    except Exception as error:  # noqa: BLE001  a third-party module may raise anything; it must not stop the rest
        _log.warning("engine %s (%s) cannot be used", point.name, point.value, exc_info=error)
        registry.report_broken(
            f"{point.name} ({point.value})" if point.name != point.value else point.name, error
        )
